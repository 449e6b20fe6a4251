// The matrix of every public method and every kind of value, as one test.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

import { root } from "../support/places.mjs";

test("every value is answered or refused by every method, and changes nothing else", async (t) => {
  const options = { maxBuffer: 2 ** 26 };
  const { stdout } = await promisify(execFile)(process.execPath, [join(root, "tests/boundary.mjs"), "--json"], options);
  const { cells, failed } = JSON.parse(stdout);
  t.diagnostic(`${cells} cells`);
  assert.ok(cells > 5_000, `${cells} cells`);
  assert.deepEqual(failed, []);
});
