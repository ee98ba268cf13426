// Filing a case: the draft is made as soon as its required fields are there, every photograph goes up on its own,
// and what was entered is saved as it is entered. Nothing is lost by a refused file, a lost connection or a reload.
import { ask } from "./asking.js";
import { announce, fileSize, icon } from "./dom.js";
import { nextPosition, outcomeOf, UploadQueue, whyNot } from "./upload-queue.js";
import { sendFile, takeFiles } from "./uploads.js";

const MAX_PARALLEL = 3;

const form = document.querySelector("[data-case-form]");
const list = form.querySelector("[data-files]");
const template = document.getElementById("file-row");
const texts = JSON.parse(document.getElementById("upload-texts").textContent);
const maxBytes = Number(form.dataset.maxBytes);

let draft = form.dataset.draft ? JSON.parse(form.dataset.draft) : null; // {edit_url, images_url, accession}
let makingDraft = null;
// rows whose file has not been sent yet
const uploads = new UploadQueue(send, { parallel: MAX_PARALLEL, mayStart: () => Boolean(draft), onChange: update });

// ---- the draft -------------------------------------------------------------------------------------------

const requiredAreFilled = () => [...form.querySelectorAll("[required]")].every((field) => field.value.trim());

const fields = () => {
  const data = new FormData(form);
  data.set("then", "save");
  return data;
};

async function saveForm() {
  const values = window.hemalens.valuesOf(form);
  const answer = await ask(draft?.edit_url ?? form.action, { body: fields });
  if (answer.body.stored) takeStored(answer.body.stored, values);
  if (answer.status === 200 || answer.status === 201) window.hemalens.saved(form, values);
  return answer;
}

/** What is stored now is what the next save is compared with; a field that nobody touched here shows it. */
function takeStored(stored, sent) {
  const plain = (text) => text.replaceAll("\r\n", "\n");
  for (const [name, value] of Object.entries(stored)) {
    const field = form.elements[name];
    const shown = form.elements[`shown-${name}`];
    if ([field.value, sent[name][0] ?? ""].every((one) => one === plain(shown.value))) {
      field.value = plain(value);
      sent[name] = [field.value];
    }
    shown.value = value;
  }
}

async function ensureDraft() {
  if (draft || !requiredAreFilled()) return Boolean(draft);
  makingDraft ??= (async () => {
    const { status, body } = await saveForm();
    if (status === 201) {
      draft = body;
      form.action = body.edit_url;
      history.replaceState(null, "", body.edit_url);
      for (const place of document.querySelectorAll("[data-accession]")) place.textContent = body.accession;
      for (const part of document.querySelectorAll("[data-needs-draft]")) part.hidden = false;
    }
    showErrors(status, body);
    showPrintWarning(status, body);
    makingDraft = null;
  })();
  await makingDraft;
  return Boolean(draft);
}

function showErrors(status, body) {
  const errors = body.errors ?? {};
  for (const place of form.querySelectorAll("[data-error-for]")) {
    const messages = errors[place.dataset.errorFor] ?? [];
    place.textContent = messages.join(" ");
    const field = form.elements[place.dataset.errorFor];
    if (field instanceof HTMLElement) field.setAttribute("aria-invalid", String(messages.length > 0));
  }
  const general = form.querySelector("[data-form-error]");
  const words = errors.__all__?.join(" ") ?? (status >= 400 || status === 0 ? (body.message ?? "") : "");
  general.querySelector("[data-text]").textContent = status === 0 ? texts.offline : words;
  general.hidden = !general.querySelector("[data-text]").textContent;
}

// What was stored and cannot be printed on the report as entered.
function showPrintWarning(status, body) {
  if (status !== 200 && status !== 201) return;
  const place = form.querySelector("[data-print-warning]");
  place.querySelector("[data-text]").textContent = body.print_warning;
  place.hidden = !body.print_warning;
}

let saveTimer;
form.addEventListener("change", (event) => {
  if (event.target.type === "file") return;
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, 300);
});

// Submitting sends the same fields: a save on its way after it would meet a case that is no draft any more.
form.addEventListener("submit", () => clearTimeout(saveTimer));

async function save() {
  const note = form.querySelector("[data-saved]");
  if (!draft) {
    if (await ensureDraft()) note.textContent = texts.saved;
  } else {
    const { status, body } = await saveForm();
    showErrors(status, body);
    showPrintWarning(status, body);
    note.textContent = status === 200 ? texts.saved : "";
  }
  uploads.work();
}

// ---- the photographs -------------------------------------------------------------------------------------

