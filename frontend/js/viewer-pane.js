// One photograph on a stage: OpenSeadragon as this portal uses it.
import OpenSeadragon from "openseadragon";
import { pyramid } from "./deep-zoom.js";

// OpenSeadragon adds a <style> unless one with this attribute is there; our content security policy refuses inline
// styles and would say so on the console. An element that only bears the name keeps it from trying (the rule, which
// takes away a focus outline, is not wanted).
const placeholder = document.createElementNS("urn:hemalens:none", "style");
placeholder.setAttribute("data-openseadragon-mobile-css", "");
document.head.append(placeholder);

// Turning to the next photograph before all tiles of a large one have arrived is not worth a warning.
OpenSeadragon.console = Object.create(console, {
  warn: { value: (text, ...rest) => String(text).startsWith("Ignoring tile") || console.warn(text, ...rest) },
});

const MAX_PIXEL_RATIO = 8;
const RESIZED_WITHIN = 500; // ms

export const { Point } = OpenSeadragon;
export const isReducedMotion = () => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/**
 * @typedef {object} Photograph
 * @property {string} image address of the whole picture
 * @property {string} [tiles] address of its Deep Zoom descriptor, where it is cut into tiles
 * @property {string} [id] the image's id
 * @property {string} [name] what it is called, "Photograph 2"
 * @property {number} [micronsPerPixel] its scale, where it is known
 * @property {string} [markers] address of its markers
 */

export class Pane {
  /** @param {HTMLElement} stage gets the photograph; @param {object} options of OpenSeadragon, besides the usual */
  constructor(stage, options = {}) {
    this.stage = stage;
    this.photograph = null;
    this.osd = OpenSeadragon({
      element: stage,
      // Plain pictures need no WebGL, and where there is none OpenSeadragon would complain on the console.
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: isReducedMotion() ? 0 : 0.4,
      maxZoomPixelRatio: MAX_PIXEL_RATIO,
      visibilityRatio: 0.4,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { pinchRotate: false },
      loadTilesWithAjax: false,
      ...options,
    });
    this.osd.addHandler("open", () => stage.classList.remove("is-loading"));
    // Of the keys OpenSeadragon would take, only the arrows are left to it; keys.js has the rest.
    this.osd.addHandler("canvas-key", (event) => {
      event.preventDefaultAction = !event.originalEvent.code.startsWith("Arrow");
    });
  }

  /** @param {Photograph} photograph */
  async show(photograph) {
    if (photograph.image === this.photograph?.image) return;
    this.photograph = photograph;
    this.stage.classList.add("is-loading"); // the last photograph's pixels must not pass for this one's
    const tiles = photograph.tiles && (await pyramid(photograph.tiles));
    if (this.photograph !== photograph) return; // another was asked for in the meantime
    this.osd.open(tiles || { type: "image", url: photograph.image, buildPyramid: false });
  }

  get item() {
    return this.osd.world.getItemAt(0);
  }

  /** Width and height of the photograph in its own pixels; null before it is there. */
  get size() {
    return this.item?.getContentSize() ?? null;
  }

  /** Where on the stage (CSS pixels) a place of the photograph lies; shares of width and height. */
  toStage({ x, y }) {
    const { x: width, y: height } = this.size;
    return this.item.imageToViewerElementCoordinates(new Point(x * width, y * height));
  }

  /** The place of the photograph, as shares of width and height, under a point of the stage (CSS pixels). */
  toPlace(point) {
    const { x: width, y: height } = this.size;
    const pixel = this.item.viewerElementToImageCoordinates(new Point(point.x, point.y));
    return { x: pixel.x / width, y: pixel.y / height };
  }

  /** Calls `change`, which gives the stage another size: a whole photograph stays whole, a detail keeps its scale. */
  whileResizing(change) {
    const { viewport } = this.osd;
    const zoom = viewport.getZoom();
    const width = viewport.getContainerSize().x;
    const wasWhole = Math.abs(zoom / viewport.getHomeZoom() - 1) < 0.01;
    const settle = () => {
      if (wasWhole) viewport.goHome(true);
      else viewport.zoomTo((zoom * width) / viewport.getContainerSize().x, null, true);
    };
    const onResize = () => {
      this.osd.removeHandler("resize", onResize);
      queueMicrotask(settle); // OpenSeadragon is not done when it says so
    };
    this.osd.addHandler("resize", onResize);
    setTimeout(() => this.osd.removeHandler("resize", onResize), RESIZED_WITHIN); // where the size stayed the same
    change();
  }

  get centre() {
    return new Point(this.stage.clientWidth / 2, this.stage.clientHeight / 2);
  }
}
