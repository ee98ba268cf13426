// The case page: film strip, viewer, heat map, the panels of the photograph shown, and a reader's keys.
import { announce } from "./dom.js";
import { HeatControls } from "./heat.js";
import { bind } from "./keys.js";
import { Reading } from "./reading.js";
import { SmearViewer } from "./viewer.js";

const page = document.querySelector("[data-case]");
const stage = page.querySelector("[data-viewer]"); // none on a draft that was cancelled before its first photograph
const viewer = stage && new SmearViewer(stage);
const heat = stage && new HeatControls(stage.querySelector("[data-heat]"), viewer);

let shown = new URLSearchParams(location.search).get("image");

const frames = () => [...page.querySelectorAll("[data-frame]")];
const reading = new Reading(page, { shown: () => shown, frames, show: (frame) => show(frame) });

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
  reading.refresh();
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

// With Shift the photograph comes beside the one shown, instead of in its place.
page.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-frame]");
  if (!frame) return;
  if (event.shiftKey && frame.dataset.frame !== shown) viewer.compareWith(frame.dataset.frame);
  else show(frame);
});

bind("next-image", () => step(1), { repeats: true });
bind("previous-image", () => step(-1), { repeats: true });
for (const number of [1, 2, 3, 4, 5, 6]) {
  bind(`answer-${number}`, () => reading.answer(number));
  bind(`answer-all-${number}`, () => reading.answerAll(number));
}
for (const name of ["low", "medium", "high"]) bind(`confidence-${name}`, () => reading.confidence(name));
bind("save", () => reading.save());
bind("next-case", () => page.querySelector("[data-next-case]")?.requestSubmit());

// When the case moves on, the form goes; not while somebody has begun to fill it in. Sending it then says what happened.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  if (event.detail.target.id !== "case-action") return;
  if (reading.begun) event.detail.shouldSwap = false;
});

document.addEventListener("htmx:afterSettle", (event) => {
  refresh();
  if (event.detail.elt.id !== "case-live") return;
  const state = page.querySelector("#case-state").textContent.trim();
  const answer = page.querySelector("#case-live .is-top")?.textContent.replace(/\s+/g, " ").trim() ?? "";
  announce(`${state}. ${answer}`);
});
refresh();
