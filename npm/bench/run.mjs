// Runs the benchmark page: `npm run bench [-- --rounds N] [--native FILE] [--json] [--serve]`.
//
//   --rounds N         how often everything is repeated (3)
//   --native FILE      the native `ecphory` command, measured in the same rounds
//   --json             prints the results as one JSON value instead of a table
//   --phase-seconds N  the longest that one step, such as a build, may take (180)
//   --serve            serves the page until interrupted, for any browser, instead of opening one
//
// Progress goes to standard error, results to standard output; results.json and queries.svg are
// written to target/bench-web/. Fails if a step does.

import { execFile } from "node:child_process";
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs, promisify } from "node:util";

import { drivers } from "../tests/support/drivers.mjs";
import { root, target } from "../tests/support/places.mjs";
import { serve } from "../tests/support/server.mjs";
import { picture, table } from "./report.js";

const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "3" },
    native: { type: "string" },
    json: { type: "boolean", default: false },
    "phase-seconds": { type: "string", default: "180" },
    serve: { type: "boolean", default: false },
  },
});
const rounds = count("rounds");
const phaseSeconds = count("phase-seconds");

/** A step of the page that took longer than it may. */
class Overdue extends Error {
  name = "Overdue";

  constructor(phase) {
    const advice = "on a slow or busy machine, allow more by --phase-seconds";
    super(`"${phase}" is not done after ${phaseSeconds} seconds; ${advice}`);
  }
}

const words20k = resolve(root, "../tests/fixtures/words20k");
/** One round of the native command: one thread, the instructions that nearly every server has. */
async function native() {
  if (options.native === undefined) throw new Error("no native command was given");
  const { stdout } = await promisify(execFile)(options.native, [
    ...["bench", "--json", "--isa", "avx2", "--threads", "1", "--metric", "cosine"],
    ...["--recall", "0.99", "--repeat", "4"],
    ...["--base", join(words20k, "words20k-384.i8.npy")],
    ...["--queries", join(words20k, "words20k-queries-384.f16.npy")],
  ], { timeout: phaseSeconds * 1000 });
  return JSON.parse(stdout);
}

let deadline;
let finish;
const result = new Promise((resolve, reject) => (finish = { resolve, reject }));
// It may fail before anyone waits for it.
result.catch(() => {});

/** A step has begun. */
function begin(phase) {
  clearTimeout(deadline);
  const seconds = (performance.now() / 1000).toFixed(0).padStart(4);
  console.error(`${seconds} s  ${phase}`);
  if (!options.serve) deadline = setTimeout(() => finish.reject(new Overdue(phase)), phaseSeconds * 1000);
}

/** A path was asked for in vain: a page that cannot load its parts cannot say so itself. */
function onMissing(path) {
  // Browsers ask for other things by themselves.
  if (!path.startsWith("/isolated/")) return;
  const advice = "`cargo xtask setup` installs packages, `cargo xtask npm` builds dist/";
  finish.reject(new Error(`the page needs ${path}, which is not there; ${advice}`));
}

function onReport(_, { now, fatal, result }) {
  if (now) begin(now);
  if (fatal) finish.reject(new Error(fatal));
  if (result) finish.resolve(result);
}

const server = await serve(
  {
    bench: join(root, "bench"),
    dist: join(root, "dist"),
    hnswlib: join(root, "node_modules/hnswlib-wasm/dist"),
    words20k,
  },
  { "/report": onReport, ...(options.native && { "/native": native }) },
  onMissing,
);
const url = `${server.origin}/isolated/bench/index.html?rounds=${rounds}${options.native ? "&native" : ""}`;
let end;
try {
  begin(options.serve ? `open ${url}` : "opening the page");
  if (!options.serve) end = await drivers.chromium(url);
  await report(await result);
} catch (error) {
  console.error(`${error.name}: ${error.message}`);
  process.exitCode = 1;
} finally {
  clearTimeout(deadline);
  await end?.();
  server.close();
}

async function report(result) {
  const claimed = result.ratios.filter(({ id }) => id !== undefined);
  const ratio = Object.fromEntries(claimed.map(({ id, value }) => [id, value]));
  const text = JSON.stringify({ ...result, ratio }, null, 1);
  const folder = join(target, "bench-web");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "results.json"), `${text}\n`);
  await writeFile(join(folder, "queries.svg"), picture(result));
  if (options.json) {
    console.log(text);
  } else {
    console.log(`\n${result.browser.agent}, medians of ${result.rounds.length} rounds\n`);
    console.log(table(result));
  }
  console.error(`\nwritten to ${folder}`);
}

/** An option that is a whole number from 1 on. */
function count(name) {
  const value = Number(options[name]);
  if (!(Number.isInteger(value) && value >= 1)) throw new Error(`--${name} ${options[name]} is no count`);
  return value;
}
