import assert from "node:assert/strict";
import { test } from "node:test";

import { nextPosition, outcomeOf, sentName, UploadQueue, whyNot } from "../../frontend/js/upload-queue.js";

/** A queue whose uploads end when the test says so. */
function staged(options = {}) {
  const started = [];
  const ends = new Map();
  const send = (item) => {
    started.push(item);
    return new Promise((resolve, reject) => ends.set(item, { resolve, reject }));
  };
  const queue = new UploadQueue(send, { parallel: 3, ...options });
  const settled = () => new Promise(setImmediate);
  const end = (item, how = "resolve") => {
    ends.get(item)[how](new Error(how));
    return settled();
  };
  return { queue, started, end, add: (...items) => items.forEach((item) => void queue.add(item)) };
}

test("files go up in the order they were chosen in, three at a time", async () => {
  const { queue, started, end, add } = staged();
  add("a", "b", "c", "d", "e");
  queue.work();
  assert.deepEqual(started, ["a", "b", "c"]);
  await end("b");
  assert.deepEqual(started, ["a", "b", "c", "d"]);
  await end("a");
  assert.deepEqual(started, ["a", "b", "c", "d", "e"]);
});

test("looking again while three are under way starts no fourth", () => {
  const { queue, started, add } = staged();
  add("a", "b", "c", "d");
  queue.work();
  queue.work();
  assert.deepEqual(started, ["a", "b", "c"]);
});

test("nothing goes up before there is a draft, and then all of it", () => {
  let isDrafted = false;
  const { queue, started, add } = staged({ mayStart: () => isDrafted });
  add("a", "b");
  queue.work();
  assert.deepEqual(started, []);
  isDrafted = true;
  queue.work();
  assert.deepEqual(started, ["a", "b"]);
});

test("a file that was removed while it waited never goes up", async () => {
  const { queue, started, end, add } = staged({ parallel: 1 });
  add("a", "b", "c");
  queue.work();
  queue.drop("b");
  queue.drop("a"); // under way: not the queue's business
  await end("a");
  assert.deepEqual(started, ["a", "c"]);
});

test("a file that is tried again goes to the end", async () => {
  const { queue, started, end, add } = staged({ parallel: 1 });
  add("a", "b");
  queue.work();
  add("a");
  await end("a");
  await end("b");
  assert.deepEqual(started, ["a", "b", "a"]);
});

test("the page is brought up to date on every look and after every file", async () => {
  let looks = 0;
  const { queue, end, add } = staged({ onChange: () => (looks += 1) });
  add("a");
  queue.work();
  assert.equal(looks, 1);
  await end("a");
  assert.equal(looks, 2);
});

test("too large and empty files are not sent; one of exactly the limit is", () => {
  assert.equal(whyNot({ size: 1001 }, 1000), "tooLarge");
  assert.equal(whyNot({ size: 0 }, 1000), "empty");
  assert.equal(whyNot({ size: 1000 }, 1000), null);
  assert.equal(whyNot({ size: 1 }, 1000), null);
});

test("a file's place is after all others, also where one was removed", () => {
  assert.equal(nextPosition([]), 1);
  assert.equal(nextPosition([1, 2, 3]), 4);
  assert.equal(nextPosition([3, 7]), 8);
});

test("a stored file is stored, and one that was called back is no refusal", () => {
  assert.deepEqual(outcomeOf({ status: 201, body: { summary: "fine" } }), { kind: "stored" });
  assert.deepEqual(outcomeOf({ status: 0, body: { aborted: true } }), { kind: "aborted" });
});

test("a refusal has the server's words; trying again is offered where it may help", () => {
  const refusal = (status, body = {}) => outcomeOf({ status, body });
  assert.deepEqual(refusal(400, { message: "This is no photograph." }), {
    kind: "refused",
    message: "This is no photograph.",
    mayRetry: false,
  });
  assert.equal(refusal(413).mayRetry, false);
  assert.deepEqual(refusal(0), { kind: "refused", reason: "offline", mayRetry: true });
  assert.deepEqual(refusal(502), { kind: "refused", reason: "failed", mayRetry: true });
  assert.equal(refusal(401, { message: "Sign in." }).mayRetry, true);
  assert.equal(refusal(409).reason, "failed");
});

test("a file's name stays here, but for its extension", () => {
  assert.equal(sentName("García, María 1980.JPG"), "photograph.JPG");
  assert.equal(sentName("smear.tar.gz"), "photograph.gz");
  assert.equal(sentName("García"), "photograph");
  assert.equal(sentName("Doe.JaneDoe"), "photograph"); // too long for an extension
  assert.equal(sentName("Doe.J D"), "photograph");
});
