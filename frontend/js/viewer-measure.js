// Distances on the photograph: click two places, or press Enter twice with the cross in the middle.
import { announce } from "./dom.js";
import { pixelsOf, scaleBar } from "./measuring.js";
import { svg } from "./viewer-overlay.js";

const CROSS = 14; // CSS pixels from the middle to an end
const BAR = 120; // the scale bar is at most this long, in CSS pixels

export class Measure {
  /** @param {import("./viewer-overlay.js").Overlay} overlay; @param {HTMLElement} panel [data-measure] */
  constructor(overlay, panel) {
    this.overlay = overlay;
    this.pane = overlay.pane;
    this.panel = panel;
    this.isOn = false;
    this.start = null; // a place: the line has one end
    this.pointer = null; // a point of the stage
    this.linesOf = new Map(); // by photograph, until the page is left
    overlay.add("measure-lines", (group) => this.#draw(group));
    overlay.add("scale-bar", (group) => this.#drawScale(group));
    this.pane.stage.addEventListener("pointermove", (event) => this.#follow(event));
    panel.addEventListener("click", (event) => {
      if (event.target.closest("[data-measure-remove]")) this.removeLast();
    });
  }

  get lines() {
    const { image } = this.pane.photograph;
    if (!this.linesOf.has(image)) this.linesOf.set(image, []);
    return this.linesOf.get(image);
  }

  set(isOn) {
    this.isOn = isOn;
    this.start = null;
    this.#changed();
  }

  /** Another photograph: what was begun on the last one is dropped, its finished lines are kept. */
  restart() {
    this.start = null;
    this.#changed();
  }

  /** An end of a line at a point of the stage. */
  put(point) {
    const place = this.pane.toPlace(point);
    if (this.start) {
      const line = { from: this.start, to: place };
      this.lines.push(line);
      this.start = null;
      announce(this.#words(line));
    } else {
      this.start = place;
    }
    this.#changed();
  }

  /** Drops the line that was begun; false where there is none. */
  cancel() {
    if (!this.start) return false;
    this.start = null;
    this.#changed();
    return true;
  }

  removeLast() {
    if (!this.cancel()) this.lines.pop();
    this.#changed();
  }

  #follow(event) {
    if (!this.isOn || !this.start) return;
    const box = this.pane.stage.getBoundingClientRect();
    this.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    this.overlay.draw();
  }

  #changed() {
    this.pointer = null;
    const { dataset } = this.panel;
    const last = this.pane.photograph && this.lines.at(-1);
    const hasScale = Boolean(this.pane.photograph?.micronsPerPixel);
    this.panel.querySelector("[data-measure-step]").textContent = this.start ? dataset.textEnd : dataset.textStart;
    this.panel.querySelector("[data-measure-result]").textContent = last && this.pane.size ? this.#words(last) : "";
    this.panel.querySelector("[data-measure-hint]").hidden = hasScale;
    this.panel.querySelector("[data-measure-remove]").disabled = !last && !this.start;
    this.overlay.draw();
  }

  #words(line) {
    const pixels = pixelsOf(line, this.pane.size);
    const { micronsPerPixel } = this.pane.photograph;
    const { textMicrons, textPixels } = this.panel.dataset;
    return micronsPerPixel
      ? textMicrons.replace("%s", inWords(pixels * micronsPerPixel, 1))
      : textPixels.replace("%s", inWords(pixels, 0));
  }

  #draw(group) {
    group.replaceChildren();
    if (!this.isOn) return;
    for (const line of this.lines) group.append(...this.#drawLine(line));
    const { canvas } = this.pane.osd;
    const isByKeys = canvas.matches(":focus-visible");
    const { x, y } = this.pane.centre;
    const loose = this.pointer ?? (isByKeys ? { x, y } : null);
    if (this.start)
      group.append(...this.#drawLine({ from: this.start, to: loose ? this.pane.toPlace(loose) : this.start }));
    if (isByKeys && !this.pointer) {
      const cross = `M${x - CROSS} ${y}H${x + CROSS}M${x} ${y - CROSS}V${y + CROSS}`;
      group.append(svg("path", { class: "halo", d: cross }), svg("path", { class: "stroke", d: cross }));
    }
  }

  #drawLine(line) {
    const from = this.pane.toStage(line.from);
    const to = this.pane.toStage(line.to);
    const ends = { x1: from.x, y1: from.y, x2: to.x, y2: to.y };
    const dots = [from, to].map(({ x, y }) => svg("circle", { cx: x, cy: y, r: 4 }));
    const label = svg("text", { x: (from.x + to.x) / 2 + 8, y: (from.y + to.y) / 2 - 8 }, this.#words(line));
    const isLong = Math.hypot(to.x - from.x, to.y - from.y) > 1;
    return [
      svg("line", { class: "halo", ...ends }),
      svg("line", { class: "stroke", ...ends }),
      ...dots,
      ...(isLong ? [label] : []),
    ];
  }

  // A round number of micrometres in the corner, wherever the scale is known.
  #drawScale(group) {
    group.replaceChildren();
    const { micronsPerPixel } = this.pane.photograph;
    if (!micronsPerPixel) return;
    const pixel = this.pane.osd.viewport.getZoom(true) * (this.pane.stage.clientWidth / this.pane.size.x);
    const { microns, length } = scaleBar(micronsPerPixel, pixel, BAR);
    const [x, y] = [16, this.pane.stage.clientHeight - 16];
    const d = `M${x} ${y - 6}V${y}H${x + length}V${y - 6}`;
    group.append(
      svg("path", { class: "halo", d }),
      svg("path", { class: "stroke", d }),
      svg("text", { x: x + 4, y: y - 8 }, this.panel.dataset.textMicrons.replace("%s", inWords(microns, 2))),
    );
  }
}

function inWords(number, digits) {
  return new Intl.NumberFormat(document.documentElement.lang || "en", { maximumFractionDigits: digits }).format(number);
}
