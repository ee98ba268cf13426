// What is typed in a form with data-keep stays in this browser until the form is saved, so that a page that is closed or
// reloaded loses nothing (docs/decisions/0023-typed-text.md).
//
// The value of data-keep tells apart what the form's address does not, such as the round of a case. A form with
// data-puts-back has what is kept at once; any other one asks. Values that a script sets are announced by an event:
// "input" or "change" on the form.
import { announce, meta, newId } from "./dom.js";
import { canKeep, KeptStore, sweep } from "./kept-store.js";
import { personsKey } from "./session.js";

const FORMS = "form[data-keep]";
// Passwords, codes and files never; of hidden fields only those that a person fills by buttons.
const NEVER = `[type="password"], [type="file"], [type="submit"], [type="button"], [name="secret"], [autocomplete="username"],
  [autocomplete="one-time-code"], [type="hidden"]:not([data-typed])`;
const WAIT_MS = 200;
// A page that follows is there by then.
const LEAVING_MS = 30_000;

/** Of each form: the id of its entry, the values that need no keeping, the write that waits and the one under way. */
const states = new WeakMap();
let opening = null;
let isLeaving = false;

/** @returns {Promise<?KeptStore>} the store of the page's own person; null where nothing can be kept */
export function openStore() {
  if (!canKeep()) return Promise.resolve(null);
  opening ??= personsKey().then(async (given) => {
    if (!given) opening = null; // signed out in the meantime, or no server: asked again
    return given && KeptStore.open(given.key, given.seconds);
  });
  return opening;
}

/** Keeps at once what the form holds; returns the id it is kept under, "no" where it cannot be, "" where nothing is typed. */
export async function keepNow(form) {
  await write(form);
  if (same(valuesOf(form), stateOf(form).saved)) return "";
  return form.dataset.kept === "yes" ? stateOf(form).id : "no";
}

/**
 * Says that the server has `values` of the form now. A page that is being left keeps them a while: the one that follows
 * may have been made before they were saved, and offers them then.
 */
export function saved(form, values) {
  const state = stateOf(form);
  clearTimeout(state.dropping);
  if (isLeaving) state.dropping = setTimeout(saved, LEAVING_MS, form, values);
  else {
    state.saved = values;
    write(form);
  }
}

/** The same for a text that is no form's, such as the note of a marker: under a place and an id of the caller's. */
export const texts = {
  keep: async (place, id, values) => (await openStore())?.put(place, id, values),
  newest: async (place) => (await (await openStore())?.find(place))?.[0],
  drop: async (id) => (await openStore())?.remove(id),
};

/** Drops all that the page's person has kept here. */
export async function forgetAll() {
  (await openStore())?.forgetAll();
}

/** What a person has entered in a form: lists of values by name; of boxes and circles those that are ticked. */
export function valuesOf(form) {
  const values = {};
  for (const field of fieldsOf(form)) {
    values[field.name] ??= [];
    if (!isTicked(field) || field.checked) values[field.name].push(field.value);
  }
  return values;
}

const fieldsOf = (form) =>
  [...form.elements].filter((field) => field.name && !field.matches(`fieldset, button, ${NEVER}`));
const isTicked = (field) => field.type === "radio" || field.type === "checkbox";
const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function stateOf(form) {
  if (!states.has(form)) {
    states.set(form, { id: newId(), saved: valuesOf(form), timer: 0, writing: Promise.resolve() });
  }
  return states.get(form);
}

function placeOf(form) {
  const { pathname, search } = new URL(form.action);
  return `${pathname}${search} ${form.dataset.keep}`;
}

/** One write after the other, each of what the form holds when it begins. */
function write(form) {
  const state = stateOf(form);
  clearTimeout(state.timer);
  state.writing = state.writing.then(async () => {
    const values = valuesOf(form);
    const store = await openStore();
    let isKept = false;
    if (store && same(values, state.saved)) store.remove(state.id);
    else if (store) isKept = await store.put(placeOf(form), state.id, values);
    form.dataset.kept = isKept ? "yes" : "no";
  });
  return state.writing;
}

function writeSoon(form) {
  const state = stateOf(form);
  form.dataset.kept = "waiting";
  clearTimeout(state.timer);
  state.timer = setTimeout(() => write(form), WAIT_MS);
}

// --- What was kept, when the form is there again

