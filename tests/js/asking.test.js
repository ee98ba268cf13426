import assert from "node:assert/strict";
import { beforeEach, test } from "node:test";

import { ask, askAgain } from "../../frontend/js/asking.js";
import { openPage } from "./page.js";

const page = openPage();
page.document.head.innerHTML = '<meta name="csrf-token" content="old"><meta name="person" content="7">';

let questions;
/** Whoever is asked to sign in again does so, or not; with it comes another token. */
function signsIn(isSignedIn) {
  questions = 0;
  page.document.querySelector('meta[name="csrf-token"]').content = "old";
  page.hemalens = {
    ensureSignedIn: async () => {
      questions += 1;
      if (isSignedIn) page.document.querySelector('meta[name="csrf-token"]').content = "new";
      return isSignedIn;
    },
  };
}
const answers =
  (...bodies) =>
  async () =>
    bodies.length && { status: 0, body: bodies.shift() };

beforeEach(() => signsIn(true));

test("what the ended session refused is sent once more after signing in", async () => {
  for (const code of ["signed_out", "other_person", "old_page"]) {
    signsIn(true);
    assert.deepEqual((await askAgain(answers({ code }, { fine: true }))).body, { fine: true });
    assert.equal(questions, 1);
  }
});

test("a second refusal is the answer: nobody is asked for ever", async () => {
  assert.deepEqual((await askAgain(answers({ code: "signed_out" }, { code: "signed_out" }))).body, {
    code: "signed_out",
  });
  assert.equal(questions, 1);
});

test("who does not sign in gets the refusal, and nothing more is sent", async () => {
  signsIn(false);
  assert.deepEqual((await askAgain(answers({ code: "signed_out" }, { fine: true }))).body, { code: "signed_out" });
});

test("any other refusal asks nobody", async () => {
  assert.deepEqual((await askAgain(answers({ code: "invalid" }, { fine: true }))).body, { code: "invalid" });
  assert.equal(questions, 0);
});

test("the second try has the new sign-in's token and a body made for it", async () => {
  const sent = [];
  const replies = [{ code: "signed_out" }, { fine: true }];
  globalThis.fetch = async (_url, { body, headers }) => {
    sent.push([headers["X-CSRFToken"], headers["X-From-Person"], body]);
    return Response.json(replies.shift());
  };
  const bodies = ["try 1", "try 2"];
  const answer = await ask("/x", { body: () => bodies.shift() });
  assert.deepEqual(answer, { status: 200, body: { fine: true } });
  assert.deepEqual(sent, [
    ["old", "7", "try 1"],
    ["new", "7", "try 2"],
  ]);
});

test("no network is status 0, and an answer that is no JSON an empty body", async () => {
  globalThis.fetch = async () => Promise.reject(new TypeError("no network"));
  assert.deepEqual(await ask("/x"), { status: 0, body: {} });
  globalThis.fetch = async () => new Response("<h1>Bad gateway</h1>", { status: 502 });
  assert.deepEqual(await ask("/x"), { status: 502, body: {} });
});
