// Live fragments: an element with data-live asks its hx-get address again until it says it is settled.
//
// The server answers 204 while nothing changed, or the new element. data-live="running" is asked fast at first and
// slower the longer it takes; "watching" is asked now and then, "calm" seldom; "settled" is left alone.

const WATCH_EVERY_MS = 5000;
const CALM_EVERY_MS = 30_000;
// [up to this many ms after the page began to wait, ask every so many ms]
const RUNNING_STEPS = [
  [4_000, 150],
  [20_000, 400],
  [60_000, 1000],
  [Infinity, 3000],
];

export function startLiveFragments(htmx) {
  let runningSince = performance.now();

  const delay = (element) => {
    // The bell is on every page: it says nothing about how long the page's own part has been waiting.
    if (element.dataset.live === "calm") return CALM_EVERY_MS;
    if (element.dataset.live !== "running") {
      runningSince = performance.now();
      return WATCH_EVERY_MS;
    }
    const waited = performance.now() - runningSince;
    return RUNNING_STEPS.find(([until]) => waited < until)[1];
  };

  const schedule = (element) => {
    if (element.dataset.live === "settled" || element.dataset.liveScheduled) return;
    element.dataset.liveScheduled = "yes";
    setTimeout(() => {
      delete element.dataset.liveScheduled;
      if (!element.isConnected) return;
      if (document.hidden) schedule(element);
      else htmx.trigger(element, "live");
    }, delay(element));
  };

  document.addEventListener("htmx:afterRequest", (event) => {
    const { elt: element, xhr } = event.detail;
    if (!element.dataset?.live || !element.isConnected) return;
    // Signed out, expired, not visible any more: asking again would not help. Anything else may pass.
    if (xhr.status >= 400 && xhr.status < 500) {
      element.dataset.liveWas ??= element.dataset.live;
      element.dataset.live = "settled";
    }
    schedule(element);
  });
  document.addEventListener("session:resumed", () => {
    for (const element of document.querySelectorAll("[data-live-was]")) {
      element.dataset.live = element.dataset.liveWas;
      delete element.dataset.liveWas;
      schedule(element);
    }
  });
  htmx.onLoad((content) => {
    if (content.dataset?.live) schedule(content);
    for (const element of content.querySelectorAll?.("[data-live]") ?? []) schedule(element);
  });
}
