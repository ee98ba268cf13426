import assert from "node:assert/strict";
import { test } from "node:test";

import { chordOf, isSingle, keyOf, partsOf } from "../../frontend/js/chords.js";

const NOTHING_HELD = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false };
const press = (key, held = {}) => chordOf({ key, code: "", ...NOTHING_HELD, ...held });

test("a letter is written large, whatever the case it comes in", () => {
  assert.equal(press("j"), "J");
  assert.equal(press("J", { shiftKey: true }), "Shift+J");
  assert.equal(press("ñ"), "Ñ");
});

test("a digit goes by its place, as a layout has another sign there with Shift", () => {
  assert.equal(press("!", { code: "Digit1", shiftKey: true }), "Shift+1");
  assert.equal(press("&", { code: "Digit1" }), "1"); // a French keyboard
  assert.equal(press("2", { code: "Numpad2" }), "2");
});

test("a sign is the same with Shift and without", () => {
  assert.equal(press("?", { shiftKey: true }), "?");
  assert.equal(press("+", { shiftKey: true }), "+");
});

test("AltGraph makes a sign and no chord with Ctrl and Alt", () => {
  const getModifierState = (name) => name === "AltGraph";
  assert.equal(press("[", { ctrlKey: true, altKey: true, getModifierState }), "[");
  assert.equal(press("[", { ctrlKey: true, altKey: true, getModifierState: () => false }), "Ctrl+Alt+[");
});

test("Command counts as Ctrl, and modifiers have one order", () => {
  assert.equal(press("Enter", { metaKey: true }), "Ctrl+Enter");
  assert.equal(press("F2", { shiftKey: true, altKey: true, ctrlKey: true }), "Ctrl+Alt+Shift+F2");
});

test("the space bar has a name", () => assert.equal(press(" "), "Space"));

test("a chord comes apart again, also where the key is a plus", () => {
  assert.deepEqual(partsOf("Ctrl+Shift+J"), ["Ctrl", "Shift", "J"]);
  assert.deepEqual(partsOf("+"), ["+"]);
  assert.deepEqual(partsOf("Ctrl++"), ["Ctrl", "+"]);
  assert.equal(keyOf("Shift+ArrowLeft"), "ArrowLeft");
  assert.equal(keyOf("+"), "+");
});

test("a single key is one that a person who types would press", () => {
  assert.deepEqual(["J", "Shift+J", "+", "Enter"].map(isSingle), [true, true, true, true]);
  assert.deepEqual(["Ctrl+Enter", "Alt+J"].map(isSingle), [false, false]);
});
