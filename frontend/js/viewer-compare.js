// Two photographs side by side that move together.
import { Pane } from "./viewer-pane.js";

export class Comparison {
  /**
   * @param {Pane} first the viewer's own stage
   * @param {HTMLElement} root the viewer; @param {(pane: Pane) => void} onMade gets the second stage's pane
   */
  constructor(first, root, onMade) {
    this.first = first;
    this.root = root;
    this.onMade = onMade;
    this.isOn = false;
    this.photographs = [];
    this.chosen = null; // id of the second photograph
    this.panel = root.querySelector("[data-compare]");
    this.select = this.panel.querySelector("[data-compare-with]");
    this.link = this.panel.querySelector("[data-compare-link]");
    this.select.addEventListener("change", () => this.choose(this.select.value));
    this.link.addEventListener("change", () => this.#follow(this.leader));
  }

  /** The photographs there are to choose from. */
  use(photographs) {
    const ids = (list) => list.map(({ id }) => id).join();
    if (ids(photographs) === ids(this.photographs)) return; // a choice that is just being made stays open
    this.photographs = photographs;
    this.select.replaceChildren(...photographs.map(({ id, name }) => new Option(name, id)));
    this.#bring();
  }

  get isPossible() {
    return this.photographs.length > 1;
  }

  set(isOn) {
    const isNow = isOn && this.isPossible;
    if (isNow !== this.isOn) this.first.whileResizing(() => this.#divide(isNow));
    this.#bring();
    return this.isOn;
  }

  #divide(isOn) {
    this.isOn = isOn;
    if (isOn && !this.second) this.#make();
    this.root.classList.toggle("is-comparing", isOn);
    this.second.stage.hidden = !isOn;
  }

  choose(id) {
    this.chosen = id;
    this.#bring();
  }

  /** Brings the second stage in line: what was chosen, or else the photograph after the first. */
  #bring() {
    if (!this.isOn || !this.first.photograph) return;
    const place = this.photographs.findIndex(({ id }) => id === this.first.photograph.id);
    const next = this.photographs[(place + 1) % this.photographs.length];
    const other = this.photographs.find(({ id }) => id === this.chosen && id !== this.first.photograph.id) ?? next;
    for (const option of this.select.options) option.disabled = option.value === this.first.photograph.id;
    this.select.value = other.id;
    this.second.show(other);
    this.root.querySelector("[data-caption-first]").textContent = this.first.photograph.name;
    this.root.querySelector("[data-caption-second]").textContent = other.name;
  }

  /** The first stage shows another photograph. */
  refresh() {
    this.#bring();
  }

  #make() {
    const stage = this.root.querySelector("[data-viewer-second]");
    stage.hidden = false; // before OpenSeadragon measures it
    this.second = new Pane(stage);
    this.second.osd.canvas.setAttribute("role", "application");
    this.second.osd.canvas.setAttribute("aria-label", stage.dataset.viewerLabel);
    this.leader = this.first;
    for (const pane of [this.first, this.second]) {
      for (const name of ["pointerdown", "wheel", "keydown"]) {
        pane.stage.addEventListener(name, () => (this.leader = pane), { capture: true, passive: true });
      }
      pane.osd.addHandler("viewport-change", () => this.#follow(pane));
      pane.osd.addHandler("open", () => this.#follow(this.leader));
    }
    this.onMade(this.second);
  }

  /** What the toolbar does, it does to the first stage; the second follows. */
  lead() {
    this.leader = this.first;
  }

  #follow(pane) {
    if (!this.isOn || !this.link.checked || pane !== this.leader) return;
    const other = pane === this.first ? this.second : this.first;
    if (!pane.item || !other.item) return;
    const from = pane.osd.viewport;
    const to = other.osd.viewport;
    to.setRotation(from.getRotation(true), true);
    to.zoomTo(from.getZoom(true), null, true);
    to.panTo(from.getCenter(true), true);
  }
}
