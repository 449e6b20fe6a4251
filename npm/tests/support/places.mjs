// Where things are.

import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

/** The npm package. */
export const root = resolve(dirname(fileURLToPath(import.meta.url)), "../..");

/** What builds and tests leave behind. */
export const target = resolve(process.env.CARGO_TARGET_DIR ?? join(root, "../target"));

/** Files of the Rust test `bits`. */
export const bits = join(target, "bits");
