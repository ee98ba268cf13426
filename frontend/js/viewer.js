// The photograph and its tools. Toolbar buttons and keys set off the same actions.
import { bind } from "./keys.js";
import { Adjustment } from "./viewer-adjust.js";
import { Comparison } from "./viewer-compare.js";
import { Magnifier } from "./viewer-magnifier.js";
import { Markers } from "./viewer-markers.js";
import { Measure } from "./viewer-measure.js";
import { Overlay } from "./viewer-overlay.js";
import { Pane } from "./viewer-pane.js";

const ZOOM_STEP = 1.5;
const HELD = { repeats: true };
const PAPER_WIDTH = 660; // CSS pixels: A4 between its margins and the card's

export class SmearViewer {
  /**
   * @param {HTMLElement} root element with [data-viewer-stage] and buttons with data-viewer-action
   */
  constructor(root) {
    this.root = root;
    this.heat = null; // the heat map's layer, once asked for
    this.heatUrl = null;
    this.opacity = 0.6;
    this.tool = null; // "measure" or "marker", while clicks on the photograph belong to it
    this.pointer = null; // on the stage, while it is there
    const stage = root.querySelector("[data-viewer-stage]");
    this.pane = new Pane(stage);
    this.osd = this.pane.osd;
    this.osd.canvas.setAttribute("role", "application");
    this.osd.canvas.setAttribute("aria-label", stage.dataset.viewerLabel);
    this.#addTools();
    this.osd.addHandler("open", () => this.heatUrl && this.#addHeat());
    this.osd.addHandler("canvas-click", (event) => event.quick && this.#use(event.position));
    this.osd.addHandler("canvas-double-click", (event) => {
      event.preventDefaultAction = Boolean(this.tool); // two clicks of a tool are no zoom
    });
    root.addEventListener("click", (event) => {
      const action = event.target.closest("[data-viewer-action]")?.dataset.viewerAction;
      if (action) this.act(action, { byButton: true });
    });
    this.#listen(stage);
    this.#keepSizeForPaper(stage.parentElement);
    document.addEventListener("fullscreenchange", () => this.pane.whileResizing(() => {}));
  }

  // Paper is narrower than the screen, and canvases would be stretched into it: they are scaled with their stage.
  #keepSizeForPaper(stages) {
    new ResizeObserver(() => {
      const { clientWidth: width, clientHeight: height } = stages;
      if (!width || window.matchMedia("print").matches) return;
      stages.style.setProperty("--stages-width", `${width}px`);
      stages.style.setProperty("--stages-height", `${height}px`);
      stages.style.setProperty("--stages-scale", String(Math.min(1, PAPER_WIDTH / width)));
    }).observe(stages);
  }

  #addTools() {
    const part = (name) => this.root.querySelector(`[data-${name}]`);
    this.adjustment = new Adjustment(part("adjust"));
    this.overlay = new Overlay(this.pane);
    this.measure = new Measure(this.overlay, part("measure"));
    this.markers = new Markers(this.overlay, part("markers"));
    this.magnifier = new Magnifier(this.pane, (lens) => this.adjustment.add(lens));
    this.comparison = new Comparison(this.pane, this.root, (second) => {
      this.#watch(second);
      this.magnifier.add(second);
    });
    this.#watch(this.pane);
    const { viewport } = this.osd;
    const actions = {
      "zoom-in": [() => viewport.zoomBy(ZOOM_STEP), HELD],
      "zoom-out": [() => viewport.zoomBy(1 / ZOOM_STEP), HELD],
      home: [() => this.#home()],
      rotate: [() => viewport.setRotation(viewport.getRotation(false) + 90)],
      "rotate-left": [() => viewport.setRotation(viewport.getRotation(false) - 90)],
      "full-screen": [() => this.#toggleFullScreen()],
      brighter: [() => this.adjustment.brighten(1), HELD],
      darker: [() => this.adjustment.brighten(-1), HELD],
      magnifier: [() => this.#press("magnifier", this.magnifier.toggle())],
      "side-by-side": [() => this.#compare(!this.comparison.isOn)],
      measure: [() => this.#take(this.tool === "measure" ? null : "measure")],
      marker: [(how) => this.#mark(how)],
      adjust: [() => this.#toggleAdjustment()],
    };
    this.actions = Object.fromEntries(Object.entries(actions).map(([name, [run]]) => [name, run]));
    for (const [name, [, options]] of Object.entries(actions)) bind(name, () => this.act(name), options);
  }

  #watch(pane) {
    this.adjustment.add(pane);
    pane.osd.addHandler("open-failed", () => this.fail());
    pane.osd.addHandler("tile-load-failed", () => this.fail());
  }

  #listen(stage) {
    stage.addEventListener("pointermove", (event) => {
      const box = stage.getBoundingClientRect();
      this.pointer = { x: event.clientX - box.left, y: event.clientY - box.top };
    });
    stage.addEventListener("pointerleave", () => {
      this.pointer = null;
    });
    stage.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !this.tool) return;
      event.preventDefault();
      this.#use(this.pane.centre);
    });
    document.addEventListener("keydown", (event) => {
      if (!this.tool || event.defaultPrevented || event.target.closest("input, textarea, select, dialog")) return;
      if (event.key === "Escape" && !this.measure.cancel()) this.#take(null);
      else if (["Delete", "Backspace"].includes(event.key) && this.tool === "measure") this.measure.removeLast();
    });
  }

  // --- What is shown

  /** @param {import("./viewer-pane.js").Photograph} photograph */
  show(photograph) {
    if (photograph.image === this.pane.photograph?.image) return;
    this.heat = null;
    this.root.querySelector("[data-viewer-error]").hidden = true;
    this.pane.show(photograph);
    this.comparison.refresh();
    this.measure.restart();
    this.markers.use(photograph.markers);
    this.#button("marker").hidden = !this.markers.isPossible;
    if (this.tool === "marker" && !this.markers.isPossible) this.#take(null);
  }

  /** The case's photographs, to put two of them side by side. */
  choices(photographs) {
    this.comparison.use(photographs);
    this.#button("side-by-side").hidden = !this.comparison.isPossible;
    if (!this.comparison.isPossible) this.#compare(false);
  }

  /** Puts the photograph with this id beside the one shown. */
  compareWith(id) {
    this.comparison.choose(id);
    this.#compare(true);
  }

  fail() {
    this.root.querySelector("[data-viewer-error]").hidden = false;
  }

  /** Lays the heat map at `url` over the photograph; null takes it away. */
  setHeat(url) {
    if (url === this.heatUrl) return;
    this.heatUrl = url;
    if (this.heat) this.osd.removeOverlay(this.heat);
    this.heat = null;
    if (url && this.osd.isOpen()) this.#addHeat();
  }

  // The map is square and belongs to the whole field, so it is stretched over the photograph.
  #addHeat() {
    const image = new Image();
    image.alt = "";
    image.className = "heat-layer";
    image.style.opacity = this.opacity;
    image.src = this.heatUrl;
    this.heat = image;
    this.osd.addOverlay({ element: image, location: this.pane.item.getBounds(), checkResize: false });
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    if (this.heat) this.heat.style.opacity = opacity;
  }

  // --- What is done

  act(action, how = {}) {
    if (!this.root.isConnected || !this.actions[action]) return;
    this.comparison.lead();
    this.actions[action](how);
    this.osd.viewport.applyConstraints();
  }

  #button(action) {
    return this.root.querySelector(`[data-viewer-action="${action}"]`);
  }

