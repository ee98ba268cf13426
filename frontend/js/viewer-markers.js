// Places of a photograph with a note: numbered pins over it, and their list below.
import { ask } from "./asking.js";
import { chordOf } from "./chords.js";
import { announce, newId } from "./dom.js";
import { chordsOf } from "./keys.js";
import { svg } from "./viewer-overlay.js";

const NO_ID = "00000000-0000-0000-0000-000000000000"; // stands for a marker's id in the page's address of one
/** A pin's drawing has its tip at 0, 0. */
const PIN = "M0 0C-3 -7 -11 -11 -11 -19A11 11 0 1 1 11 -19C11 -11 3 -7 0 0Z";

/**
 * @typedef {object} Marker as the server gives it: id, x, y (shares of width and height), note, author, mine, created_at, created_in_words
 * @typedef {object} Draft a note being written: x, y, note; the id of the marker it changes, or the one that a new marker will have (newId)
 */

export class Markers {
  /** @param {import("./viewer-overlay.js").Overlay} overlay; @param {HTMLElement} section [data-markers] */
  constructor(overlay, section) {
    this.overlay = overlay;
    this.pane = overlay.pane;
    this.section = section;
    this.texts = section.dataset;
    this.list = section.querySelector("[data-marker-list]");
    this.url = null;
    this.keeping = Promise.resolve(); // one write of a note after the other
    this.stateOf = new Map(); // {markers, draft} by address; a draft outlives a look at another photograph
    this.pins = overlay.add("marker-pins", (group) => this.#place(group));
    this.pins.addEventListener("click", (event) => {
      const id = event.target.closest("[data-pin]")?.dataset.pin;
      if (id) this.#row(id)?.querySelector("[data-marker-go]").focus();
    });
    section.addEventListener("click", (event) => this.#click(event));
    section.addEventListener("focusin", () => this.#highlight());
    section.addEventListener("focusout", () => this.#highlight());
    section.addEventListener("submit", (event) => this.#submit(event));
    section.addEventListener("input", (event) => {
      if (!this.state.draft) return;
      this.state.draft.note = event.target.value;
      this.#keep();
    });
    section.addEventListener("keydown", (event) => this.#press(event));
  }

  get state() {
    if (!this.stateOf.has(this.url)) this.stateOf.set(this.url, { markers: [], draft: null });
    return this.stateOf.get(this.url);
  }

  /** Whether markers can be put on the photograph shown: no more on a case that is signed. */
  get isPossible() {
    return Boolean(this.url) && !("closed" in this.texts);
  }

  /** @param {?string} url where the markers of the photograph shown are; null where it has none */
  use(url) {
    if (url === this.url) return;
    this.url = url ?? null;
    this.#render();
    if (this.url) this.load();
  }

  async load() {
    const { url } = this;
    const body = await this.#ask("GET", url);
    if (!body || url !== this.url) return;
    this.state.markers = body.markers;
    this.#render();
    if (this.isPossible && !this.state.draft) this.#putBack(url);
  }

  /** A note that was begun and not saved, on a page that is gone, is open again. */
  async #putBack(url) {
    const kept = await window.hemalens.texts.newest(url);
    if (!kept || url !== this.url || this.state.draft) return;
    const { newId, ...draft } = kept.values;
    const isThere = this.state.markers.some(({ id }) => id === kept.id);
    if (newId && isThere) return window.hemalens.texts.drop(newId); // it was saved
    this.state.draft = draft.id && isThere ? draft : { ...draft, id: undefined, newId: kept.id };
    this.#render();
  }

  /** Keeps the note that is being written; `texts` encrypts it. */
  #keep() {
    const { url } = this;
    const { draft } = this.state;
    const { x, y, note, id, newId } = draft;
    this.keeping = this.keeping.then(() => {
      if (this.stateOf.get(url).draft === draft)
        return window.hemalens.texts.keep(url, id ?? newId, { x, y, note, id, newId });
    });
  }

  #forget(draft) {
    this.keeping = this.keeping.then(() => window.hemalens.texts.drop(draft.id ?? draft.newId));
  }

  /** Begins a note at a point of the stage; a draft that has words keeps them and moves there. */
  addAt(point) {
    if (!this.isPossible || !this.pane.item) return;
    const place = this.pane.toPlace(point);
    if (place.x < 0 || place.x > 1 || place.y < 0 || place.y > 1) return announce(this.texts.textOutside);
    const { draft } = this.state;
    const begun = draft && !draft.id ? draft : { note: "", newId: newId() };
    this.state.draft = { ...begun, ...place };
    if (begun.note) this.#keep();
    this.#render();
    this.section.querySelector("[data-marker-form] textarea").focus();
  }

  // --- What a person does in the list

  #click(event) {
    if (event.target.closest("[data-marker-cancel]")) return this.#drop();
    const marker = this.#markerOf(event.target);
    if (!marker) return;
    if (event.target.closest("[data-marker-go]")) {
      const { x, y } = this.pane.size;
      this.pane.osd.viewport.panTo(this.pane.item.imageToViewportCoordinates(marker.x * x, marker.y * y));
    } else if (event.target.closest("[data-marker-edit]")) {
      this.state.draft = { ...marker };
      this.#render();
      this.section.querySelector("[data-marker-form] textarea").focus();
    }
  }

  // In a note Escape drops it, and the key that saves an answer elsewhere saves the note.
  #press(event) {
    const form = event.target.closest("[data-marker-form]");
    const isSaving = chordsOf("save").includes(chordOf(event));
    if (!form || !(isSaving || event.key === "Escape")) return;
    event.preventDefault();
    if (isSaving) form.requestSubmit();
    else this.#drop();
  }

  #drop() {
    this.#forget(this.state.draft);
    this.state.draft = null;
    this.#render();
    this.pane.osd.canvas.focus();
  }

