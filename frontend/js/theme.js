// Loaded in <head> without defer: the theme must be set before the first paint.
const STORAGE_KEY = "hemalens-theme";
const systemDark = window.matchMedia("(prefers-color-scheme: dark)");

export function chosenTheme() {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? "system";
  } catch {
    return "system"; // storage may be blocked by policy; the page still has to work
  }
}

function apply() {
  const choice = chosenTheme();
  const theme = choice === "system" ? (systemDark.matches ? "dark" : "light") : choice;
  document.documentElement.dataset.bsTheme = theme;
}

function markChoice() {
  for (const button of document.querySelectorAll("[data-theme-choice]")) {
    button.setAttribute("aria-pressed", String(button.dataset.themeChoice === chosenTheme()));
  }
}

apply();
systemDark.addEventListener("change", apply);
document.addEventListener("DOMContentLoaded", markChoice);
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-theme-choice]");
  if (!button) return;
  try {
    localStorage.setItem(STORAGE_KEY, button.dataset.themeChoice);
  } catch {
    return;
  }
  apply();
  markChoice();
});
