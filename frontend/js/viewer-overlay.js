// A drawing over a stage that stays with the photograph while it is moved, zoomed and turned.
const SVG = "http://www.w3.org/2000/svg";

export function svg(name, attributes = {}, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

export class Overlay {
  /** @param {import("./viewer-pane.js").Pane} pane */
  constructor(pane) {
    this.pane = pane;
    this.layers = [];
    this.element = svg("svg", { class: "viewer-overlay", "aria-hidden": "true" });
    pane.stage.append(this.element);
    pane.osd.addHandler("update-viewport", () => this.draw());
    pane.osd.addHandler("open", () => this.draw());
    pane.osd.addHandler("close", () => this.draw());
  }

  /** A group of its own; `draw(group)` is called whenever the photograph has moved. */
  add(name, draw) {
    const group = svg("g", { class: name });
    this.layers.push({ group, draw });
    this.element.append(group);
    return group;
  }

  draw() {
    this.element.toggleAttribute("hidden", !this.pane.item);
    if (!this.pane.item) return;
    for (const { group, draw } of this.layers) draw(group);
  }
}
