// The keys in a person's preferences: a field takes the key that is pressed in it.
import { chordOf } from "./chords.js";
import { announce } from "./dom.js";

const form = document.querySelector("[data-preferences]");
const fields = [...form.querySelectorAll("[data-key-input]")];
const resetAll = form.querySelector("[data-reset-all]");

// As portal/preferences/shortcuts.py has it. What moves about, sends the form or belongs to the browser is not among them.
const SHORTCUT = /^((Shift\+)?[\p{L}\p{N}]|[^\p{L}\p{N}\s]|(Ctrl|Shift)\+Enter|F[24789])$/u;

const labelOf = (field) => field.labels[0].textContent;
const errorOf = (field) => field.closest("tr").querySelector("[data-key-error]");

function set(field, chord) {
  field.value = chord;
  update();
  announce(`${labelOf(field)}: ${chord}`); // what is wrong with it announces itself
}

/** Setting a field says nothing by itself; what is kept of the form is told. */
const tell = () => form.dispatchEvent(new Event("input", { bubbles: true }));

/** Says beside each field whether another one has its key. */
function update() {
  for (const field of fields) {
    const other = fields.find((owner) => owner !== field && owner.value === field.value);
    errorOf(field).textContent = other ? form.dataset.textTaken.replace("%s", labelOf(other)) : "";
    field.setAttribute("aria-invalid", String(Boolean(other)));
  }
  offerResets();
  tell();
}

function offerResets() {
  for (const field of fields) {
    field.closest("tr").querySelector("[data-reset-key]").hidden = field.value === field.dataset.keyInput;
  }
  resetAll.hidden = fields.every((field) => field.value === field.dataset.keyInput);
}

form.addEventListener("keydown", (event) => {
  const field = event.target.closest("[data-key-input]");
  const chord = chordOf(event);
  const isErased = chord === "Backspace" || chord === "Delete";
  if (!field || !(isErased || SHORTCUT.test(chord))) return;
  event.preventDefault();
  set(field, isErased ? field.dataset.keyInput : chord);
});

// A keyboard on the screen types without saying which key it was.
form.addEventListener("input", (event) => {
  const field = event.target.closest("[data-key-input]");
  if (field) set(field, field.value.trim().slice(-1).toUpperCase() || field.dataset.keyInput);
});

form.addEventListener("change", (event) => event.target === form && update()); // what was kept is back

form.addEventListener("focusin", (event) => event.target.closest("[data-key-input]")?.select());

form.addEventListener("click", (event) => {
  const reset = event.target.closest("[data-reset-key]");
  if (reset) {
    const field = reset.closest("tr").querySelector("[data-key-input]");
    field.focus();
    set(field, field.dataset.keyInput);
  }
  if (!event.target.closest("[data-reset-all]")) return;
  fields[0].focus();
  for (const field of fields) field.value = field.dataset.keyInput;
  update();
});

offerResets(); // what the server refused stays readable until a key is pressed
