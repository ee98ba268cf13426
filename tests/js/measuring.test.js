import assert from "node:assert/strict";
import { test } from "node:test";

import { pixelsOf, scaleBar } from "../../frontend/js/measuring.js";

const BAR = 120;

test("a line's length is in pixels of the photograph, whatever its shape", () => {
  const size = { x: 400, y: 300 };
  assert.equal(pixelsOf({ from: { x: 0, y: 0 }, to: { x: 1, y: 1 } }, size), 500);
  assert.equal(pixelsOf({ from: { x: 0.25, y: 0.5 }, to: { x: 0.75, y: 0.5 } }, size), 200);
  assert.equal(pixelsOf({ from: { x: 0.5, y: 1 }, to: { x: 0.5, y: 0 } }, size), 300);
});

test("the scale bar measures 1, 2 or 5 times a power of ten and is as long as it may be", () => {
  assert.deepEqual(scaleBar(0.1, 1, BAR), { microns: 10, length: 100 }); // 12 µm would fit
  assert.deepEqual(scaleBar(0.5, 1, BAR), { microns: 50, length: 100 }); // 60 µm
  assert.deepEqual(scaleBar(0.25, 1, BAR), { microns: 20, length: 80 }); // 30 µm
});

test("the bar fits at every scale and zoom, and no rounder length would", () => {
  for (const micronsPerPixel of [0.01, 0.0733, 0.4, 1, 9.99]) {
    for (const pixel of [0.02, 0.3, 1, 7.5]) {
      const { microns, length } = scaleBar(micronsPerPixel, pixel, BAR);
      const digits = Number(microns.toExponential().split("e")[0]);
      assert.ok(
        [1, 2, 5].some((round) => Math.abs(digits - round) < 1e-9),
        `${microns} µm is not round`,
      );
      assert.ok(length <= BAR * (1 + 1e-9), `${length} px is too long`);
      assert.ok(length * 2.5 > BAR * (1 - 1e-9), `${length} px is shorter than it has to be`);
      assert.ok(Math.abs(length - (microns / micronsPerPixel) * pixel) < 1e-6, "the length belongs to the number");
    }
  }
});

test("a photograph twice as large on the screen has a bar for half as much", () => {
  assert.equal(scaleBar(0.1, 2, BAR).microns, 5);
  assert.equal(scaleBar(0.1, 2, BAR).length, 100);
});
