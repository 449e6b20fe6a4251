// What is published: its README, its exports and its size.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { transformSync } from "esbuild";

import { root } from "../support/places.mjs";

const read = (name) => readFileSync(join(root, name), "utf8");
const manifest = JSON.parse(read("package.json"));
/** Bytes after gzip of all that a page loads besides a binary. */
const FACADE_BUDGET = 15_000;

test("the README's examples run and print what they say", () => {
  const blocks = [...read("README.md").matchAll(/^```js\n(.*?)^```$/gms)].map(([, code]) => code);
  assert.ok(blocks.length >= 1, "README.md has a block of JavaScript");
  mkdirSync(join(root, ".build"), { recursive: true });
  for (const code of blocks) {
    // Beside the manifest, so that `ecphory` names this package.
    const file = join(root, ".build", "readme.mjs");
    writeFileSync(file, code);
    const printed = execFileSync(process.execPath, [file], { encoding: "utf8" }).trim();
    const promised = [...code.matchAll(/\/\/ prints (.*)$/gm)].map(([, text]) => text).join("\n");
    assert.ok(promised.length > 0, "the block says what it prints");
    assert.equal(printed, promised);
  }
});

test("importing has no side effects on the globals", () => {
  const code = `
    const before = Object.getOwnPropertyNames(globalThis).length;
    await import("ecphory");
    console.log(Object.getOwnPropertyNames(globalThis).length - before);`;
  const options = { cwd: root, encoding: "utf8" };
  const printed = execFileSync(process.execPath, ["--input-type=module", "--eval", code], options);
  assert.equal(printed.trim(), "0");
});

test("no module of the package awaits while it loads", () => {
  for (const name of modules()) {
    // A script of the older module format cannot wait, so that translating to it fails.
    const translate = (code) => transformSync(code, { format: "cjs", logLevel: "silent" });
    assert.throws(() => translate("await 0; export {};"));
    assert.doesNotThrow(() => translate(read(`dist/${name}`)), name);
  }
});

test("exports name files that exist, types first, and all that is published is listed", () => {
  const published = JSON.parse(
    execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: root, encoding: "utf8" }),
  );
  const files = new Set((Array.isArray(published) ? published[0] : Object.values(published)[0]).files.map(({ path }) => path));
  const conditions = manifest.exports["."];
  assert.equal(Object.keys(conditions)[0], "types");
  for (const path of Object.values(conditions)) assert.ok(files.has(path.slice(2)), path);
  for (const name of [...modules(), ...binaries()]) assert.ok(files.has(`dist/${name}`), name);
  const known = /^(dist\/.*\.(js|d\.ts|wasm)|package\.json|README\.md|CHANGELOG\.md)$/;
  for (const path of files) assert.match(path, known);
  assert.equal(manifest.dependencies, undefined, "no dependencies at run time");
});

test("types stand alone", () => {
  for (const name of ["index.d.ts", "types.d.ts", "errors.d.ts"]) {
    for (const [, from] of read(`dist/types/${name}`).matchAll(/from "([^"]+)"/g)) {
      assert.match(from, /^\.\/(types|errors)\.js$/, `${name} imports ${from}`);
    }
  }
});

test("the scripts of a page stay within their budget", (t) => {
  for (const engine of ["st", "mt"]) {
    const scripts = ["index.js", "worker.js", `engine-${engine}.js`, ...(engine === "mt" ? ["thread.js"] : [])];
    const bytes = scripts.reduce((sum, name) => sum + gzipSync(read(`dist/${name}`)).length, 0);
    t.diagnostic(`${engine}: ${bytes} bytes after gzip`);
    assert.ok(bytes <= FACADE_BUDGET, `${bytes} bytes of at most ${FACADE_BUDGET}`);
  }
});

function modules() {
  return ["index.js", "node.js", "worker.js", "thread.js", "engine-st.js", "engine-mt.js"];
}

function binaries() {
  return readdirSync(join(root, "dist")).filter((name) => name.endsWith(".wasm"));
}
