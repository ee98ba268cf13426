// One photograph with zoom, pan and rotation, and the heat map of one class laid over it.
import OpenSeadragon from "openseadragon";

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
    if (this.heat) this.osd.world.removeItem(this.heat);
    this.heat = null;
    if (url && this.osd.isOpen()) this.#addHeat();
  }

  #addHeat() {
    const url = this.heatUrl;
    this.osd.addTiledImage({
      tileSource: { type: "image", url, buildPyramid: false },
      width: 1,
      opacity: this.opacity,
      success: ({ item }) => {
        if (url === this.heatUrl) this.heat = item;
        else this.osd.world.removeItem(item);
      },
    });
  }

  setOpacity(opacity) {
    this.opacity = opacity;
    this.heat?.setOpacity(opacity);
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
