// Runs the benchmark page: `npm run bench [-- --rounds N] [--native FILE] [--serve]`.
//
//   --rounds N     how often everything is repeated (3)
//   --native FILE  the native `ecphory` command, measured in the same rounds
//   --serve        serves the page until interrupted, for any browser, instead of opening one
//
// Prints the table; writes results.json and queries.svg to target/bench-web/.

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
    serve: { type: "boolean", default: false },
  },
});
const rounds = Number(options.rounds);
if (!(Number.isInteger(rounds) && rounds >= 1)) throw new Error(`--rounds ${options.rounds} is no count`);

const words20k = resolve(root, "../tests/fixtures/words20k");
/** A page that says nothing for so long is taken for hung. */
const SILENCE_MAX_SECONDS = 300;

/** One round of the native command: one thread, the instructions that nearly every server has. */
async function native() {
  if (options.native === undefined) throw new Error("no native command was given");
  const { stdout } = await promisify(execFile)(options.native, [
    ...["bench", "--json", "--isa", "avx2", "--threads", "1", "--metric", "cosine"],
    ...["--recall", "0.99", "--repeat", "8"],
    ...["--base", join(words20k, "words20k-384.i8.npy")],
    ...["--queries", join(words20k, "words20k-queries-384.f16.npy")],
  ]);
  return JSON.parse(stdout);
}

let silence;
let finish;
const result = new Promise((resolve, reject) => (finish = { resolve, reject }));
function listen() {
  clearTimeout(silence);
  const hung = () => finish.reject(new Error("the page went silent"));
  if (!options.serve) silence = setTimeout(hung, SILENCE_MAX_SECONDS * 1000);
}

function onReport(_, { now, fatal, result }) {
  listen();
  if (now) console.log(now);
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
);
const url = `${server.origin}/isolated/bench/index.html?rounds=${rounds}`;
let end;
try {
  if (options.serve) console.log(`open ${url}`);
  else end = await drivers.chromium(url);
  listen();
  await report(await result);
} finally {
  clearTimeout(silence);
  await end?.();
  server.close();
}

async function report(result) {
  const folder = join(target, "bench-web");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "results.json"), `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(join(folder, "queries.svg"), picture(result));
  console.log(`\n${result.browser.agent}, medians of ${result.rounds.length} rounds\n`);
  console.log(table(result));
  console.log(`\nwritten to ${folder}`);
}
