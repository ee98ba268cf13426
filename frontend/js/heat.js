// The heat map's controls: off until asked for, one class at a time, with its opacity.
import { announce } from "./dom.js";
import { bind } from "./keys.js";

export class HeatControls {
  /**
   * @param {HTMLElement} root [data-heat]: data-text-heat-blind says why there is no map before one's own answer,
   *   data-text-heat-none why there is none otherwise
   * @param {import("./viewer.js").SmearViewer} viewer
   */
  constructor(root, viewer) {
    this.root = root;
    this.viewer = viewer;
    this.urls = null; // heat map addresses by class label, of the photograph shown
    this.toggle = root.querySelector("[data-heat-toggle]");
    this.options = root.querySelector("[data-heat-options]");
    this.label = root.querySelector("[data-heat-class]");
    this.opacity = root.querySelector("[data-heat-opacity]");
    this.why = root.querySelector("[data-heat-why]");
    this.toggle.addEventListener("click", () => this.flip());
    this.label.addEventListener("change", () => this.#apply());
    this.opacity.addEventListener("input", () => this.viewer.setOpacity(Number(this.opacity.value) / 100));
    this.viewer.setOpacity(Number(this.opacity.value) / 100);
    bind("heat-map", () => root.isConnected && this.flip());
  }

  get isOn() {
    return this.toggle.getAttribute("aria-pressed") === "true";
  }

  /** Another photograph: `urls` by class label, or null where there is no answer; `top` is the class said. */
  use(urls, top) {
    const isNew = JSON.stringify(urls) !== JSON.stringify(this.urls);
    this.urls = urls;
    this.toggle.setAttribute("aria-disabled", String(!urls));
    this.why.textContent = urls ? "" : (this.root.dataset.textHeatBlind ?? this.root.dataset.textHeatNone);
    if (isNew) this.why.hidden = true;
    if (isNew && top) this.label.value = top;
    if (!urls) this.#set(false);
    else this.#apply();
  }

  /** On or off; where there is no map, says why. */
  flip() {
    if (this.urls) return this.#set(!this.isOn);
    this.why.hidden = false;
    announce(this.why.textContent);
  }

  #set(on) {
    this.toggle.setAttribute("aria-pressed", String(on));
    this.options.hidden = !on;
    this.#apply();
  }

  #apply() {
    this.viewer.setHeat(this.isOn && this.urls ? this.urls[this.label.value] : null);
  }
}
