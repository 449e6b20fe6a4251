// The threads of a shared instance, which the page starts and ends.
//
//   page ── starts ──► worker (instance, wants a pool)
//    │  ◄── spawn ──────┘
//    └── starts ──► threads ── started ──► page ── spawned ──► worker (builds its pool)
//
// wasm-bindgen-rayon brings a script that does so inside the worker, where each thread imports the
// module that started it. Here each thread has an entry of its own, so that no bundler sees a cycle,
// and is no worker of a worker, which Firefox now and then fails to start at all.

import { EcphoryError } from "./errors.js";

/** What a thread gets to begin with. */
export interface ThreadStart {
  module: WebAssembly.Module;
  memory: WebAssembly.Memory;
  /** Address at which the thread waits for its work. */
  receiver: number;
}

/** From a thread: it waits for work, or it will never work again. */
export type FromThread = { started: true } | { died: string };

/** How long all threads may take to start before the instance goes on without them. */
const START_MAX_MS = 20_000;

/** Starts `count` threads, and calls `onDeath` if one of them dies later. */
export class Threads {
  readonly #workers: Worker[] = [];
  readonly #onDeath: (cause: string) => void;

  constructor(onDeath: (cause: string) => void) {
    this.#onDeath = onDeath;
  }

  /** Resolves when all of them are about to wait for work. */
  async start(count: number, begin: ThreadStart): Promise<void> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      const error = new EcphoryError("unsupported", "threads did not start in time");
      timer = setTimeout(() => reject(error), START_MAX_MS);
    });
    try {
      await Promise.race([Promise.all(Array.from({ length: count }, () => this.#one(begin))), late]);
    } catch (error) {
      this.end();
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  end(): void {
    for (const worker of this.#workers.splice(0)) worker.terminate();
  }

  #one(begin: ThreadStart): Promise<void> {
    return new Promise((resolve, reject) => {
      const thread = new Worker(new URL("./thread.js", import.meta.url), { type: "module" });
      this.#workers.push(thread);
      thread.onmessage = ({ data }: MessageEvent<FromThread>) => {
        if ("started" in data) resolve();
        else this.#onDeath(`a thread: ${data.died}`);
      };
      thread.onerror = ({ message }) => {
        reject(new EcphoryError("fetch-failed", `a thread did not start: ${message || "no script"}`));
      };
      thread.postMessage(begin);
    });
  }
}
