// Brightness and contrast: a filter over the drawn photograph; what is stored stays as it is.

const STEP = 10; // percent a key press

export class Adjustment {
  /** @param {HTMLElement} panel [data-adjust], with two sliders in percent */
  constructor(panel) {
    this.panes = [];
    this.brightness = panel.querySelector("[data-brightness]");
    this.contrast = panel.querySelector("[data-contrast]");
    panel.addEventListener("input", () => this.#apply());
    panel.querySelector("[data-adjust-reset]").addEventListener("click", () => this.reset());
  }

  /** Another stage that is to look the same. */
  add(pane) {
    this.panes.push(pane);
    this.#apply();
  }

  brighten(steps) {
    this.brightness.value = Number(this.brightness.value) + steps * STEP;
    this.#apply();
  }

  reset() {
    for (const slider of [this.brightness, this.contrast]) slider.value = 100;
    this.#apply();
  }

  #apply() {
    const [brightness, contrast] = [this.brightness, this.contrast].map((slider) => Number(slider.value));
    const isPlain = brightness === 100 && contrast === 100;
    const filter = isPlain ? "" : `brightness(${brightness}%) contrast(${contrast}%)`;
    for (const pane of this.panes) pane.osd.drawer.canvas.style.filter = filter;
    for (const slider of [this.brightness, this.contrast]) {
      slider.parentElement.querySelector("output").textContent = `${slider.value}%`;
    }
  }
}
