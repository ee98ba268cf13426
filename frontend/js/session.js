// Who is signed in: asked before anything typed is sent, so that it never leaves the page in vain.
//
// Where the session has ended a dialog asks to sign in again in a window of its own; the page stays as it is, takes the
// token of the new sign-in and goes on. Where another person has signed in since, nothing is sent.
import { meta, sayTrouble } from "./dom.js";

const news = new BroadcastChannel("hemalens-session");
let asking = null;
let given = null; // the key for this page's person's texts, and for how long they are kept

/** What the server says of the session; takes its token where it is this page's person who is signed in. */
async function look() {
  const session = await fetch(meta("session-url"), { headers: { Accept: "application/json" }, cache: "no-store" })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);
  if (!session) return { state: "away" };
  if (!session.person) return { state: "signed-out" };
  if (session.person !== meta("person")) return { state: "other-person", name: session.name };
  takeToken(session.csrf);
  given = { key: session.key, seconds: session.keeps_seconds };
  return { state: "ready" };
}

/** @returns {Promise<?{key: string, seconds: number}>} for texts; null where the page's own person is not signed in */
export async function personsKey() {
  if (!given) await look();
  return given;
}

function takeToken(token) {
  document.querySelector('meta[name="csrf-token"]').content = token;
  for (const field of document.querySelectorAll('input[name="csrfmiddlewaretoken"]')) field.value = token;
}

/** @returns {Promise<boolean>} whether this page's person is signed in, after asking for it where it is not so */
export async function ensureSignedIn() {
  if (asking) return asking;
  const found = await look();
  if (found.state === "ready") return true;
  if (found.state === "away") {
    sayTrouble("not-sent");
    return false;
  }
  asking ??= ask(found).finally(() => {
    asking = null;
  });
  return asking;
}

function ask(found) {
  const dialog = document.getElementById("session-dialog");
  const stop = new AbortController();
  const { signal } = stop;
  const check = async () => {
    const now = await look();
    if (now.state === "ready") dialog.close("ready");
    else if (now.state !== "away") describe(dialog, now);
  };
  describe(dialog, found);
  dialog.returnValue = "";
  dialog.showModal();
  news.addEventListener("message", check, { signal });
  window.addEventListener("focus", check, { signal });
  // What one person typed is nothing for the other one to look at: the dialog covers the page and stays.
  dialog.addEventListener("cancel", (event) => dialog.dataset.state === "other-person" && event.preventDefault(), {
    signal,
  });
  return new Promise((resolve) => {
    dialog.addEventListener(
      "close",
      () => {
        stop.abort();
        const isReady = dialog.returnValue === "ready";
        if (isReady) resume();
        resolve(isReady);
      },
      { once: true },
    );
  });
}

function describe(dialog, { state, name }) {
  dialog.dataset.state = state;
  for (const part of dialog.querySelectorAll("[data-session-state]")) part.hidden = part.dataset.sessionState !== state;
  const place = dialog.querySelector("[data-other-person]");
  place.textContent = place.dataset.text.replace("%s", name ?? "");
}

function resume() {
  document.querySelector('[data-trouble="signed-out"]')?.remove();
  document.dispatchEvent(new CustomEvent("session:resumed"));
}

export function startSession() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-sign-in-again]")) ensureSignedIn().then((isReady) => isReady && resume());
  });
  if (!meta("person")) return;
  news.postMessage("signed-in"); // a page that asks for it looks again
  if (document.querySelector("[data-resumed]")) window.close();
}
