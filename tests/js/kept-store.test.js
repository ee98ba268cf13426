import assert from "node:assert/strict";
import { beforeEach, mock, test } from "node:test";

import { canKeep, KeptStore, sweep } from "../../frontend/js/kept-store.js";
import { openPage } from "./page.js";

const DAY = 86_400;
const KEY = btoa("k".repeat(32));
const OTHER_KEY = btoa("o".repeat(32));
const ID = "11111111-2222-4333-8444-555555555555";
const ID_2 = "66666666-7777-4888-9999-000000000000";
const PLACE = "/cases/7/read/ 1";

const entries = () => Object.keys(localStorage).filter((name) => name.startsWith("kept:"));

beforeEach(() => {
  openPage();
  mock.timers.reset();
});

test("what is kept comes back, for its own place only", async () => {
  const store = await KeptStore.open(KEY, DAY);
  const values = { comment: ["Blasts, 30 %"], answer: [] };
  assert.equal(await store.put(PLACE, ID, values), true);
  const found = await store.find(PLACE);
  assert.deepEqual(
    found.map((entry) => [entry.id, entry.values]),
    [[ID, values]],
  );
  assert.deepEqual(await store.find("/cases/8/read/ 1"), []);
});

test("it comes back to the same person on another page", async () => {
  await (await KeptStore.open(KEY, DAY)).put(PLACE, ID, { comment: ["x"] });
  assert.equal((await (await KeptStore.open(KEY, DAY)).find(PLACE)).length, 1);
});

test("the newest is first", async () => {
  mock.timers.enable({ apis: ["Date"], now: 1000 });
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["older"] });
  mock.timers.setTime(2000);
  await store.put(PLACE, ID_2, { comment: ["newer"] });
  assert.deepEqual(
    (await store.find(PLACE)).map(({ at, values }) => [at, values.comment[0]]),
    [
      [2000, "newer"],
      [1000, "older"],
    ],
  );
});

test("an id has one entry: the last one, wherever it belongs", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["first"] });
  await store.put(PLACE, ID, { comment: ["second"] });
  assert.deepEqual((await store.find(PLACE))[0].values, { comment: ["second"] });
  await store.put("/elsewhere/", ID, { comment: ["third"] });
  assert.deepEqual(await store.find(PLACE), []);
  assert.equal(entries().length, 1);
});

test("the browser's storage shows neither words nor person nor place", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["Blasts"] });
  const all = JSON.stringify({ ...localStorage });
  for (const word of ["Blasts", "comment", "cases", "read", KEY]) assert.ok(!all.includes(word), word);
});

test("the same words are written differently each time", async () => {
  const store = await KeptStore.open(KEY, DAY);
  const written = async () => {
    await store.put(PLACE, ID, { comment: ["x"] });
    return JSON.parse(localStorage.getItem(entries()[0]));
  };
  const [one, other] = [await written(), await written()];
  assert.notEqual(one.iv, other.iv);
  assert.notEqual(one.data, other.data);
});

test("another person finds nothing, and takes nothing away", async () => {
  await (await KeptStore.open(KEY, DAY)).put(PLACE, ID, { comment: ["x"] });
  const other = await KeptStore.open(OTHER_KEY, DAY);
  assert.deepEqual(await other.find(PLACE), []);
  other.forgetAll();
  assert.equal(entries().length, 1);
});

test("forgetting drops all that one person has here", async () => {
  const [mine, other] = [await KeptStore.open(KEY, DAY), await KeptStore.open(OTHER_KEY, DAY)];
  await mine.put(PLACE, ID, { comment: ["x"] });
  await other.put(PLACE, ID_2, { comment: ["y"] });
  mine.forgetAll();
  assert.deepEqual(await mine.find(PLACE), []);
  assert.equal((await other.find(PLACE)).length, 1);
});

test("an entry that was moved to another place is not read there, and is dropped", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["x"] });
  await store.put("/elsewhere/", ID_2, { comment: ["y"] });
  const [mine, moved] = [ID, ID_2].map((id) => entries().find((name) => name.endsWith(id)));
  localStorage.setItem(moved, localStorage.getItem(mine));
  assert.deepEqual(await store.find("/elsewhere/"), []);
  assert.deepEqual(entries(), [mine]);
});

test("a damaged entry is dropped, and the others come back", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["x"] });
  await store.put(PLACE, ID_2, { comment: ["y"] });
  localStorage.setItem(
    entries().find((name) => name.endsWith(ID)),
    "{",
  );
  assert.deepEqual(
    (await store.find(PLACE)).map(({ id }) => id),
    [ID_2],
  );
  assert.equal(entries().length, 1);
});

test("a full storage says that nothing is kept", async () => {
  const store = await KeptStore.open(KEY, DAY);
  const full = mock.method(Object.getPrototypeOf(localStorage), "setItem", () => {
    throw new DOMException("full", "QuotaExceededError");
  });
  try {
    assert.equal(await store.put(PLACE, ID, { comment: ["x"] }), false);
  } finally {
    full.mock.restore();
  }
});

test("removing drops one entry", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["x"] });
  await store.put(PLACE, ID_2, { comment: ["y"] });
  store.remove(ID);
  assert.deepEqual(
    (await store.find(PLACE)).map(({ id }) => id),
    [ID_2],
  );
});

test("sweeping drops what is older than its time, whoever it belongs to, and nothing else's", async () => {
  mock.timers.enable({ apis: ["Date"], now: 0 });
  await (await KeptStore.open(KEY, 60)).put(PLACE, ID, { comment: ["x"] });
  await (await KeptStore.open(OTHER_KEY, DAY)).put(PLACE, ID_2, { comment: ["y"] });
  localStorage.setItem("theme", "dark");
  localStorage.setItem("kept:damaged", "{");
  mock.timers.setTime(59_999);
  sweep();
  assert.equal(entries().length, 2);
  mock.timers.setTime(60_000);
  sweep();
  assert.ok(entries()[0].endsWith(ID_2));
  assert.equal(entries().length, 1);
  assert.equal(localStorage.getItem("theme"), "dark");
});

test("sweeping drops what the server says has been saved, and the cookie that says so", async () => {
  const store = await KeptStore.open(KEY, DAY);
  await store.put(PLACE, ID, { comment: ["x"] });
  await store.put(PLACE, ID_2, { comment: ["y"] });
  const written = [];
  Object.defineProperty(document, "cookie", {
    get: () => `theme=dark; saved-${ID}=1`,
    set: (one) => written.push(one),
  });
  sweep();
  assert.deepEqual(
    (await store.find(PLACE)).map(({ id }) => id),
    [ID_2],
  );
  assert.deepEqual(written, [`saved-${ID}=; Max-Age=0; Path=/; SameSite=Lax`]);
});

test("without a storage nothing can be kept", () => {
  assert.equal(canKeep(), true);
  const storage = globalThis.localStorage;
  try {
    delete globalThis.localStorage;
    Object.defineProperty(globalThis, "localStorage", {
      configurable: true,
      get() {
        throw new DOMException("switched off", "SecurityError");
      },
    });
    assert.equal(canKeep(), false);
  } finally {
    Object.defineProperty(globalThis, "localStorage", { configurable: true, writable: true, value: storage });
  }
});
