// Builds portal/static/dist/: one style sheet, the page scripts and the icon sprite.
// File names carry no hash: WhiteNoise's manifest storage adds it when static files are collected.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";

import esbuild from "esbuild";
import * as sass from "sass";

import { ICONS } from "./icons.mjs";

const here = path.dirname(fileURLToPath(import.meta.url));
const root = path.dirname(here);
const dist = path.join(root, "portal", "static", "dist");
// Says that what lies in dist/ is a whole build; what the watcher writes is not minified, and `make static` builds again.
const stamp = path.join(dist, ".built");
const watch = process.argv.includes("--watch");

async function buildStyles() {
  const result = sass.compile(path.join(here, "scss", "app.scss"), {
    style: "compressed",
    loadPaths: [path.join(root, "node_modules")],
    quietDeps: true,
    // Bootstrap 5.3 is written with @import, so the sheet that configures it has to be too.
    silenceDeprecations: ["import"],
  });
  await writeFile(path.join(dist, "app.css"), result.css);
}

async function buildIcons() {
  const symbols = await Promise.all(
    ICONS.map(async (name) => {
      const file = path.join(root, "node_modules", "bootstrap-icons", "icons", `${name}.svg`);
      const svg = await readFile(file, "utf8");
      const [, viewBox] = /viewBox="([^"]+)"/.exec(svg);
      const body = svg.slice(svg.indexOf(">") + 1, svg.lastIndexOf("</svg>")).trim();
      return `<symbol id="${name}" viewBox="${viewBox}" fill="currentColor">${body}</symbol>`;
    }),
  );
  await writeFile(path.join(dist, "icons.svg"), `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join("")}</svg>\n`);
}

const scripts = {
  entryPoints: ["theme", "app", "case", "new-case", "quick-look", "worklist", "preferences"].map((name) =>
    path.join(here, "js", `${name}.js`),
  ),
  outdir: dist,
  bundle: true,
  format: "iife",
  target: ["es2022"],
  minify: !watch,
  legalComments: "none",
  logLevel: "warning",
};

await rm(dist, { recursive: true, force: true });
await mkdir(dist, { recursive: true });
await Promise.all([buildStyles(), buildIcons()]);

if (watch) {
  const context = await esbuild.context(scripts);
  await context.rebuild();
  await context.watch();
  const { watch: watchFolder } = await import("node:fs");
  watchFolder(path.join(here, "scss"), () => buildStyles().catch((error) => console.error(error.message)));
  console.log("watching frontend/");
} else {
  await esbuild.build(scripts);
  await writeFile(stamp, "");
}
