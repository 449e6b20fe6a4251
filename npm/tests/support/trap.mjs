// Binaries that are whole but for one function, which traps.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import binaryen from "binaryen";

import { root } from "./places.mjs";

const SINGLE = ["st-simd128", "st-relaxed"];
const THREADED = ["mt-simd128", "mt-relaxed"];

/** What the binaries use. They do not say so, and the writer drops sections it sees no need for. */
const FEATURES = [
  "Atomics",
  "BulkMemory",
  "Multivalue",
  "MutableGlobals",
  "NontrappingFPToInt",
  "ReferenceTypes",
  "RelaxedSIMD",
  "SIMD128",
  "SignExt",
].reduce((all, name) => all | binaryen.Features[name], 0);

/** Asking an index for its memory traps. */
export const memoryTraps = () => trapping("trap", [...SINGLE, ...THREADED], "engine_memory");

/** A pool thread traps when it starts to work. */
export const threadsTrap = () => trapping("thread-trap", THREADED, "wbg_rayon_start_worker");

/** A directory, made anew, with binaries in which this export traps. */
async function trapping(directory, binaries, name) {
  const path = join(root, ".build", directory);
  await mkdir(path, { recursive: true });
  for (const binary of binaries) {
    const module = binaryen.readBinary(await readFile(join(root, "dist", `${binary}.wasm`)));
    module.setFeatures(FEATURES);
    const { value } = binaryen.getExportInfo(module.getExport(name));
    binaryen.Function(module.getFunction(value)).setBody(module.unreachable());
    await writeFile(join(path, `${binary}.wasm`), module.emitBinary());
    module.dispose();
  }
  return path;
}
