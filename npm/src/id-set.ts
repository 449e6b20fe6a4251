// Sets of ids that an instance keeps for the searches of an index.

import { EcphoryError } from "./errors.js";
import { invalid } from "./input.js";
import type { SetHandle } from "./operations.js";
import type { IdSet } from "./types.js";

export class PreparedIds implements IdSet {
  readonly #owner: object;
  readonly #handle: SetHandle;
  readonly #free: () => Promise<void>;
  #closed = false;

  /** `free` ends what `handle` names in the instance of `owner`, the index. */
  constructor(owner: object, handle: SetHandle, free: () => Promise<void>) {
    this.#owner = owner;
    this.#handle = handle;
    this.#free = free;
  }

  /** The handle, for searches of `index`. */
  handleIn(index: object): SetHandle {
    if (this.#owner !== index) throw invalid("the set of ids was made by another index");
    if (this.#closed) throw new EcphoryError("closed", "the set of ids was closed");
    return this.#handle;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#free();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
