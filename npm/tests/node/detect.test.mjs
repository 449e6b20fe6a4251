// The choice of a binary, for engines that are not here to be asked.

import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { buildSync } from "esbuild";

import { root } from "../support/places.mjs";

const outdir = join(root, ".build", "modules");
buildSync({
  entryPoints: ["detect", "memory"].map((name) => join(root, "src", `${name}.ts`)),
  outdir,
  bundle: true,
  format: "esm",
  outExtension: { ".js": ".mjs" },
});
const load = (name) => import(pathToFileURL(join(outdir, `${name}.mjs`)).href);
const { choose } = await load("detect");
const { sharedMemory } = await load("memory");

const able = { runtime: "browser", simd: true, relaxedSimd: true, threadsRefused: undefined, processors: 8 };
const chosen = (options, environment = {}) => {
  const { binary, threads, threadsReason } = choose(options, { ...able, ...environment });
  return [binary, threads, threadsReason];
};
const code = (expected) => (error) => error.code === expected;

test("an able engine gets threads and relaxed instructions", () => {
  assert.deepEqual(chosen({}), ["mt-relaxed", 8, undefined]);
  assert.deepEqual(chosen({ threads: 3 }), ["mt-relaxed", 3, undefined]);
  assert.deepEqual(chosen({}, { relaxedSimd: false }), ["mt-simd128", 8, undefined]);
  assert.deepEqual(chosen({}, { processors: 64 }), ["mt-relaxed", 16, undefined]);
});

test("what is missing is worked around and named", () => {
  assert.deepEqual(chosen({}, { threadsRefused: "no" }), ["st-relaxed", 1, "no"]);
  assert.deepEqual(chosen({ threads: 4 }, { threadsRefused: "no" }), ["st-relaxed", 1, "no"]);
  assert.equal(chosen({ threads: false })[0], "st-relaxed");
  assert.deepEqual(chosen({}, { processors: 1 }), ["st-relaxed", 1, "there is one processor"]);
  assert.deepEqual(chosen({ threads: 1 }, { processors: 1 }), ["mt-relaxed", 1, undefined]);
});

test("a binary that was asked for is used or refused", () => {
  assert.equal(chosen({ binary: "st-simd128" })[0], "st-simd128");
  assert.equal(chosen({ binary: "mt-simd128" })[0], "mt-simd128");
  assert.throws(() => chosen({ binary: "mt-simd128" }, { threadsRefused: "no" }), code("unsupported"));
  assert.throws(() => chosen({ binary: "st-relaxed" }, { relaxedSimd: false }), code("unsupported"));
  assert.throws(() => chosen({}, { simd: false }), code("unsupported"));
  assert.throws(() => chosen({ binary: "x" }), code("unknown-name"));
});

test("shared memory is as large as the engine grants", () => {
  const granting = (limit) =>
    class {
      constructor({ maximum }) {
        if (maximum > limit) throw new RangeError("too large");
      }
    };
  const bytesMax = (limit) => sharedMemory(20, granting(limit))?.bytesMax;
  assert.equal(bytesMax(65_536), 4 * 2 ** 30);
  assert.equal(bytesMax(65_535), 2 ** 30);
  assert.equal(bytesMax(8_192), 512 * 2 ** 20);
  assert.equal(bytesMax(4_096), 256 * 2 ** 20);
  assert.equal(bytesMax(4_095), undefined);
});
