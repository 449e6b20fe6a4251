// The relaxed binary, behind a flag in engines that do not have its instructions by default.

import v8 from "node:v8";

import * as bits from "../suite/bits.js";
import { register } from "../support/node.mjs";

const [major] = process.versions.node.split(".").map(Number);
if (major < 21) v8.setFlagsFromString("--experimental-wasm-relaxed-simd");

const binary = "st-relaxed";
await register(`Node, ${binary}`, [bits.answers, bits.builds], { binary, options: { binary } });
