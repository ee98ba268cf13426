// Texts that are not saved yet, in this browser's localStorage: encrypted, for one person, for a day.
//
// An entry is `kept:<person>:<place>:<id>`. Person and place are hashes under the person's key, so that the person signed
// in next can tell neither whose it is nor what it belongs to; what it holds is AES-GCM under another key made of the
// same one, with the entry's own name as additional data: it cannot be moved to another place. The key comes from the
// server with the person's session and is never stored here.

const PREFIX = "kept:";
const SAVED_COOKIE = "saved-"; // portal/web/kept.py

/** Whether this browser can keep anything: it encrypts only on https and on the machine itself. */
export function canKeep() {
  try {
    return Boolean(crypto.subtle && localStorage);
  } catch {
    return false; // storage is switched off
  }
}

/** Drops what is older than its time, whoever it belongs to, and what the server says has been saved. */
export function sweep() {
  for (const key of keys()) if (!(untilOf(key) > Date.now())) localStorage.removeItem(key);
  for (const [, id] of document.cookie.matchAll(new RegExp(`${SAVED_COOKIE}([0-9a-f-]{36})=`, "g"))) {
    removeId(id);
    // biome-ignore lint/suspicious/noDocumentCookie: the Cookie Store API is missing in browsers we support
    document.cookie = `${SAVED_COOKIE}${id}=; Max-Age=0; Path=/; SameSite=Lax`;
  }
}

/** One person's part of the store. */
export class KeptStore {
  /** @param {string} key 32 bytes in base64; @param {number} seconds for how long an entry is kept */
  static async open(key, seconds) {
    const material = await crypto.subtle.importKey("raw", bytesOf(key), "HKDF", false, ["deriveKey"]);
    const derive = (use, algorithm, usages) => {
      const hkdf = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(), info: encode(use) };
      return crypto.subtle.deriveKey(hkdf, material, algorithm, false, usages);
    };
    const store = new KeptStore();
    store.seconds = seconds;
    store.cipher = await derive("texts", { name: "AES-GCM", length: 256 }, ["encrypt", "decrypt"]);
    store.hasher = await derive("names", { name: "HMAC", hash: "SHA-256", length: 256 }, ["sign"]);
    store.prefix = `${PREFIX}${await store.#hash("person")}:`;
    return store;
  }

  /**
   * Keeps `values` under an id, in the place of what the id had before.
   *
   * @param {string} place what the text belongs to, such as a form's address
   * @param {string} id a UUID; @param {object} values anything that JSON has
   * @returns {Promise<boolean>} whether it is kept: a full storage takes nothing more
   */
  async put(place, id, values) {
    const key = `${await this.#prefixOf(place)}${id}`;
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const text = encode(JSON.stringify({ at: Date.now(), values }));
    const data = await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: encode(key) }, this.cipher, text);
    removeId(id);
    try {
      const until = Date.now() + this.seconds * 1000;
      localStorage.setItem(key, JSON.stringify({ until, iv: textOf(iv), data: textOf(data) }));
      return true;
    } catch {
      return false;
    }
  }

  /** What is kept for a place, newest first: `[{id, at, values}]`, `at` in ms. */
  async find(place) {
    const prefix = await this.#prefixOf(place);
    const found = await Promise.all(
      keys()
        .filter((key) => key.startsWith(prefix))
        .map((key) => this.#read(key)),
    );
    return found.filter(Boolean).sort((one, other) => other.at - one.at);
  }

  remove(id) {
    removeId(id);
  }

  /** Drops all that this person has here. */
  forgetAll() {
    for (const key of keys()) if (key.startsWith(this.prefix)) localStorage.removeItem(key);
  }

  async #read(key) {
    try {
      const { iv, data } = JSON.parse(localStorage.getItem(key));
      const algorithm = { name: "AES-GCM", iv: bytesOf(iv), additionalData: encode(key) };
      const text = await crypto.subtle.decrypt(algorithm, this.cipher, bytesOf(data));
      return { id: key.split(":").at(-1), ...JSON.parse(new TextDecoder().decode(text)) };
    } catch {
      localStorage.removeItem(key); // damaged, or moved here from another place
      return null;
    }
  }

  async #prefixOf(place) {
    return `${this.prefix}${await this.#hash(`place ${place}`)}:`;
  }

  async #hash(words) {
    return textOf((await crypto.subtle.sign("HMAC", this.hasher, encode(words))).slice(0, 16));
  }
}

const keys = () => Object.keys(localStorage).filter((key) => key.startsWith(PREFIX));

function removeId(id) {
  for (const key of keys()) if (key.endsWith(`:${id}`)) localStorage.removeItem(key);
}

function untilOf(key) {
  try {
    return JSON.parse(localStorage.getItem(key)).until;
  } catch {
    return 0;
  }
}

const encode = (text) => new TextEncoder().encode(text);
const bytesOf = (base64) => Uint8Array.from(atob(base64), (one) => one.charCodeAt(0));
const textOf = (bytes) => btoa(Array.from(new Uint8Array(bytes), (one) => String.fromCharCode(one)).join(""));
