// Small helpers shared by the page scripts.

/** A UUID; `crypto.randomUUID` is there on https only. */
export function newId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** Value of a <meta name=…>. */
export function meta(name) {
  return document.querySelector(`meta[name="${name}"]`)?.content ?? "";
}

/** What a page's own requests say: the token of its sign-in, whose page it is, and that JSON is to come back. */
export function ourHeaders() {
  return { Accept: "application/json", "X-CSRFToken": meta("csrf-token"), "X-From-Person": meta("person") };
}

/** Says once, on top of the page, why an update did not come; what is on the page stays. */
export function sayTrouble(name) {
  if (document.querySelector(`[data-trouble="${name}"]`)) return;
  const template = document.getElementById(`trouble-${name}`);
  document.getElementById("main").prepend(template.content.cloneNode(true));
}

/** A `<svg>` that shows one icon of the sprite. */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `${meta("icons-url")}#${name}`);
  svg.append(use);
  return svg;
}

/** Says a message to screen readers without moving the focus. */
export function announce(message) {
  const region = document.getElementById("announcer");
  if (region) region.textContent = message;
}

/** True while the person is typing, so that single-key shortcuts stay out of the way. */
export function isTyping(event) {
  const field = event.target.closest?.("input, textarea, select, [contenteditable]");
  if (!field) return false;
  return !(
    field instanceof HTMLInputElement && ["radio", "checkbox", "range", "button", "submit"].includes(field.type)
  );
}

/** 12.3 MB in the page's language. */
export function fileSize(bytes) {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"];
  const power = Math.min(Math.floor(Math.log2(Math.max(bytes, 1)) / 10), units.length - 1);
  return new Intl.NumberFormat(document.documentElement.lang || "en", {
    style: "unit",
    unit: units[power],
    unitDisplay: "short",
    maximumFractionDigits: power ? 1 : 0,
  }).format(bytes / 1024 ** power);
}
