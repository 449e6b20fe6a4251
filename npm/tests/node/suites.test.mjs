// The suites with the binary that this Node detects.

import * as api from "../suite/api.js";
import * as badInput from "../suite/bad-input.js";
import * as bits from "../suite/bits.js";
import * as live from "../suite/live.js";
import { register } from "../support/node.mjs";

const { capabilities } = await import("../../dist/node.js");
const { binary } = await capabilities();

await register(`Node, ${binary}`, [api, live, badInput, bits.answers, bits.builds], {
  binary,
  options: {},
  cancels: true,
});
