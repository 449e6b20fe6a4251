// An instance in the caller's own thread.

import { type Host } from "./host.js";
import type { Arguments, Channel, Control, Operation, Report, Result } from "./operations.js";

export class LocalChannel implements Channel {
  readonly #host: Host;
  /** Whether an operation is on the stack: it may have called the code that asks for the next. */
  #busy = false;

  constructor(host: Host) {
    this.#host = host;
  }

  get capabilities() {
    return this.#host.capabilities;
  }

  get dead() {
    return this.#host.dead;
  }

  async call<K extends Operation>(
    name: K,
    args: Arguments<K>,
    { onProgress, signal }: Control = {},
  ): Promise<Result<K>> {
    // One at a time, as in a worker: an operation ends before any promise goes on.
    while (this.#busy) await undefined;
    signal?.throwIfAborted();
    // What the caller's function throws ends the operation and is what the caller gets.
    let thrown: { reason: unknown } | undefined;
    const report: Report = (progress) => {
      try {
        onProgress?.(progress);
      } catch (reason) {
        thrown = { reason };
      }
      return thrown === undefined && !signal?.aborted;
    };
    this.#busy = true;
    try {
      return this.#host.run(name, args, report);
    } catch (error) {
      if (thrown !== undefined) throw thrown.reason;
      if ((error as { code?: string }).code === "cancelled") signal?.throwIfAborted();
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  close(): void {
    // The instance goes with its last reference.
  }
}
