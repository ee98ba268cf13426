// A page's requests beside its forms: JSON back, and a sign-in in between where the session has ended.
import { ourHeaders } from "./dom.js";

const REFUSED = new Set(["signed_out", "other_person", "old_page"]);

/** What `once` brings; a second time after a sign-in, where the session had ended. */
export async function askAgain(once) {
  const answer = await once();
  return REFUSED.has(answer.body.code) && (await window.hemalens.ensureSignedIn()) ? once() : answer;
}

/**
 * @param {() => BodyInit} body makes what is sent: again for a second try, which has another token
 * @returns {Promise<{status: number, body: object}>} also for refusals; status 0 when the server was not reached
 */
export function ask(url, { method = "POST", body, headers = {} } = {}) {
  return askAgain(async () => {
    try {
      const response = await fetch(url, { method, body: body?.(), headers: { ...ourHeaders(), ...headers } });
      return { status: response.status, body: await response.json().catch(() => ({})) };
    } catch {
      return { status: 0, body: {} };
    }
  });
}
