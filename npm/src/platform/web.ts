// Browsers: instances run in a worker, files come over the network.

import { choose, detect } from "../detect.js";
import { fetched } from "../fetch.js";
import type { Platform } from "../operations.js";
import { startWorker } from "../remote.js";

export const platform: Platform = {
  start: (options) => {
    // One literal expression, which bundlers recognise.
    const worker = new URL("./worker.js", import.meta.url);
    return startWorker(worker, options);
  },
  read: fetched,
  capabilities: (options) => choose(options, detect("browser")),
  base: () => globalThis.location?.href ?? import.meta.url,
};
