// Chords: how a key press is written, "J", "Shift+1", "Ctrl+Enter", "ArrowRight" or "+".

const isLetter = (key) => key.toLowerCase() !== key.toUpperCase();

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

/** The key of a chord without its modifiers. */
export const keyOf = (chord) => partsOf(chord).at(-1);

/** Modifiers and key, also where the key is "+" itself. */
export const partsOf = (chord) => chord.split(/\+(?=.)/);

/** Whether a person who types would press it: no Ctrl and no Alt. */
export const isSingle = (chord) => !/^(Ctrl|Alt)\+/.test(chord);