function addFiles(files) {
  for (const file of files) {
    const row = template.content.firstElementChild.cloneNode(true);
    row.file = file;
    row.dataset.position = nextPosition(positions());
    row.querySelector("[data-name]").textContent = file.name;
    row.querySelector("[data-size]").textContent = fileSize(file.size);
    list.append(row);
    queue(row);
  }
  announce(texts.added.replace("%d", String(files.length)));
  ensureDraft().then(() => uploads.work());
}

const positions = () => [...list.querySelectorAll("[data-file]")].map((row) => Number(row.dataset.position));

function queue(row) {
  const reason = whyNot(row.file, maxBytes);
  if (reason) {
    refuse(row, texts[reason].replace("%s", fileSize(maxBytes)), false);
  } else {
    setState(row, "waiting", draft || requiredAreFilled() ? texts.waiting : texts.needsFields);
    uploads.add(row);
  }
  update();
}

async function send(row) {
  const progress = row.querySelector("progress");
  const abort = new AbortController();
  row.abort = abort;
  setState(row, "sending", texts.sending);
  const answer = await sendFile(draft.images_url, row.file, {
    signal: abort.signal,
    fields: { position: row.dataset.position },
    onProgress: (share) => {
      progress.value = share;
      if (share === 1) setState(row, "sending", texts.checking);
    },
  });
  const { kind, message, reason, mayRetry } = outcomeOf(answer);
  if (kind === "stored") accept(row, answer.body);
  else if (kind === "refused") refuse(row, message ?? texts[reason], mayRetry);
}

function accept(row, image) {
  delete row.file;
  row.dataset.removeUrl = image.remove_url;
  const picture = row.querySelector("img");
  picture.src = image.thumbnail_url;
  picture.hidden = false;
  row.querySelector("[data-placeholder]").hidden = true;
  setState(row, "done", image.summary);
  row.querySelector("[data-notices]").textContent = image.notices.join(" ");
  warn(row, image.warnings.join(" "));
}

/** Advice only: the photograph is stored and may be submitted as it is. */
function warn(row, words) {
  const warning = row.querySelector("[data-warnings]");
  warning.querySelector("[data-text]").textContent = words;
  warning.hidden = !words;
  if (words) announce(`${row.querySelector("[data-name]").textContent}: ${words}`);
}

function refuse(row, message, mayRetry) {
  setState(row, "refused", message);
  row.querySelector("[data-retry]").hidden = !mayRetry;
  announce(`${row.querySelector("[data-name]").textContent}: ${message}`);
}

function setState(row, state, text) {
  row.dataset.state = state;
  row.querySelector("[data-status]").textContent = text;
  row.querySelector("progress").hidden = state !== "sending";
  row.querySelector("[data-retry]").hidden = true;
  const mark = row.querySelector("[data-mark]");
  const icons = { done: "check-circle-fill", refused: "exclamation-circle-fill", waiting: "hourglass-split" };
  mark.replaceChildren(...(icons[state] ? [icon(icons[state])] : []));
}

async function remove(row) {
  if (row.dataset.state === "removing") return;
  row.dataset.state = "removing";
  row.abort?.abort();
  uploads.drop(row);
  if (row.dataset.removeUrl) {
    const { status, body } = await ask(row.dataset.removeUrl);
    // Gone already, by a press whose answer never came or in another tab: it is removed.
    if (status !== 200 && status !== 404) {
      row.dataset.state = "done";
      row.querySelector("[data-notices]").textContent = body.message ?? texts.offline;
      return;
    }
  }
  const next = row.nextElementSibling ?? row.previousElementSibling;
  row.remove();
  (next?.querySelector("[data-remove]") ?? form.querySelector('input[type="file"]')).focus();
  update();
}

list.addEventListener("click", (event) => {
  const row = event.target.closest("[data-file]");
  if (event.target.closest("[data-remove]")) remove(row);
  else if (event.target.closest("[data-retry]")) {
    queue(row);
    ensureDraft().then(() => uploads.work());
  }
});

// ---- the whole -------------------------------------------------------------------------------------------

function update() {
  const rows = [...list.querySelectorAll("[data-file]")];
  const count = (state) => rows.filter((row) => row.dataset.state === state).length;
  const done = count("done");
  const busy = count("sending") + count("waiting");
  form.querySelector("[data-submit]").disabled = done === 0 || busy > 0;
  form.querySelector("[data-count]").textContent = rows.length
    ? texts.count.replace("%(done)d", String(done)).replace("%(all)d", String(rows.length))
    : "";
  list.hidden = rows.length === 0;
  window.onbeforeunload = busy > 0 ? (event) => event.preventDefault() : null;
}

takeFiles(form.querySelector("[data-drop-zone]"), addFiles);
update();
