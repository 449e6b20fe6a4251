// Runs the suites in three browsers: `node tests/browsers.mjs [name …]`, all pages unless named.

import { drivers } from "./support/drivers.mjs";
import { startServer } from "./support/server.mjs";

/** Page by name: engine, isolation, and the binary that detection must choose. */
const PAGES = {
  "chromium-mt": ["chromium", "isolated", "mt-relaxed"],
  "chromium-st": ["chromium", "plain", "st-relaxed"],
  "firefox-mt": ["firefox", "isolated", "mt-relaxed"],
  "firefox-st": ["firefox", "plain", "st-relaxed"],
  // Isolated, but its memory cannot be shared with workers; no relaxed instructions.
  "webkit-st": ["webkit", "isolated", "st-simd128"],
};
/** A page that says nothing for so long is taken for hung. */
const SILENCE_MAX_SECONDS = 150;
const PAGE_MAX_SECONDS = 900;

const totals = { passed: 0, failed: 0 };
/** What to do with a page's reports. */
const listeners = new Map();

const server = await startServer((page, report) => listeners.get(page)?.(report));
try {
  const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(PAGES);
  for (const name of names) await run(name, ...PAGES[name]);
} finally {
  server.close();
}
console.log(`${totals.passed} passed, ${totals.failed} failed`);
process.exitCode = totals.failed === 0 && totals.passed > 0 ? 0 : 1;

async function run(name, engine, mode, binary) {
  console.log(`\n${name}`);
  const { finished, reported } = watch(name);
  const url = `${server.origin}/${mode}/tests/browser/index.html?page=${name}&expect=${binary}`;
  let end;
  try {
    end = await drivers[engine](url);
    await finished;
  } catch (error) {
    count(false, `the page ran to its end: ${error.message}`);
  } finally {
    listeners.delete(name);
    await end?.();
  }
  if (reported() === 0) count(false, "the page reported a test");
}

/** Counts what a page reports; `finished` settles with its last report. */
function watch(name) {
  let tests = 0;
  const finished = new Promise((resolve, reject) => {
    const hung = () => reject(new Error("it went silent"));
    let silence = setTimeout(hung, SILENCE_MAX_SECONDS * 1000);
    const deadline = setTimeout(() => reject(new Error("it took too long")), PAGE_MAX_SECONDS * 1000);
    const settle = (action) => {
      clearTimeout(silence);
      clearTimeout(deadline);
      action();
    };
    listeners.set(name, (report) => {
      clearTimeout(silence);
      silence = setTimeout(hung, SILENCE_MAX_SECONDS * 1000);
      if (report.capabilities) console.log(`  ${JSON.stringify(report.capabilities)}`);
      if (report.done) settle(resolve);
      if (report.fatal) settle(() => reject(new Error(report.fatal)));
      if (report.name) {
        tests += 1;
        show(report);
      }
    });
  });
  // An early rejection is for who awaits it later.
  finished.catch(() => {});
  return { finished, reported: () => tests };
}

function show({ name, error, notes, seconds }) {
  const time = seconds >= 1 ? ` (${seconds.toFixed(1)} s)` : "";
  count(error === undefined, `${name}${time}`);
  for (const note of notes) console.log(`         ${note}`);
  if (error !== undefined) console.log(error.replace(/^/gm, "         "));
}

function count(passed, what) {
  console.log(`  ${passed ? "ok     " : "FAILED "}${what}`);
  totals[passed ? "passed" : "failed"] += 1;
}