async function begin(form) {
  const state = stateOf(form); // what the server sent is what needs no keeping
  const entry = await toOffer(form);
  if (!entry) return;
  const isUntouched = same(valuesOf(form), state.saved);
  if ("putsBack" in form.dataset && isUntouched) {
    putBack(form, entry);
    offer(form, entry, { isPutBack: true });
  } else offer(form, entry);
}

/** The newest that differs from what the form holds. The same is a form that was refused: it takes the entry over. */
async function toOffer(form) {
  const state = stateOf(form);
  const kept = (await (await openStore())?.find(placeOf(form))) ?? [];
  for (const entry of kept.filter(({ id }) => id !== state.id)) {
    const now = valuesOf(form);
    const shared = Object.keys(entry.values).filter((name) => name in now);
    if (!shared.every((name) => same(entry.values[name], now[name]))) return entry;
    if (form.dataset.kept !== "yes") Object.assign(state, { id: entry.id, saved: null });
  }
  return null;
}

function offer(form, entry, { isPutBack = false } = {}) {
  form.querySelector(".kept-offer")?.remove();
  const line = document.getElementById("kept-offer").content.firstElementChild.cloneNode(true);
  const place = line.querySelector("[data-when]");
  place.textContent = (isPutBack ? place.dataset.textPutBack : place.dataset.text).replace("%s", inWords(entry.at));
  const back = line.querySelector("[data-put-back]");
  const discard = line.querySelector("[data-discard]");
  if (isPutBack) {
    back.remove();
    // Once somebody goes on from there, it would take away more than it says.
    form.addEventListener("input", () => (discard.style.visibility = "hidden"), { once: true });
  }
  back.addEventListener("click", async () => {
    // What was typed in the meantime stays kept under its own id, and is offered in turn.
    await write(form);
    putBack(form, entry);
    next(form, line);
  });
  discard.addEventListener("click", async () => {
    if (isPutBack) takeBack(form);
    (await openStore())?.remove(entry.id);
    next(form, line);
  });
  const body = form.querySelector(":scope > .card-body, :scope > .sheet-body") ?? form;
  const title = body.querySelector(":scope > h2");
  if (title) title.after(line);
  else body.prepend(line);
  form.closest("details")?.setAttribute("open", "");
  announce(place.textContent);
}

async function next(form, line) {
  const field = fieldsOf(form).find((one) => one.type !== "hidden" && !one.disabled);
  line.remove();
  field?.focus({ preventScroll: true }); // the button that had the focus is gone
  const entry = await toOffer(form);
  if (entry) offer(form, entry);
}

/** The form goes on with the entry as its own. */
function putBack(form, entry) {
  Object.assign(stateOf(form), { id: entry.id, saved: null, before: valuesOf(form) });
  fill(form, entry.values);
}

/** As the server sent it. */
function takeBack(form) {
  const state = stateOf(form);
  state.saved = state.before;
  fill(form, state.before);
}

function fill(form, values) {
  const places = {};
  for (const field of fieldsOf(form)) {
    const list = values[field.name];
    if (!list) continue;
    if (isTicked(field)) field.checked = list.includes(field.value);
    else {
      const place = places[field.name] ?? 0;
      places[field.name] = place + 1;
      if (place < list.length) field.value = list[place];
    }
  }
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

/** 28 Nov 2026, 14:05, as every page writes times. */
function inWords(at) {
  const language = document.documentElement.lang;
  const words = {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    hourCycle: "h23",
  };
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, words).format(at);
}

export function startKeeping(htmx) {
  if (canKeep()) sweep();
  if (!meta("person")) return;
  document.body.dataset.keeps = canKeep() ? "yes" : "no";
  for (const type of ["input", "change"]) {
    document.addEventListener(type, (event) => {
      const form = event.target.form ?? event.target;
      if (form.matches?.(FORMS)) writeSoon(form);
    });
  }
  window.addEventListener("beforeunload", () => {
    isLeaving = true;
    // Nothing followed: a download, or somebody who stayed.
    setTimeout(() => {
      isLeaving = false;
    }, LEAVING_MS - 1);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) return;
    for (const form of document.querySelectorAll(`${FORMS}[data-kept="waiting"]`)) write(form);
  });
  htmx.onLoad((content) => {
    const forms = [...(content.matches?.(FORMS) ? [content] : []), ...(content.querySelectorAll?.(FORMS) ?? [])];
    for (const form of forms) begin(form);
  });
}
