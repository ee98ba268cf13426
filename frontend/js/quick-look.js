// Quick look: one photograph by drop, choice or paste; the answer appears in place.
import { announce, fileSize } from "./dom.js";
import { HeatControls } from "./heat.js";
import { sendFile, takeFiles } from "./uploads.js";
import { SmearViewer } from "./viewer.js";

const page = document.querySelector("[data-quick-look]");
const zone = page.querySelector("[data-drop-zone]");
const texts = JSON.parse(document.getElementById("upload-texts").textContent);
const maxBytes = Number(page.dataset.maxBytes);

if (zone) {
  takeFiles(zone, (files) => look(files[0]));
  document.addEventListener("paste", (event) => {
    const file = [...(event.clipboardData?.files ?? [])][0];
    if (file) look(file);
  });
}

function say(message) {
  const place = page.querySelector("[data-error]");
  place.querySelector("[data-text]").textContent = message;
  place.hidden = !message;
  if (message) announce(message);
}

async function look(file) {
  if (!file || zone.dataset.state === "sending") return;
  say("");
  if (file.size > maxBytes) return say(texts.tooLarge.replace("%s", fileSize(maxBytes)));
  if (file.size === 0) return say(texts.empty);
  zone.dataset.state = "sending";
  const progress = page.querySelector("progress");
  progress.hidden = false;
  const laboratory = page.querySelector("[name=laboratory]");
  const { status, body } = await sendFile(page.dataset.url, file, {
    fields: laboratory ? { laboratory: laboratory.value } : {},
    onProgress: (share) => {
      progress.value = share;
    },
  });
  progress.hidden = true;
  zone.dataset.state = "ready";
  if (status === 201) {
    history.pushState(null, "", body.url);
    await window.htmx.ajax("GET", body.url, {
      target: "[data-quick-look]",
      swap: "innerHTML",
      select: "#quick-look-body",
    });
  } else {
    say(body.message ?? (status === 0 ? texts.offline : texts.failed));
  }
}

let viewer = null;
let heat = null;

/** The viewer belongs to the photograph's part of the page, which arrives once; the answer arrives later. */
function refresh() {
  const root = page.querySelector("[data-viewer]");
  if (!root) return;
  if (viewer?.root !== root) {
    viewer = new SmearViewer(root);
    heat = new HeatControls(page.querySelector("[data-heat]"), viewer);
    viewer.show({ image: root.dataset.imageUrl });
  }
  const answer = page.querySelector("[data-heat-urls]");
  heat.use(answer ? JSON.parse(answer.dataset.heatUrls) : null, answer?.dataset.label);
  if (answer) announce(page.querySelector("#quick-look-answer .conclusion").textContent.trim());
}

window.addEventListener("popstate", () => location.reload());
document.addEventListener("htmx:afterSettle", refresh);
refresh();
