// Sends one file with progress.
import { askAgain } from "./asking.js";
import { ourHeaders } from "./dom.js";
import { sentName } from "./upload-queue.js";

/**
 * @returns {Promise<{status: number, body: object}>} also for refusals; status 0 when the server was not reached
 */
export const sendFile = (url, file, options) => askAgain(() => sendOnce(url, file, options));

function sendOnce(url, file, { fields = {}, onProgress = () => {}, signal } = {}) {
  return new Promise((resolve) => {
    const form = new FormData();
    for (const [name, value] of Object.entries(fields)) form.append(name, value);
    form.append("file", file, sentName(file.name));
    const request = new XMLHttpRequest();
    request.open("POST", url);
    request.responseType = "text";
    for (const [name, value] of Object.entries(ourHeaders())) request.setRequestHeader(name, value);
    request.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) onProgress(event.loaded / event.total);
    });
    request.addEventListener("load", () => resolve({ status: request.status, body: parse(request.responseText) }));
    request.addEventListener("error", () => resolve({ status: 0, body: {} }));
    request.addEventListener("abort", () => resolve({ status: 0, body: { aborted: true } }));
    signal?.addEventListener("abort", () => request.abort());
    request.send(form);
  });
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** Lets an element take files by click, drop and keyboard; the file input inside it does click and keyboard. */
export function takeFiles(zone, onFiles) {
  const input = zone.querySelector('input[type="file"]');
  input.addEventListener("change", () => {
    onFiles([...input.files]);
    input.value = ""; // the same file may be chosen again after it was removed
  });
  let depth = 0;
  const mark = () => zone.classList.toggle("is-over", depth > 0);
  zone.addEventListener("dragenter", (event) => {
    event.preventDefault();
    depth += 1;
    mark();
  });
  zone.addEventListener("dragleave", () => {
    depth = Math.max(0, depth - 1);
    mark();
  });
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    depth = 0;
    mark();
    onFiles([...event.dataTransfer.files]);
  });
  // A file dropped beside the zone must not replace the page, and with it what was entered.
  for (const name of ["dragover", "drop"]) window.addEventListener(name, (event) => event.preventDefault());
}
