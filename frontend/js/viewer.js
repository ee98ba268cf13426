// One photograph with zoom, pan and rotation, and the heat map of one class laid over it.
import OpenSeadragon from "openseadragon";

// OpenSeadragon adds a <style> unless one with this attribute is there; our content security policy refuses inline
// styles and would say so on the console. An element that only bears the name keeps it from trying (the rule, which
// takes away a focus outline, is not wanted).
const placeholder = document.createElementNS("urn:hemalens:none", "style");
placeholder.setAttribute("data-openseadragon-mobile-css", "");
document.head.append(placeholder);

const ZOOM_STEP = 1.5;
const MAX_PIXEL_RATIO = 8;

export class SmearViewer {
  /**
   * @param {HTMLElement} root element with [data-viewer-stage] and buttons with data-viewer-action
   */
  constructor(root) {
    this.root = root;
    this.heat = null; // the heat map's layer, once asked for
    this.heatUrl = null;
    this.opacity = 0.6;
    const stage = root.querySelector("[data-viewer-stage]");
    this.osd = OpenSeadragon({
      element: stage,
      // Two plain pictures need no WebGL, and where there is none OpenSeadragon would complain on the console.
      drawer: "canvas",
      showNavigationControl: false,
      animationTime: window.matchMedia("(prefers-reduced-motion: reduce)").matches ? 0 : 0.4,
      maxZoomPixelRatio: MAX_PIXEL_RATIO,
      visibilityRatio: 0.4,
      gestureSettingsMouse: { clickToZoom: false, dblClickToZoom: true },
      gestureSettingsTouch: { pinchRotate: false },
      loadTilesWithAjax: false,
    });
    this.osd.canvas.setAttribute("role", "application");
    this.osd.canvas.setAttribute("aria-label", stage.dataset.viewerLabel);
    this.osd.addHandler("open-failed", () => this.fail());
    this.osd.addHandler("tile-load-failed", () => this.fail());
    root.addEventListener("click", (event) => {
      const action = event.target.closest("[data-viewer-action]")?.dataset.viewerAction;
      if (action) this.act(action);
    });
  }

  show(url) {
    if (url === this.url) return;
    this.url = url;
    this.heat = null;
    this.root.querySelector("[data-viewer-error]").hidden = true;
    this.osd.open({ type: "image", url, buildPyramid: false });
    this.osd.addOnceHandler("open", () => {
      if (this.heatUrl) this.#addHeat();
    });
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
    this.osd.addOverlay({ element: image, location: this.osd.world.getItemAt(0).getBounds(), checkResize: false });
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    if (this.heat) this.heat.style.opacity = opacity;
  }

  act(action) {
    const { viewport } = this.osd;
    const actions = {
      "zoom-in": () => viewport.zoomBy(ZOOM_STEP),
      "zoom-out": () => viewport.zoomBy(1 / ZOOM_STEP),
      home: () => {
        viewport.setRotation(0);
        viewport.goHome();
      },
      rotate: () => viewport.setRotation(viewport.getRotation() + 90),
      "full-screen": () => this.#toggleFullScreen(),
    };
    actions[action]?.();
    viewport.applyConstraints();
  }

  // The whole viewer with its buttons, not OpenSeadragon's stage alone.
  #toggleFullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.root.requestFullscreen?.();
  }
}
