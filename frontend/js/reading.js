// What a reader enters on the case page: answers to the photographs and to the case, and the conclusion beside the
// model's answer. What is entered and not stored yet is kept by keeping.js.

export class Reading {
  /**
   * @param {HTMLElement} page [data-case]
   * @param {() => string} shown id of the photograph shown
   * @param {() => HTMLElement[]} frames the photographs in the film strip
   * @param {(frame: HTMLElement) => void} show shows another photograph
   */
  constructor(page, { shown, frames, show }) {
    Object.assign(this, { page, shown, frames, show });
    page.addEventListener("click", (event) => {
      const button = event.target.closest("[data-image-answer]");
      if (button) this.#answerImage(button.dataset.imageAnswer, { advance: true });
    });
    page.addEventListener("change", (event) => this.#changed(event.target));
    page.addEventListener("submit", (event) => {
      const seconds = event.target.querySelector("[data-seconds]");
      if (seconds) seconds.value = (performance.now() / 1000).toFixed(1);
    });
  }

  get form() {
    return this.page.querySelector("[data-read-form]");
  }

  /** Whether something is entered that an update of the page must not take away. */
  get begun() {
    const panel = this.page.querySelector("#case-action");
    const written = [...panel.querySelectorAll("textarea:not([readonly]), input[type=password]")];
    const answered = this.form?.querySelector("input:checked") || this.#fields().some((field) => field.value);
    return Boolean(answered) || written.some((field) => field.value.trim());
  }

  /** Brings the panel in line with the photograph shown. */
  refresh() {
    const form = this.form;
    const frames = this.frames();
    if (form?.querySelector("[data-image-answers]")) {
      const id = this.shown();
      const place = frames.findIndex((frame) => frame.dataset.frame === id);
      form.querySelector("[data-shown-number]").textContent = String(place + 1);
      const answer = this.#field(id)?.value ?? "";
      for (const button of form.querySelectorAll("[data-image-answer]")) {
        button.setAttribute("aria-pressed", String(button.dataset.imageAnswer === answer));
      }
      const done = this.#fields().filter((field) => field.value).length;
      const count = form.querySelector("[data-answered-count]");
      count.textContent = count.dataset.text.replace("%(done)s", done).replace("%(all)s", frames.length);
      for (const frame of frames) this.#mark(frame);
    }
    const conclusion = this.page.querySelector("[data-conclusion-form]");
    if (conclusion) this.#describe(conclusion);
  }

  /** Answer number 1 to 6: to the photograph shown where there are several, else to the case. */
  answer(number) {
    const form = this.form;
    if (!form?.querySelector("[data-image-answers]")) return this.#chooseCase(number);
    const button = form.querySelectorAll("[data-image-answer]")[number - 1];
    this.#answerImage(button.dataset.imageAnswer, { advance: true });
    return true;
  }

  /** The same answer to every photograph and to the case. */
  answerAll(number) {
    const form = this.form;
    if (!form?.querySelector("[data-image-answers]")) return this.#chooseCase(number);
    const { imageAnswer } = form.querySelectorAll("[data-image-answer]")[number - 1].dataset;
    for (const field of this.#fields()) field.value = imageAnswer;
    this.#chooseCase(number);
    this.#announce(form);
    this.refresh();
    return true;
  }

  confidence(name) {
    return this.#press(this.page.querySelector(`#case-action [data-confidence="${name}"]`));
  }

  save() {
    const form = this.page.querySelector("#case-action form:has([data-save])");
    form?.requestSubmit(form.querySelector("[data-save]"));
    return Boolean(form);
  }

  #fields() {
    return [...(this.form?.querySelectorAll("[data-image-field]") ?? [])];
  }

  #field(id) {
    return this.#fields().find((field) => field.dataset.imageField === id);
  }

  #chooseCase(number) {
    const details = this.page.querySelector("#case-action [data-change]");
    if (details) details.open = true;
    return this.#press(this.page.querySelector(`#case-action [data-case-answer="${number}"]`));
  }

  /** Checks a radio button as a click would; false where there is none. */
  #press(option) {
    if (!option || option.disabled) return false;
    option.checked = true;
    option.dispatchEvent(new Event("change", { bubbles: true }));
    option.focus({ preventScroll: true });
    return true;
  }

  #answerImage(label, { advance }) {
    const field = this.#field(this.shown());
    if (!field) return;
    field.value = label;
    this.#derive();
    this.#announce(this.form);
    const frames = this.frames();
    const place = frames.findIndex((frame) => frame.dataset.frame === this.shown());
    const after = [...frames.slice(place + 1), ...frames.slice(0, place)];
    const next = after.find((frame) => !this.#field(frame.dataset.frame)?.value);
    if (advance && next) this.show(next);
    this.refresh();
  }

  /** The answer that most photographs have, as long as the reader has chosen none for the case. */
  #derive() {
    const form = this.form;
    if (form.dataset.caseChosen) return;
    const counts = new Map();
    for (const { value } of this.#fields()) if (value) counts.set(value, (counts.get(value) ?? 0) + 1);
    const [first, second] = [...counts].sort((a, b) => b[1] - a[1]);
    const label = first && first[1] !== second?.[1] ? first[0] : "";
    for (const option of form.querySelectorAll("[data-case-answer]")) option.checked = option.value === label;
    form.querySelector("[data-derived]").hidden = !label;
  }

  #changed(target) {
    const form = target.closest("form");
    if (form?.matches("[data-read-form]") && target.name === "label") {
      form.dataset.caseChosen = "yes";
      const derived = form.querySelector("[data-derived]");
      if (derived) derived.hidden = true;
    }
    if (target === form) this.#putBack(form);
    if (form?.matches("[data-conclusion-form]")) this.#describe(form);
  }

  // A form whose fields were set by a script: what was kept of it is back.
  #putBack(form) {
    const details = form.querySelector("[data-change]");
    if (details && form.querySelector("[data-case-answer]:checked")?.value !== form.dataset.own) details.open = true;
    if (form === this.form) {
      form.dataset.caseChosen = form.querySelector("[data-case-answer]:checked") ? "yes" : "";
      this.refresh();
    }
  }

  // Setting a field says nothing by itself.
  #announce(form) {
    form.dispatchEvent(new Event("input", { bubbles: true }));
  }

  // The button says what it will do; a change asks for its reason before the form is sent.
  #describe(form) {
    const chosen = form.querySelector("[data-case-answer]:checked")?.value;
    const changes = Boolean(chosen) && chosen !== form.dataset.own;
    form.querySelector("[data-conclusion-text]").textContent = changes
      ? form.dataset.textChange
      : form.dataset.textKeep;
    const part = form.querySelector("[data-reason-part]");
    part.dataset.wasHidden ??= String(part.hidden);
    part.hidden = !changes && part.dataset.wasHidden === "true" && !part.querySelector("textarea").value;
    part.querySelector("textarea").required = changes;
  }

  // The reader's own answer, under the photograph in the film strip.
  #mark(frame) {
    const place = frame.querySelector("[data-own-answer]");
    const label = this.#field(frame.dataset.frame)?.value;
    if (!place) return;
    const button = label && this.form.querySelector(`[data-image-answer="${label}"]`);
    place.className = button ? button.className.replace("image-answer", "own-answer") : "";
    place.textContent = button ? button.querySelector("span:not(.swatch)").textContent : "";
  }
}