  #press(action, isOn) {
    this.#button(action).setAttribute("aria-pressed", String(isOn));
  }

  #home() {
    this.osd.viewport.setRotation(0);
    this.osd.viewport.goHome();
  }

  #toggleAdjustment() {
    const panel = this.root.querySelector("[data-adjust]");
    panel.hidden = !panel.hidden;
    this.#press("adjust", !panel.hidden);
    if (!panel.hidden) panel.querySelector("input").focus();
  }

  #compare(isOn) {
    const isNow = this.comparison.set(isOn);
    this.#press("side-by-side", isNow);
    this.root.querySelector("[data-compare]").hidden = !isNow;
  }

  /** Gives clicks on the photograph to a tool, or back to zoom and pan. */
  #take(tool) {
    this.tool = tool;
    this.root.dataset.tool = tool ?? "";
    for (const name of ["measure", "marker"]) this.#press(name, name === tool);
    this.root.querySelector("[data-measure]").hidden = tool !== "measure";
    this.root.querySelector("[data-marking]").hidden = tool !== "marker";
    this.measure.set(tool === "measure");
    if (tool) this.osd.canvas.focus();
  }

  #use(point) {
    if (this.tool === "measure" && this.pane.item) this.measure.put(point);
    if (this.tool !== "marker") return;
    this.#take(null);
    this.markers.addAt(point);
  }

  // The key puts a marker where the pointer is, or in the middle; the button waits for a click.
  #mark({ byButton }) {
    if (!this.markers.isPossible) return;
    if (byButton) this.#take(this.tool === "marker" ? null : "marker");
    else this.markers.addAt(this.pointer ?? this.pane.centre);
  }

  // The whole viewer with its buttons, not OpenSeadragon's stage alone.
  #toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }
}
