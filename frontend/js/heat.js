// The heat map's controls: off until asked for, one class at a time, with its opacity.

export class HeatControls {
  /** @param {HTMLElement} root [data-heat]; @param {SmearViewer} viewer */
  constructor(root, viewer) {
    this.root = root;
    this.viewer = viewer;
    this.urls = null; // heat map addresses by class label, of the photograph shown
    this.toggle = root.querySelector("[data-heat-toggle]");
    this.options = root.querySelector("[data-heat-options]");
    this.label = root.querySelector("[data-heat-class]");
    this.opacity = root.querySelector("[data-heat-opacity]");
    this.toggle.addEventListener("click", () => this.#set(this.toggle.getAttribute("aria-pressed") !== "true"));
    this.label.addEventListener("change", () => this.#apply());
    this.opacity.addEventListener("input", () => this.viewer.setOpacity(Number(this.opacity.value) / 100));
    this.viewer.setOpacity(Number(this.opacity.value) / 100);
  }

  /** Another photograph: `urls` by class label, or null where there is no answer; `top` is the class said. */
  use(urls, top) {
    const isNew = JSON.stringify(urls) !== JSON.stringify(this.urls);
    this.urls = urls;
    this.toggle.disabled = !urls;
    if (isNew && top) this.label.value = top;
    if (!urls) this.#set(false);
    else this.#apply();
  }

  flip() {
    if (!this.toggle.disabled) this.#set(this.toggle.getAttribute("aria-pressed") !== "true");
  }

  #set(on) {
    this.toggle.setAttribute("aria-pressed", String(on));
    this.options.hidden = !on;
    this.#apply();
  }

  #apply() {
    const on = this.toggle.getAttribute("aria-pressed") === "true";
    this.viewer.setHeat(on && this.urls ? this.urls[this.label.value] : null);
  }
}
