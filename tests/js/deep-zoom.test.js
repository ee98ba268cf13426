import assert from "node:assert/strict";
import { afterEach, test } from "node:test";

import { parsePyramid, pyramid } from "../../frontend/js/deep-zoom.js";
import { openPage } from "./page.js";

openPage();
const realFetch = globalThis.fetch;
afterEach(() => {
  globalThis.fetch = realFetch;
});

const DESCRIPTOR = `<?xml version="1.0" encoding="UTF-8"?>
<Image xmlns="http://schemas.microsoft.com/deepzoom/2008" Format="jpg" Overlap="1" TileSize="254">
  <Size Width="12000" Height="9000"/>
</Image>`;

test("a descriptor is read as OpenSeadragon takes it", () => {
  assert.deepEqual(parsePyramid(DESCRIPTOR, "/cases/images/7/tiles.dzi"), {
    Image: {
      xmlns: "http://schemas.microsoft.com/deepzoom/2008",
      Url: "/cases/images/7/tiles_files/",
      Format: "jpg",
      Overlap: "1",
      TileSize: "254",
      Size: { Width: "12000", Height: "9000" },
    },
  });
});

test("tiles lie beside the descriptor, without what its address asks", () => {
  assert.equal(parsePyramid(DESCRIPTOR, "/7/tiles.dzi?v=2").Image.Url, "/7/tiles_files/");
});

test("a descriptor may name another address for its tiles", () => {
  const elsewhere = DESCRIPTOR.replace("<Image ", '<Image Url="/elsewhere/" ');
  assert.equal(parsePyramid(elsewhere, "/7/tiles.dzi").Image.Url, "/elsewhere/");
});

test("what is no descriptor gives none, so that the whole picture is shown", () => {
  assert.equal(parsePyramid("<html><body>Sign in</body></html>", "/7/tiles.dzi"), null);
  assert.equal(parsePyramid("", "/7/tiles.dzi"), null);
});

test("no answer, or a refusal, gives none", async () => {
  globalThis.fetch = async () => new Response(DESCRIPTOR, { status: 404 });
  assert.equal(await pyramid("/7/tiles.dzi"), null);
  globalThis.fetch = async () => Promise.reject(new TypeError("no network"));
  assert.equal(await pyramid("/7/tiles.dzi"), null);
});

test("a descriptor is fetched as XML", async () => {
  const asked = [];
  globalThis.fetch = async (address, { headers }) => {
    asked.push([address, headers.Accept]);
    return new Response(DESCRIPTOR);
  };
  assert.equal((await pyramid("/7/tiles.dzi")).Image.Size.Width, "12000");
  assert.deepEqual(asked, [["/7/tiles.dzi", "application/xml"]]);
});