  async #submit(event) {
    event.preventDefault();
    if (this.isSending) return; // a second press while the first is on its way
    this.isSending = true;
    try {
      if (event.target.matches("[data-marker-remove]")) await this.#remove(this.#markerOf(event.target));
      else await this.#save();
    } finally {
      this.isSending = false;
    }
  }

  async #save() {
    const { draft } = this.state;
    const { url } = this;
    const note = draft.note.trim();
    const saved = draft.id
      ? await this.#ask("PATCH", this.#address(draft.id), { note })
      : await this.#ask("POST", url, { id: draft.newId, x: draft.x, y: draft.y, note });
    if (!saved) return; // what was written stays in the form
    const state = this.stateOf.get(url);
    state.draft = null;
    this.#forget(draft);
    state.markers = draft.id
      ? state.markers.map((known) => (known.id === draft.id ? saved : known))
      : [...state.markers, saved];
    this.#render();
    announce(this.texts.textSaved);
    this.pane.osd.canvas.focus();
  }

  async #remove(marker) {
    const { state } = this;
    if (!(await this.#ask("DELETE", this.#address(marker.id)))) return;
    state.markers = state.markers.filter((known) => known.id !== marker.id);
    this.#render();
    announce(this.texts.textRemoved);
    this.pane.osd.canvas.focus();
  }

  #address(id) {
    return this.texts.markerUrl.replace(NO_ID, id);
  }

  /** The server's answer, or null after saying that there is none. */
  async #ask(method, url, body) {
    const place = this.section.querySelector("[data-markers-error]");
    const answer = await ask(url, {
      method,
      headers: { "Content-Type": "application/json" },
      body: body && (() => JSON.stringify(body)),
    });
    const content = answer.body;
    place.hidden = answer.status >= 200 && answer.status < 300;
    if (place.hidden) return content;
    this.section.hidden = false;
    place.querySelector("span").textContent = content.message ?? this.texts.textFailed;
    place.scrollIntoView({ block: "nearest" });
    return null;
  }

  // --- What is seen

  #row(id) {
    return this.list.querySelector(`[data-marker="${id}"]`);
  }

  #markerOf(element) {
    const row = element.closest("[data-marker]");
    return row && this.state.markers.find(({ id }) => id === row.dataset.marker);
  }

  #render() {
    const { markers, draft } = this.state;
    this.section.hidden = !this.url || !(markers.length || draft);
    const rows = markers.map((marker, place) =>
      marker.id === draft?.id ? this.#form() : this.#item(marker, place + 1),
    );
    if (draft && !draft.id) rows.push(this.#form());
    this.list.replaceChildren(...rows);
    this.section.querySelector("[data-markers-count]").textContent = markers.length;
    const shown = draft && !draft.id ? [...markers, draft] : markers;
    this.pins.replaceChildren(...shown.map((marker, place) => pin(marker, place + 1)));
    this.overlay.draw();
  }

  #copy(name) {
    return this.section.querySelector(`template[data-${name}]`).content.firstElementChild.cloneNode(true);
  }

  #item(marker, number) {
    const row = this.#copy("marker-row");
    row.dataset.marker = marker.id;
    const go = row.querySelector("[data-marker-go]");
    go.textContent = number;
    go.setAttribute("aria-label", this.texts.textGo.replace("%s", number));
    row.querySelector("[data-marker-note]").textContent = marker.note;
    row.querySelector("[data-marker-author]").textContent = marker.author;
    const time = row.querySelector("[data-marker-time]");
    time.dateTime = marker.created_at;
    time.textContent = marker.created_in_words;
    if (!marker.mine || !this.isPossible) row.querySelector("[data-marker-own]").remove();
    return row;
  }

  #form() {
    const row = this.#copy("marker-form");
    row.querySelector("textarea").value = this.state.draft.note;
    return row;
  }

  #highlight() {
    const id = document.activeElement?.closest("[data-marker]")?.dataset.marker;
    for (const group of this.pins.children) group.classList.toggle("is-chosen", group.dataset.pin === id);
  }

  #place(group) {
    const { markers, draft } = this.state;
    [...markers, draft && !draft.id ? draft : null].forEach((marker, place) => {
      if (!marker) return;
      const { x, y } = this.pane.toStage(marker);
      group.children[place]?.setAttribute("transform", `translate(${x} ${y})`);
    });
  }
}

function pin(marker, number) {
  const text = svg("text", { y: -15, "text-anchor": "middle" }, String(number));
  const group = svg("g", { class: marker.id ? "pin" : "pin is-draft" }, svg("path", { d: PIN }), text);
  if (marker.id) group.dataset.pin = marker.id;
  return group;
}
