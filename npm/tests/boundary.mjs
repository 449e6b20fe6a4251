// Every public method of the package with values of every kind, as Node runs it: each cell of the
// matrix is a typed error or the documented answer, and leaves an index that answers as before.
//
//   node tests/boundary.mjs          prints `N cells, M fail` and what fails
//   node tests/boundary.mjs --json   prints {"cells":N,"failed":[…]}
//
// The cells run in a thread of their own, so that one that never ends is named.

import { Worker, isMainThread, parentPort } from "node:worker_threads";
import { fileURLToPath } from "node:url";

/** How long a cell may take before it counts as one that never ends. */
const CELL_MAX_MS = 120_000;

/** Runs the matrix in this thread and says which cell comes next. */
async function cells() {
  const { matrices } = await import("./support/matrix.mjs");
  let current = "start";
  const stray = (reason) => parentPort.postMessage({ failed: `${current}: an unhandled rejection: ${reason}` });
  process.on("unhandledRejection", stray);
  for await (const matrix of matrices()) {
    for (const cell of matrix.cells()) {
      current = cell.name;
      parentPort.postMessage({ begun: cell.name });
      const failed = await matrix.judge(cell);
      if (failed !== undefined) parentPort.postMessage({ failed: `${cell.name}: ${failed}` });
    }
    await matrix.close();
  }
  // Rejections that nobody handles are told of after the promises that are done.
  await new Promise((resolve) => setTimeout(resolve, 10));
  parentPort.postMessage({ done: true });
}

/** Runs the matrix in a thread; what it found. */
async function watched() {
  const worker = new Worker(fileURLToPath(import.meta.url));
  const failed = [];
  let [count, current, timer] = [0, "the start", undefined];
  await new Promise((resolve) => {
    const end = (reason) => {
      failed.push(`${current}: ${reason}`);
      resolve();
    };
    const watch = () => {
      clearTimeout(timer);
      timer = setTimeout(() => end("it does not end"), CELL_MAX_MS);
    };
    watch();
    worker.on("message", (message) => {
      watch();
      if ("begun" in message) [count, current] = [count + 1, message.begun];
      else if ("failed" in message) failed.push(message.failed);
      else resolve();
    });
    worker.on("error", (error) => end(`the thread ended: ${error?.stack ?? error}`));
    worker.on("exit", () => end("the thread ended"));
  });
  clearTimeout(timer);
  worker.removeAllListeners();
  await worker.terminate();
  return { cells: count, failed };
}

async function main() {
  const found = await watched();
  if (process.argv.includes("--json")) {
    console.log(JSON.stringify(found));
    return;
  }
  for (const cell of found.failed) console.log(`  ${cell}`);
  console.log(`${found.cells} cells, ${found.failed.length} fail`);
  process.exitCode = found.failed.length > 0 ? 1 : 0;
}

await (isMainThread ? main() : cells());
