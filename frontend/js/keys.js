// Keys: which set off an action for this person, who listens, and how they are shown.
//
// The server sends the keys of every action in <body data-keys> (portal/preferences/shortcuts.py has the list and the
// defaults). A chord is written "J", "Shift+1", "Ctrl+Enter", "ArrowRight" or "+".
import { isTyping } from "./dom.js";

const MODIFIERS = ["Ctrl", "Alt", "Shift"];
const SYMBOLS = { ArrowRight: "→", ArrowLeft: "←", ArrowUp: "↑", ArrowDown: "↓" };
// What a control does with keys of its own goes before ours.
const OWN_KEYS = {
  arrows:
    "[data-viewer-stage], [data-viewer-second], input[type=radio], input[type=range], [role=menu], [role=tablist]",
  presses: "button, a[href], summary, input, [data-viewer-stage]",
};

const keys = JSON.parse(document.body.dataset.keys || "{}");
const actionOf = new Map(Object.entries(keys).flatMap(([action, chords]) => chords.map((chord) => [chord, action])));
const handlers = new Map();

/** The chords that set an action off; none where the person switched them off. */
export const chordsOf = (action) => keys[action] ?? [];

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

const isSingle = (chord) => !/^(Ctrl|Alt)\+/.test(chord);

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
  if (isSingle(chord) && (isTyping(event) || isTaken(event, chord))) return;
  if (bound.handler(event) !== false) event.preventDefault();
});

// --- Saying which keys there are

/** A chord in words: names of keys come from the dialog, in the page's language. */
export function words(chord) {
  const names = document.getElementById("keys-dialog")?.dataset ?? {};
  const nameOf = (part) => SYMBOLS[part] ?? names[`name${part}`] ?? part;
  return chord
    .split(/\+(?=.)/)
    .map(nameOf)
    .join("+");
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
      element.textContent = chords.length ? words(chords[0]) : "–";
    } else {
      element.replaceChildren(...chords.flatMap((chord) => [kbd(chord), " "]), ...(chords.length ? [] : ["–"]));
    }
  }
}

bind("help", () => document.getElementById("keys-dialog")?.showModal());
document.addEventListener("htmx:afterSettle", () => showKeys());
showKeys();
