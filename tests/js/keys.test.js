import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { openPage } from "./page.js";

const page = openPage(`
  <input id="text"><input id="choice" type="radio"><textarea id="note"></textarea>
  <button id="button" title="Zoom in" data-key-action="zoom-in">+</button>
  <button id="unbound" title="Rotate" data-key-action="rotate">r</button>
  <kbd id="key" data-key-action="save"></kbd>
  <span id="list" data-key-action="next-image"></span>
  <div id="stage" data-viewer-stage tabindex="0"></div>
  <dialog id="keys-dialog" data-name-enter="Return"></dialog>`);
page.document.body.dataset.keys = JSON.stringify({
  "next-image": ["J", "ArrowRight"],
  save: ["Ctrl+Enter"],
  "zoom-in": ["+"],
  rotate: [],
  agree: ["Enter"],
});
const { bind, chordsOf, showKeys, words } = await import("../../frontend/js/keys.js");

const done = [];
for (const action of ["next-image", "save", "zoom-in", "agree"]) {
  bind(action, () => done.push(action), { repeats: action === "zoom-in" });
}

const at = (id) => page.document.getElementById(id) ?? page.document.body;

function press(key, { on = "", ...how } = {}) {
  const event = new page.KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...how });
  at(on).dispatchEvent(event);
  return event;
}

beforeEach(() => {
  done.length = 0;
  at("keys-dialog").removeAttribute("open");
});

test("every key of an action sets it off, and nothing else happens then", () => {
  assert.ok(press("j").defaultPrevented);
  assert.ok(press("ArrowRight").defaultPrevented);
  assert.deepEqual(done, ["next-image", "next-image"]);
});

test("a key without an action, and an action without a handler, are left to the browser", () => {
  assert.equal(press("q").defaultPrevented, false);
  assert.deepEqual(done, []);
});

test("a single key is a letter while somebody types; a chord with Ctrl is not", () => {
  press("j", { on: "text" });
  press("j", { on: "note" });
  assert.deepEqual(done, []);
  press("Enter", { on: "note", ctrlKey: true });
  assert.deepEqual(done, ["save"]);
});

test("single keys work where nothing can be typed", () => {
  press("j", { on: "choice" });
  press("j", { on: "button" });
  assert.deepEqual(done, ["next-image", "next-image"]);
});

test("what a control does with keys of its own goes first", () => {
  press("ArrowRight", { on: "choice" });
  press("ArrowRight", { on: "stage" });
  press("Enter", { on: "button" });
  assert.deepEqual(done, []);
  press("Enter");
  assert.deepEqual(done, ["agree"]);
});

test("a key that is held down repeats only what may repeat", () => {
  press("j", { repeat: true });
  press("+", { repeat: true });
  assert.deepEqual(done, ["zoom-in"]);
});

test("nothing happens behind an open dialog", () => {
  at("keys-dialog").setAttribute("open", "");
  press("j");
  assert.deepEqual(done, []);
});

test("nothing happens while a sign is being composed, or after another script took the key", () => {
  press("j", { isComposing: true });
  const taken = new page.KeyboardEvent("keydown", { key: "j", bubbles: true, cancelable: true });
  taken.preventDefault();
  page.document.body.dispatchEvent(taken);
  assert.deepEqual(done, []);
});

test("a handler that says false leaves the key to the browser", () => {
  bind("save", () => false);
  assert.equal(press("Enter", { ctrlKey: true }).defaultPrevented, false);
});

test("the page says which keys there are", () => {
  showKeys();
  assert.equal(at("button").title, "Zoom in (+)");
  assert.equal(at("unbound").title, "Rotate");
  assert.equal(at("key").textContent, "Ctrl+Return");
  assert.deepEqual(
    [...at("list").querySelectorAll("kbd")].map((kbd) => kbd.textContent),
    ["J", "→"],
  );
});

test("saying it twice adds nothing", () => {
  showKeys();
  showKeys();
  assert.equal(at("button").title, "Zoom in (+)");
});

test("an action that was switched off has no keys", () => {
  assert.deepEqual(chordsOf("rotate"), []);
  assert.deepEqual(chordsOf("no-such-action"), []);
  assert.equal(words("Shift+ArrowLeft"), "Shift+←");
});
