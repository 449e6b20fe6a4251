// Starting the threads of a shared instance, in place of the script that wasm-bindgen-rayon brings.
//
// That script makes each thread import the module that started it; this one gives each thread an
// entry of its own, so that no bundler sees a cycle.

import { EcphoryError } from "./errors.js";
import type { StartWorkers } from "./glue.js";

/** What a thread gets to begin with. */
export interface ThreadStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Address at which the thread waits for its work. */
  receiver: number;
  /** Where to say that it died. */
  deaths: string;
}

/** Starts threads that report their death on the broadcast channel `deaths`. */
export function poolStarter(deaths: string): StartWorkers {
  // A thread whose `Worker` nobody refers to may be collected while it runs.
  const threads: Worker[] = [];
  return async (module, memory, builder) => {
    const begin: ThreadStart = { module, memory, receiver: builder.receiver(), deaths };
    const starts = Array.from({ length: builder.numThreads() }, () => {
      const thread = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
      threads.push(thread);
      return started(thread, begin);
    });
    try {
      await Promise.all(starts);
    } catch (error) {
      for (const thread of threads) thread.terminate();
      throw error;
    }
    builder.build();
  };
}

/** Resolves when the thread is about to wait for work. */
function started(thread: Worker, begin: ThreadStart): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.onmessage = () => resolve();
    thread.onerror = ({ message }) => {
      reject(new EcphoryError("fetch-failed", `a thread did not start: ${message || "no script"}`));
    };
    thread.postMessage(begin);
  });
}
