// The case page: film strip, viewer, heat map, the panels of the photograph shown, and a reader's keys.
import { announce } from "./dom.js";
import { HeatControls } from "./heat.js";
import { bind } from "./keys.js";
import { SmearViewer } from "./viewer.js";

const page = document.querySelector("[data-case]");
const viewer = new SmearViewer(page.querySelector("[data-viewer]"));
const heat = new HeatControls(page.querySelector("[data-heat]"), viewer);

let shown = new URLSearchParams(location.search).get("image");

const frames = () => [...page.querySelectorAll("[data-frame]")];

/** What the viewer is to know of a photograph, from its frame in the strip. */
function photograph(frame) {
  const { dataset } = frame;
  return {
    id: dataset.frame,
    name: viewer.root.dataset.textPhotograph.replace("%s", frame.querySelector(".frame-number").textContent),
    image: dataset.imageUrl,
    tiles: dataset.tilesUrl,
    markers: dataset.markersUrl,
    micronsPerPixel: Number(dataset.micronsPerPixel) || undefined,
  };
}

/** Brings strip, viewer and panels in line with the photograph shown; also after a live update. */
function refresh() {
  const all = frames();
  const frame = all.find((candidate) => candidate.dataset.frame === shown) ?? all[0];
  if (!frame) return;
  shown = frame.dataset.frame;
  for (const candidate of all) {
    const isShown = candidate === frame;
    candidate.setAttribute("aria-current", String(isShown));
    candidate.tabIndex = isShown ? 0 : -1;
  }
  for (const panel of page.querySelectorAll("[data-image-panel]")) {
    panel.hidden = panel.dataset.imagePanel !== shown;
  }
  const form = page.querySelector("[data-read-form]");
  if (form) describe(form);
  viewer.show(photograph(frame));
  viewer.choices(all.map(photograph));
  const urls = frame.dataset.heatUrls ? JSON.parse(frame.dataset.heatUrls) : null;
  heat.use(urls, frame.dataset.label);
}

function show(frame) {
  if (!frame) return;
  shown = frame.dataset.frame;
  const url = new URL(location.href);
  url.searchParams.set("image", shown);
  history.replaceState(history.state, "", url);
  refresh();
  frame.scrollIntoView({ block: "nearest", inline: "nearest" });
  announce(frame.getAttribute("aria-label"));
}

function step(by) {
  const all = frames();
  const place = all.findIndex((frame) => frame.dataset.frame === shown);
  const next = all[place + by];
  if (!next) return;
  const wasInStrip = document.activeElement?.hasAttribute("data-frame");
  show(next);
  if (wasInStrip) next.focus();
}

/** Checks a radio button as a click would; false where there is none to check. */
function press(selector) {
  const option = page.querySelector(selector);
  if (!option || option.disabled) return false;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  option.focus();
}

const choose = (number) => press(`[data-read-option="${number}"]`);

// With Shift the photograph comes beside the one shown, instead of in its place.
page.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-frame]");
  if (!frame) return;
  if (event.shiftKey && frame.dataset.frame !== shown) viewer.compareWith(frame.dataset.frame);
  else show(frame);
});

bind("next-image", () => step(1), { repeats: true });
bind("previous-image", () => step(-1), { repeats: true });
for (const number of [1, 2, 3, 4, 5, 6]) bind(`answer-${number}`, () => choose(number));
["low", "medium", "high"].forEach((name) => bind(`confidence-${name}`, () => press(`[name=confidence][value="${name}"]`)));
bind("save", (event) => {
  const form = event.target.closest("form") ?? page.querySelector("[data-read-form]");
  if (!form) return false;
  form.requestSubmit();
});

// The button says what signing will do; differing from the model asks for a reason before the form is sent.
function describe(form) {
  const chosen = form.querySelector("[data-read-option]:checked");
  const { modelLabel, textSign, textConfirm, textDiffer } = form.dataset;
  const differs = Boolean(chosen && modelLabel && chosen.value !== modelLabel);
  const words = !chosen || !modelLabel ? textSign : differs ? textDiffer : textConfirm;
  form.querySelector("[data-sign-text]").textContent = words.replace("%s", chosen?.dataset.title ?? "");
  form.querySelector("[data-reason]").required = differs;
  form.querySelector("[data-reason-needed]").hidden = !differs;
}

page.addEventListener("change", (event) => {
  const form = event.target.closest("[data-read-form]");
  if (form) describe(form);
});

page.addEventListener("submit", (event) => {
  const seconds = event.target.querySelector("[data-seconds]");
  if (seconds) seconds.value = (performance.now() / 1000).toFixed(1);
});

// When the case moves on, the form goes; not while somebody has begun to fill it in. Sending it then says what happened.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id !== "case-action") return;
  const form = event.detail.target.querySelector("[data-read-form]");
  const begun = form?.querySelector("input:checked") || form?.querySelector("[data-reason]").value.trim();
  if (begun) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterSettle", (event) => {
  refresh();
  if (event.detail.elt.id !== "case-live") return;
  const state = page.querySelector("#case-state").textContent.trim();
  const answer = page.querySelector("#case-live .is-top")?.textContent.replace(/\s+/g, " ").trim() ?? "";
  announce(`${state}. ${answer}`);
});
refresh();
