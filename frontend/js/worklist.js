// The worklist: the key for the next case, and the ticked cases that an administrator assigns.
import { bind } from "./keys.js";

const next = document.querySelector("[data-next-case]");
if (next) bind("next-case", () => next.requestSubmit());

// The list is replaced whenever a filter changes, so everything in it is looked up again.
const boxes = () => [...document.querySelectorAll("[data-select-case]")];

function words(form, name, count, who = "") {
  const text = form.dataset[`${name}${count === 1 ? "One" : "Many"}`];
  return text.replace("%(count)d", count).replace("%(who)s", who);
}

/** Brings the count, the question and the box for all in line with what is ticked. */
function refresh() {
  const form = document.querySelector("[data-assign]");
  if (!form) return;
  const all = boxes();
  const count = all.filter((box) => box.checked).length;
  const chosen = form.querySelector("[data-chosen]");
  chosen.dataset.none ??= chosen.textContent;
  const said = count ? words(form, "textChosen", count) : chosen.dataset.none;
  if (chosen.textContent !== said) chosen.textContent = said;
  form.querySelector("[data-assign-button]").disabled = !count;
  const to = form.elements.to;
  const who = to.selectedOptions[0].text;
  form.dataset.confirm = to.value === "nobody" ? words(form, "textFree", count) : words(form, "text", count, who);
  const selectAll = document.querySelector("[data-select-all]");
  selectAll.hidden = !all.length;
  selectAll.checked = count > 0 && count === all.length;
  selectAll.indeterminate = count > 0 && count < all.length;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-select-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  refresh();
});
document.addEventListener("htmx:afterSettle", refresh);
refresh();
