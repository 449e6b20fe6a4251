// An instance in a dedicated worker, so that the page never waits.

import { dead, EcphoryError, plain, revived, typed } from "./errors.js";
import { WRITES, type Arguments, type Channel, type Control, type Operation, type Result } from "./operations.js";
import type { FromWorker, ToWorker } from "./protocol.js";
import { Threads } from "./threads.js";
import type { Capabilities, Progress, RuntimeOptions } from "./types.js";

interface Pending {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  onProgress?: ((progress: Progress) => void) | undefined;
}

/** Starts a worker and in it an instance. */
export async function startWorker(script: URL, options: RuntimeOptions): Promise<Channel> {
  const channel = new WorkerChannel(script);
  try {
    await channel.start(options);
    return channel;
  } catch (error) {
    channel.close();
    throw error;
  }
}

class WorkerChannel implements Channel {
  readonly #worker: Worker;
  readonly #threads = new Threads((cause) => this.#die(cause));
  /** Calls without an answer yet; 0 is the start. */
  readonly #pending = new Map<number, Pending>();
  #last = 0;
  #capabilities: Capabilities | undefined;
  #dead: EcphoryError | undefined;

  constructor(script: URL) {
    this.#worker = new Worker(script, { type: "module", name: "ecphory" });
    this.#worker.onmessage = ({ data }: MessageEvent<FromWorker>) => this.#receive(data);
    this.#worker.onerror = ({ message }) => this.#die(message || "its script did not load");
  }

  get capabilities(): Capabilities {
    if (this.#capabilities === undefined) throw new Error("not started");
    return this.#capabilities;
  }

  get dead(): EcphoryError | undefined {
    return this.#dead;
  }

  async start({ threads, binary, assets }: RuntimeOptions): Promise<void> {
    const options = { threads, binary, assets: assets?.toString() };
    this.#capabilities = await new Promise((resolve, reject) => {
      this.#pending.set(0, { resolve: resolve as Pending["resolve"], reject });
      this.#send({ start: options });
    });
  }

  async call<K extends Operation>(
    name: K,
    args: Arguments<K>,
    { onProgress, signal, transfer = [] }: Control = {},
  ): Promise<Result<K>> {
    signal?.throwIfAborted();
    if (this.#dead !== undefined) throw this.#dead;
    const call = ++this.#last;
    const cancel = signal && flag();
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#pending.set(call, { resolve, reject, onProgress });
    });
    const progress = onProgress !== undefined;
    try {
      this.#send({ call, name, args, progress, cancel }, transfer);
    } catch (error) {
      this.#pending.delete(call);
      throw new EcphoryError("invalid-argument", `a value cannot be sent to the worker: ${String(error)}`);
    }
    return (await cancellable(answer, name, signal, cancel)) as Result<K>;
  }

  close(): void {
    this.#die("it was closed");
  }

  #send(message: ToWorker, transfer: Transferable[] = []): void {
    this.#worker.postMessage(message, transfer);
  }

  #receive(message: FromWorker): void {
    if ("spawn" in message) {
      this.#threads.start(message.count, message.spawn).then(
        () => this.#send({ spawned: undefined }),
        (error) => this.#send({ spawned: plain(typed(error)) }),
      );
      return;
    }
    const pending = this.#pending.get(message.call);
    if (pending === undefined) return;
    if ("progress" in message) {
      pending.onProgress?.(message.progress);
      return;
    }
    this.#pending.delete(message.call);
    if ("started" in message) {
      pending.resolve(message.started);
    } else if ("value" in message) {
      pending.resolve(message.value);
    } else {
      const error = revived(message.error);
      pending.reject(error);
      if (error.code === "instance-dead") this.#end(error);
    }
  }

  #die(cause: string): void {
    if (this.#dead === undefined) this.#end(dead(cause));
  }

  #end(error: EcphoryError): void {
    this.#dead = error;
    this.#worker.terminate();
    this.#threads.end();
    for (const { reject } of this.#pending.values()) reject(error);
    this.#pending.clear();
  }
}

/** A word that both sides see, where memory can be shared. */
function flag(): Int32Array | undefined {
  return globalThis.crossOriginIsolated && typeof SharedArrayBuffer !== "undefined"
    ? new Int32Array(new SharedArrayBuffer(4))
    : undefined;
}

/**
 * The answer, or the reason of an abort that comes before it. Reading operations are abandoned;
 * one that changes the index is told to stop and has the last word on whether it did.
 */
async function cancellable(
  answer: Promise<unknown>,
  name: Operation,
  signal: AbortSignal | undefined,
  cancel: Int32Array | undefined,
): Promise<unknown> {
  if (signal === undefined) return answer;
  const reads = !WRITES.includes(name);
  return new Promise((resolve, reject) => {
    const abort = () => {
      if (cancel !== undefined) Atomics.store(cancel, 0, 1);
      if (reads) reject(signal.reason);
    };
    signal.addEventListener("abort", abort);
    answer
      .then(resolve, (error: { code?: string }) => {
        reject(error.code === "cancelled" && signal.aborted ? signal.reason : error);
      })
      .finally(() => signal.removeEventListener("abort", abort));
  });
}
