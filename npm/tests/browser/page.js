// Runs the suites on this page and posts each result as it comes.

import * as ecphory from "../../dist/index.js";
import * as api from "../suite/api.js";
import * as badInput from "../suite/bad-input.js";
import * as bits from "../suite/bits.js";
import * as live from "../suite/live.js";
import * as threads from "../suite/threads.js";

const parameters = new URLSearchParams(location.search);
const page = parameters.get("page");
/** The binary that detection must choose here. */
const binary = parameters.get("expect");
const base = new URL("../../", import.meta.url);

function* configurations() {
  const [mode, simd] = binary.split("-");
  const everything = [api, live, badInput, bits.answers, bits.builds];
  const expected = { binary, runtime: "browser", threads: mode === "mt" ? 2 : 1 };
  if (mode === "mt") {
    yield { label: "2 threads", options: { threads: 2 }, expected, cancels: true, suites: everything };
    yield { label: "1 thread", options: { threads: 1 }, suites: [bits.answers, bits.builds] };
    yield { label: "threads", options: {}, suites: [threads, bits.speed] };
  } else {
    yield { label: "no threads", options: {}, expected, cancels: false, suites: everything };
  }
  if (simd === "relaxed") {
    const other = `${mode}-simd128`;
    yield { label: other, options: { binary: other }, suites: [bits.answers] };
  }
}

async function report(message) {
  const body = JSON.stringify(message);
  await fetch(`/report?page=${page}`, { method: "POST", body });
}

async function run({ label, suites, ...configuration }) {
  for (const [name, test] of suites.flatMap(({ tests }) => Object.entries(tests))) {
    const notes = [];
    const start = performance.now();
    const outcome = { name: `${label}: ${name}`, notes };
    try {
      await test({ ecphory, base, note: (text) => notes.push(text), ...configuration });
    } catch (error) {
      outcome.error = `${error?.message ?? error}\n${error?.stack ?? ""}`;
    }
    await report({ ...outcome, seconds: (performance.now() - start) / 1000 });
  }
}

try {
  await report({ capabilities: await ecphory.capabilities() });
  for (const configuration of configurations()) await run(configuration);
  await report({ done: true });
} catch (error) {
  await report({ fatal: String(error?.stack ?? error) });
}
