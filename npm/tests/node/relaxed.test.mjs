// The relaxed binary, where this Node has its instructions; where not, that it is refused.
//
// Node 20 has them behind a flag, but gives wrong sums with it: being asked is the only way to it,
// and it is never detected there.

import { test } from "node:test";

import { refused } from "../suite/assert.js";
import * as bits from "../suite/bits.js";
import { register } from "../support/node.mjs";

const ecphory = await import("../../dist/node.js");
const { relaxedSimd } = await ecphory.capabilities();
const binary = "st-relaxed";

if (relaxedSimd) {
  await register(`Node, ${binary}`, [bits.answers, bits.builds], { binary, options: { binary } });
} else {
  test(`Node ${process.version} has no relaxed instructions and refuses ${binary}`, async () => {
    await refused(ecphory, "unsupported", () => ecphory.Index.create({ dimensions: 2, binary }));
  });
}
