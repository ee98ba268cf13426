// Which file goes up when, and what becomes of it. Knows nothing of the page.

/** Hands items to `send` in the order in which they came, at most `parallel` at a time. */
export class UploadQueue {
  /**
   * @param {(item: object) => Promise<void>} send ends once the item is stored or refused
   * @param {object} options
   * @param {number} options.parallel
   * @param {() => boolean} options.mayStart whether anything can be sent yet; `work` asks again
   * @param {() => void} options.onChange called after each look at the queue
   */
  constructor(send, { parallel, mayStart = () => true, onChange = () => {} }) {
    this.send = send;
    this.parallel = parallel;
    this.mayStart = mayStart;
    this.onChange = onChange;
    this.waiting = [];
    this.sending = 0;
  }

  /** Puts an item at the end; `work` sends it. */
  add(item) {
    this.waiting.push(item);
  }

  /** Takes an item out that has not been sent yet; nothing happens to any other one. */
  drop(item) {
    const place = this.waiting.indexOf(item);
    if (place >= 0) this.waiting.splice(place, 1);
  }

  /** Sends as many as may be sent now. */
  work() {
    while (this.mayStart() && this.sending < this.parallel && this.waiting.length) this.#sendOne(this.waiting.shift());
    this.onChange();
  }

  async #sendOne(item) {
    this.sending += 1;
    try {
      await this.send(item);
    } finally {
      this.sending -= 1;
    }
    this.work();
  }
}

/** Why a file is not sent at all: "tooLarge", "empty", or null where it may go. */
export function whyNot({ size }, maxBytes) {
  if (size > maxBytes) return "tooLarge";
  return size === 0 ? "empty" : null;
}

/** The place after all others; uploads end in any order, so a file keeps the place it was chosen at. */
export const nextPosition = (positions) => Math.max(0, ...positions) + 1;

/**
 * What a server's answer means for a file.
 *
 * @param {{status: number, body: object}} answer status 0: the server was not reached
 * @returns {{kind: "stored"|"aborted"|"refused", message?: string, reason?: "offline"|"failed", mayRetry?: boolean}}
 *   of a refusal either the server's own message or our reason
 */
export function outcomeOf({ status, body }) {
  if (status === 201) return { kind: "stored" };
  if (body.aborted) return { kind: "aborted" };
  const mayRetry = status === 0 || status >= 500 || status === 401;
  if (body.message != null) return { kind: "refused", message: body.message, mayRetry };
  return { kind: "refused", reason: status === 0 ? "offline" : "failed", mayRetry };
}

/** The name a file is sent under: names may hold a patient's name, so that only the extension leaves this machine. */
export const sentName = (name) => `photograph${/\.[A-Za-z0-9]{1,5}$/.exec(name)?.[0] ?? ""}`;
