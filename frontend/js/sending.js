// A form is sent once: a second press, a double click or another form's button does nothing while one is under way. One
// with typed words (data-keep) leaves the page only when the server is there and the page's own person is signed in.
import { meta } from "./dom.js";
import { forgetAll, keepNow } from "./keeping.js";
import { ensureSignedIn } from "./session.js";

// Where no page follows by then (a stopped load), the buttons work again; the server takes no form twice.
const RELEASE_MS = 30_000;

let releasing = 0;

function setBusy(form, submitter) {
  const button = submitter ?? form.querySelector("[type=submit]");
  document.body.dataset.sending = "yes";
  form.setAttribute("aria-busy", "true");
  button?.setAttribute("aria-disabled", "true");
  button?.classList.add("is-busy");
  releasing = setTimeout(release, RELEASE_MS);
}

function release() {
  clearTimeout(releasing);
  for (const field of document.querySelectorAll("[data-sent-along]")) field.remove();
  delete document.body.dataset.sending;
  for (const form of document.querySelectorAll("form[aria-busy]")) form.removeAttribute("aria-busy");
  for (const button of document.querySelectorAll(".is-busy")) {
    button.classList.remove("is-busy");
    button.removeAttribute("aria-disabled");
  }
}

async function deliver(form, submitter) {
  const kept = await keepNow(form);
  if (!(await ensureSignedIn())) return release();
  sendAlong(form, "from_person", meta("person"));
  if (kept) sendAlong(form, "kept", kept);
  if (submitter?.name) sendAlong(form, submitter.name, submitter.value);
  HTMLFormElement.prototype.submit.call(form);
}

// Who signs out leaves nothing behind for a next sign-in; a session that runs out does.
async function signOut(form) {
  await forgetAll();
  HTMLFormElement.prototype.submit.call(form);
}

function sendAlong(form, name, value) {
  const field = Object.assign(document.createElement("input"), { type: "hidden", name, value });
  field.dataset.sentAlong = "yes";
  form.append(field);
}

export function startSending() {
  document.addEventListener("submit", (event) => {
    const form = event.target;
    if (event.defaultPrevented || form.getAttribute("method")?.toLowerCase() !== "post") return;
    if (document.body.dataset.sending) return event.preventDefault();
    setBusy(form, event.submitter);
    const takes = "signsOut" in form.dataset ? signOut : "keep" in form.dataset ? deliver : null;
    if (!takes) return;
    event.preventDefault();
    takes(form, event.submitter);
  });
  // Back from the next page, out of the browser's memory: the buttons of then are still busy.
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) release();
  });
}
