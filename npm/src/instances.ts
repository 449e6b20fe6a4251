// Which indexes share an instance: those with equal options, while any of them is open.

import type { Channel } from "./operations.js";
import type { RuntimeOptions } from "./types.js";

interface Shared {
  channel: Promise<Channel>;
  users: number;
}

/** A claim on an instance, to be given back once. */
export interface Lease {
  channel: Channel;
  release(): void;
}

export class Instances {
  readonly #start: (options: RuntimeOptions) => Promise<Channel>;
  readonly #shared = new Map<string, Shared>();

  constructor(start: (options: RuntimeOptions) => Promise<Channel>) {
    this.#start = start;
  }

  /** The running instance for these options, or a new one where there is none alive. */
  async lease(options: RuntimeOptions): Promise<Lease> {
    const { threads, binary, assets } = options;
    const key = JSON.stringify([threads, binary, assets?.toString()]);
    const known = this.#shared.get(key);
    const shared = known ?? { channel: this.#start(options), users: 0 };
    this.#shared.set(key, shared);
    shared.users += 1;
    const forget = () => {
      if (this.#shared.get(key) === shared) this.#shared.delete(key);
    };
    try {
      const channel = await shared.channel;
      if (channel.dead === undefined) return { channel, release: once(() => this.#release(shared, forget)) };
    } catch (error) {
      forget();
      throw error;
    }
    forget();
    return this.lease(options);
  }

  /** The last user gives the instance's memory back. */
  #release(shared: Shared, forget: () => void): void {
    shared.users -= 1;
    if (shared.users > 0) return;
    forget();
    void shared.channel.then((channel) => channel.close());
  }
}

function once(action: () => void): () => void {
  let done = false;
  return () => {
    if (!done) action();
    done = true;
  };
}
