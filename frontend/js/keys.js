// Keys: which set off an action for this person, who listens, and how they are shown.
//
// The server sends the keys of every action in <body data-keys> (portal/preferences/shortcuts.py has the list and the
// defaults). chords.js says how a chord is written.
import { chordOf, isSingle, keyOf, partsOf } from "./chords.js";
import { isTyping } from "./dom.js";

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

function isTaken(event, chord) {
  const key = keyOf(chord);
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
  return partsOf(chord).map(nameOf).join("+");
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
