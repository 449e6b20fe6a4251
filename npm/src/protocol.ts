// Messages between a page and the worker that it owns.

import type { PlainError } from "./errors.js";
import type { Arguments, Operation, Result } from "./operations.js";
import type { ThreadStart } from "./threads.js";
import type { Capabilities, Progress, RuntimeOptions } from "./types.js";

/** From the page. The first message is `start`. */
export type ToWorker = { start: RuntimeOptions } | Spawned | Call<Operation>;

/** The answer to `spawn`: the threads wait for work, or why there are none. */
export interface Spawned {
  spawned: PlainError | undefined;
}

export interface Call<K extends Operation> {
  call: number;
  name: K;
  args: Arguments<K>;
  /** Whether the page wants to know how far it is. */
  progress: boolean;
  /** Becomes 1 to cancel; exists where memory can be shared. */
  cancel?: Int32Array | undefined;
}

/** From the worker. `call` is 0 for the answer to `start`, during which it may ask for threads. */
export type FromWorker =
  | { spawn: ThreadStart; count: number }
  | { call: 0; started: Capabilities }
  | { call: number; value: Result<Operation> }
  | { call: number; error: PlainError }
  | { call: number; progress: Progress };
