// What every page needs: htmx, the account menu, confirmations, copy buttons and live fragments.

import Dropdown from "bootstrap/js/dist/dropdown";
import htmx from "htmx.org";

import { announce, meta, sayTrouble } from "./dom.js";
import { saved, startKeeping, texts, valuesOf } from "./keeping.js";
import { startLiveFragments } from "./live.js";
import { startSending } from "./sending.js";
import { ensureSignedIn, startSession } from "./session.js";

// Page scripts reach the one instance of each through these names.
window.htmx = htmx;
window.hemalens = { ensureSignedIn, saved, texts, valuesOf };

document.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRFToken"] = meta("csrf-token");
  event.detail.headers["X-From-Person"] = meta("person");
});

document.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  if (responseText.includes('"other_person"')) ensureSignedIn();
  else sayTrouble(status === 401 ? "signed-out" : "server");
});
document.addEventListener("htmx:sendError", () => sayTrouble("server"));
document.addEventListener("htmx:afterOnLoad", () => document.querySelector('[data-trouble="server"]')?.remove());

for (const toggle of document.querySelectorAll('[data-bs-toggle="dropdown"]')) {
  Dropdown.getOrCreateInstance(toggle);
}

document.addEventListener("click", (event) => {
  const dismiss = event.target.closest("[data-dismiss]");
  if (dismiss) dismiss.closest(dismiss.dataset.dismiss)?.remove();

  if (event.target.closest("[data-print]")) window.print();

  const opener = event.target.closest("[data-opens-dialog]");
  if (opener) document.getElementById(opener.dataset.opensDialog)?.showModal();

  const closer = event.target.closest("[data-closes-dialog]");
  if (closer) closer.closest("dialog")?.close();
});

// A form with data-confirm asks first; the text says what will happen.
document.addEventListener(
  "submit",
  (event) => {
    const form = event.target;
    const question = form.dataset.confirm;
    if (!question || form.dataset.confirmed === "yes") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    const dialog = document.getElementById("confirm-dialog");
    dialog.querySelector("[data-confirm-text]").textContent = question;
    const accept = dialog.querySelector("[data-confirm-accept]");
    accept.textContent = form.dataset.confirmAction || accept.dataset.defaultText;
    dialog.returnValue = "";
    dialog.showModal();
    dialog.addEventListener(
      "close",
      () => {
        if (dialog.returnValue !== "accept") return;
        form.dataset.confirmed = "yes";
        form.requestSubmit(event.submitter ?? undefined);
        delete form.dataset.confirmed;
      },
      { once: true },
    );
  },
  true,
);

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const field = document.getElementById(button.dataset.copy);
  try {
    await navigator.clipboard.writeText(field.value);
    announce(button.dataset.copied);
    button.querySelector("[data-copy-label]").textContent = button.dataset.copied;
  } catch {
    field.select(); // no clipboard without a secure context: leave the text selected
  }
});

startLiveFragments(htmx);
startKeeping(htmx);
startSending();
startSession();
