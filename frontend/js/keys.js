// The one list of keys: what each action has by default, what the person made of it, and who listens.
//
// A chord is written "J", "Shift+1", "Ctrl+Enter", "ArrowRight" or "+". Own keys come as {action: chord} in
// <body data-keys>; a list gives an action several chords, and an empty one switches it off.
import { isTyping } from "./dom.js";

const numbered = (action, modifier = "") =>
  Object.fromEntries([1, 2, 3, 4, 5, 6].map((number) => [`${action}-${number}`, [`${modifier}${number}`]]));

export const DEFAULTS = {
  ...numbered("answer"),
  ...numbered("answer-all", "Shift+"),
  "confidence-low": ["7"],
  "confidence-medium": ["8"],
  "confidence-high": ["9"],
  "next-image": ["J", "ArrowRight"],
  "previous-image": ["K", "ArrowLeft"],
  "heat-map": ["H"],
  "next-case": ["N"],
  "zoom-in": ["+", "="],
  "zoom-out": ["-"],
  home: ["0"],
  rotate: ["R"],
  "rotate-left": ["Shift+R"],
  brighter: ["]"],
  darker: ["["],
  magnifier: ["M"],
  "side-by-side": ["S"],
  measure: ["D"],
  marker: ["A"],
  "full-screen": ["F"],
  save: ["Ctrl+Enter"],
  help: ["?"],
};

const MODIFIERS = ["Ctrl", "Alt", "Shift"];
const SWITCHED_OFF = "hemalens-single-keys"; // "off" in the browser's storage
const SYMBOLS = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓" };
// What a control does with keys of its own goes before ours.
const OWN_KEYS = {
  arrows: "[data-viewer-stage], input[type=radio], input[type=range], [role=menu], [role=tablist]",
  presses: "button, a[href], summary, input, [data-viewer-stage]",
};

const handlers = new Map();

/** Calls `handler` on the action's keys; one handler an action. `repeats`: also while the key is held down. */
export function bind(action, handler, { repeats = false } = {}) {
  handlers.set(action, { handler, repeats });
}

const isLetter = (key) => key.toLowerCase() !== key.toUpperCase();

/** A chord as the list writes it, from whatever spelling: "shift + j" is "Shift+J". */
export function normalised(chord) {
  const parts = chord.trim().split(/\s*\+\s*(?=.)/);
  const key = parts.pop();
  const modifiers = MODIFIERS.filter((name) => parts.some((part) => part.toLowerCase() === name.toLowerCase()));
  return [...modifiers, key.length === 1 ? key.toUpperCase() : key].join("+");
}

/** The chord of a key press. Digits go by place (with Shift each layout has another sign on them), the rest by sign. */
export function chordOf(event) {
  const key = /^Digit(\d)$/.exec(event.code)?.[1] ?? (event.key === " " ? "Space" : event.key);
  const isSign = key.length === 1 && !/\d/.test(key) && !isLetter(key);
  const isAltGraph = event.getModifierState?.("AltGraph"); // how many layouts write [ and ]
  const modifiers = [
    (event.ctrlKey || event.metaKey) && !isAltGraph && "Ctrl",
    event.altKey && !isAltGraph && "Alt",
    event.shiftKey && !isSign && "Shift",
  ].filter(Boolean);
  return [...modifiers, key.length === 1 ? key.toUpperCase() : key].join("+");
}

function ownKeys() {
  try {
    return JSON.parse(document.body.dataset.keys || "{}");
  } catch {
    return {};
  }
}

const own = Object.fromEntries(
  Object.entries(ownKeys())
    .filter(([action]) => action in DEFAULTS)
    .map(([action, chords]) => [action, [chords].flat().filter(Boolean).map(normalised)]),
);
const actionOf = new Map(Object.entries(own).flatMap(([action, chords]) => chords.map((chord) => [chord, action])));
for (const [action, chords] of Object.entries(DEFAULTS)) {
  if (action in own) continue;
  for (const chord of chords) if (!actionOf.has(chord)) actionOf.set(chord, action);
}

/** The chords that set an action off now: a key somebody gave to another action is no longer its default's. */
export function chordsOf(action) {
  return (own[action] ?? DEFAULTS[action] ?? []).filter((chord) => actionOf.get(chord) === action);
}

const isSingle = (chord) => !/^(Ctrl|Alt)\+/.test(chord);
const singlesAreOff = () => localStorage.getItem(SWITCHED_OFF) === "off";

function isTaken(event, chord) {
  const key = chord.split("+").pop();
  const taking = key.startsWith("Arrow") ? OWN_KEYS.arrows : ["Enter", "Space"].includes(key) ? OWN_KEYS.presses : "";
  return Boolean(taking && isSingle(chord) && event.target.closest?.(taking));
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || document.querySelector("dialog[open]")) return;
  const chord = chordOf(event);
  const bound = handlers.get(actionOf.get(chord));
  if (!bound || (event.repeat && !bound.repeats)) return;
  if (isSingle(chord) && (isTyping(event) || singlesAreOff() || isTaken(event, chord))) return;
  if (bound.handler(event) !== false) event.preventDefault();
});

// --- Saying which keys there are

/** A chord in words: names of keys come from the dialog, in the page's language. */
export function words(chord) {
  const names = document.getElementById("keys-dialog")?.dataset ?? {};
  const parts = chord === "+" ? ["+"] : chord.split(/\+(?=.)/);
  return parts.map((part) => SYMBOLS[part] ?? names[`name${part[0].toUpperCase()}${part.slice(1)}`] ?? part).join("+");
}

function kbd(chord) {
  const element = document.createElement("kbd");
  element.textContent = words(chord);
  return element;
}

/** Writes the current keys wherever [data-key-action] names an action: as <kbd>, in a button's title, or as a list. */
export function showKeys(root = document) {
  for (const element of root.querySelectorAll("[data-key-action]")) {
    const chords = chordsOf(element.dataset.keyAction);
    if (element.matches("button")) {
      element.dataset.name ??= element.title;
      element.title = chords.length ? `${element.dataset.name} (${words(chords[0])})` : element.dataset.name;
    } else if (element.matches("kbd")) {
      element.textContent = chords.length ? words(chords[0]) : "";
      element.hidden = !chords.length;
    } else {
      element.replaceChildren(...chords.flatMap((chord) => [kbd(chord), " "]), ...(chords.length ? [] : ["–"]));
    }
  }
}

const toggle = document.querySelector("[data-single-keys]");
if (toggle) {
  toggle.checked = !singlesAreOff();
  toggle.addEventListener("change", () => localStorage.setItem(SWITCHED_OFF, toggle.checked ? "on" : "off"));
}
bind("help", () => document.getElementById("keys-dialog")?.showModal());
document.addEventListener("htmx:afterSettle", (event) => showKeys(event.target));
showKeys();
