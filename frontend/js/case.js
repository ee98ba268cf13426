// The case page: film strip, viewer, heat map, the panels of the photograph shown, and a reader's keys.
import { announce, isTyping } from "./dom.js";
import { HeatControls } from "./heat.js";
import { SmearViewer } from "./viewer.js";

const page = document.querySelector("[data-case]");
const viewer = new SmearViewer(page.querySelector("[data-viewer]"));
const heat = new HeatControls(page.querySelector("[data-heat]"), viewer);

let shown = new URLSearchParams(location.search).get("image");

const frames = () => [...page.querySelectorAll("[data-frame]")];

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
  viewer.show(frame.dataset.imageUrl);
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

function choose(number) {
  const option = page.querySelector(`[data-read-option="${number}"]`);
  if (!option || option.disabled) return;
  option.checked = true;
  option.dispatchEvent(new Event("change", { bubbles: true }));
  option.focus();
}

page.addEventListener("click", (event) => {
  const frame = event.target.closest("[data-frame]");
  if (frame) show(frame);
});

document.addEventListener("keydown", (event) => {
  if (isTyping(event) || document.querySelector("dialog[open]")) return;
  const onStage = event.target.closest("[data-viewer-stage]");
  const inRadios = event.target.matches("input[type=radio], input[type=range]");
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    h: () => heat.flip(),
    "?": () => document.getElementById("keys-dialog")?.showModal(),
  };
  // Arrow keys move within radio groups, and pan where the photograph has the focus.
  if (!onStage && !inRadios) {
    keys.ArrowRight = keys.j;
    keys.ArrowLeft = keys.k;
  }
  if (/^[1-6]$/.test(event.key)) choose(event.key);
  else if (keys[event.key]) keys[event.key]();
  else return;
  event.preventDefault();
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
