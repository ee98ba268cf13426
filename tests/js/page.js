// A page without a browser: the globals that the scripts expect, of happy-dom.
import { Window } from "happy-dom";

const GLOBALS = ["document", "localStorage", "DOMParser", "HTMLInputElement", "KeyboardEvent"];

/** Makes a page with this body; scripts that are imported afterwards run in it. */
export function openPage(body = "") {
  const page = new Window({ url: "https://laboratory.example/" });
  page.document.body.innerHTML = body;
  globalThis.window = page;
  for (const name of GLOBALS) globalThis[name] = page[name];
  return page;
}
