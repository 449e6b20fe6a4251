// Messages between a page and the worker that it owns.

import type { PlainError } from "./errors.js";
import type { Arguments, Operation, Result } from "./operations.js";
import type { Capabilities, RuntimeOptions, UpsertProgress } from "./types.js";

/** From the page. The first message is `start`; all others are calls. */
export type ToWorker = Start | Call<Operation>;

export interface Start {
  start: RuntimeOptions;
  /** Name of the broadcast channel on which a pool thread says that it died. */
  deaths: string;
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

/** From the worker. `call` is 0 for the answer to `start`. */
export type FromWorker =
  | { call: 0; started: Capabilities }
  | { call: number; value: Result<Operation> }
  | { call: number; error: PlainError }
  | { call: number; progress: UpsertProgress };
