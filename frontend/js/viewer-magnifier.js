// A round lens that follows the pointer and shows the photograph's own pixels, not the screen's.
import { Pane, Point } from "./viewer-pane.js";

const POWER = 3; // times the zoom around it
const SIZE = 220; // CSS pixels across

export class Magnifier {
  /** @param {Pane} pane what is looked at; @param {(lens: Pane) => void} onMade gets the lens's own pane */
  constructor(pane, onMade) {
    this.onMade = onMade;
    this.isOn = false;
    this.under = pane; // the pane looked at
    this.pointer = null; // on its stage; null: the middle
    this.add(pane);
  }

  /** Another pane to be looked at when the pointer is over it. */
  add(pane) {
    pane.stage.addEventListener("pointermove", (event) => this.#moveTo(pane, event));
    pane.osd.addHandler("update-viewport", () => pane === this.under && this.#follow());
  }

  toggle() {
    this.isOn = !this.isOn;
    if (this.isOn && !this.lens) this.#make();
    this.element.hidden = !this.isOn;
    this.#follow();
    return this.isOn;
  }

  #make() {
    this.element = document.createElement("div");
    this.element.className = "viewer-lens";
    this.element.setAttribute("aria-hidden", "true");
    this.element.style.width = this.element.style.height = `${SIZE}px`;
    const stage = document.createElement("div");
    this.element.append(stage);
    this.under.stage.append(this.element);
    this.lens = new Pane(stage, {
      mouseNavEnabled: false,
      keyboardNavEnabled: false,
      animationTime: 0,
      immediateRender: true,
      visibilityRatio: 0,
      minZoomImageRatio: 0,
      maxZoomPixelRatio: Infinity,
    });
    this.lens.osd.canvas.tabIndex = -1;
    this.lens.osd.addHandler("open", () => this.#follow());
    this.onMade(this.lens);
  }

  #moveTo(pane, event) {
    const box = pane.stage.getBoundingClientRect();
    this.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    this.under = pane;
    this.#follow();
  }

  #follow() {
    const { under, lens } = this;
    if (!this.isOn || !under.photograph) return;
    if (this.element.parentElement !== under.stage) under.stage.append(this.element);
    lens.show(under.photograph);
    const { x, y } = this.pointer ?? under.centre;
    this.element.style.transform = `translate(${x - SIZE / 2}px, ${y - SIZE / 2}px)`;
    if (!lens.item || !under.item) return;
    const from = under.osd.viewport;
    const to = lens.osd.viewport;
    const place = from.viewerElementToViewportCoordinates(new Point(x, y));
    to.setRotation(from.getRotation(true), true);
    to.zoomTo((from.getZoom(true) * POWER * under.stage.clientWidth) / SIZE, null, true);
    to.panTo(place, true);
  }
}
