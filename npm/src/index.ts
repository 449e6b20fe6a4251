/**
 * Approximate nearest-neighbour search in the browser and in Node.
 *
 * ```ts
 * const index = await Index.create({ dimensions: 2 });
 * await index.upsertMany([7, 8], Float32Array.of(1, 0, 0, 1));
 * const [nearest] = await index.search([0.9, 0.1], { k: 1 });
 * ```
 *
 * @module
 */

import { platform } from "ecphory-platform";

import { EcphoryError } from "./errors.js";
import { body } from "./fetch.js";
import * as input from "./input.js";
import { Instances, type Lease } from "./instances.js";
import type { Arguments, Control, Opened, Operation, Result } from "./operations.js";
import type {
  BatchHits,
  Capabilities,
  Hit,
  IndexOptions,
  RuntimeOptions,
  SearchOptions,
  SnapshotSource,
  Stats,
  TuneOptions,
  Tuning,
  UpsertOptions,
  Vectors,
} from "./types.js";

export { EcphoryError } from "./errors.js";
export type * from "./types.js";

const K_DEFAULT = 10;

const instances = new Instances((options) => platform.start(options));

/** What an instance would be, with these options, here: nothing is started. */
export async function capabilities(options: RuntimeOptions = {}): Promise<Capabilities> {
  return platform.capabilities(options);
}

/**
 * One index. In browsers it lives in a worker that this package owns, so that no call blocks the
 * page; in Node it lives in the caller's thread. Every rejection with an `EcphoryError` leaves the
 * index as it was, unless the error says otherwise.
 */
export class Index implements AsyncDisposable {
  readonly #lease: Lease;
  readonly #opened: Opened;
  #closed = false;

  private constructor(lease: Lease, opened: Opened) {
    this.#lease = lease;
    this.#opened = opened;
  }

  /** An empty index. */
  static async create(options: IndexOptions & RuntimeOptions): Promise<Index> {
    const checked = input.indexOptions(options);
    return Index.#open(options, "create", [checked]);
  }

  /** The index in a snapshot, however it was built: the same file gives the same answers. */
  static async load(source: SnapshotSource, options: RuntimeOptions = {}): Promise<Index> {
    const given = input.bytes(source);
    const bytes = given ?? (await read(source as string | URL | Response));
    // What was fetched here is nobody else's, so that it moves instead of being copied.
    const transfer = given === undefined ? [bytes.buffer as ArrayBuffer] : [];
    return Index.#open(options, "load", [bytes], { transfer });
  }

  static async #open<K extends "create" | "load">(
    options: RuntimeOptions,
    name: K,
    args: Arguments<K>,
    control?: Control,
  ): Promise<Index> {
    const lease = await instances.lease(options);
    try {
      return new Index(lease, await lease.channel.call(name, args, control));
    } catch (error) {
      lease.release();
      throw error;
    }
  }

  /** Components of a vector. */
  get dimensions(): number {
    return this.#opened.dimensions;
  }

  /** What the index runs on, and why. */
  get capabilities(): Capabilities {
    return this.#lease.channel.capabilities;
  }

  /**
   * Adds items. The first call on an empty index builds it in one go, on all threads; later calls
   * add item by item. An id that is already in the index is an error.
   */
  async upsertMany(ids: ArrayLike<number>, vectors: Vectors, options: UpsertOptions = {}): Promise<void> {
    const keys = input.ids(ids);
    const flat = input.vectors(vectors, this.dimensions);
    if (keys.length === 0 && flat.length === 0) return;
    await this.#call("upsert", [keys, flat], options);
  }

  /**
   * Measures which searches reach which recall, so that they can ask for it. The tuning goes with
   * the index into its snapshots.
   */
  async tune(options: TuneOptions = {}): Promise<Tuning> {
    const { samples } = options;
    const flat = samples === undefined ? undefined : input.vectors(samples, this.dimensions);
    return this.#call("tune", flat === undefined ? [] : [flat], options);
  }

  /** The `k` nearest items, nearest first; equal distances come in the order of ids. */
  async search(query: ArrayLike<number>, options: SearchOptions = {}): Promise<Hit[]> {
    const vector = input.vector(query, this.dimensions);
    const [ids, distances] = await this.#call("search", [vector, ...effort(options)], options);
    return Array.from(ids, (id, at) => ({ id, distance: distances[at] as number }));
  }

  /** The `k` nearest items of each query, on all threads. */
  async searchBatch(queries: Vectors, options: SearchOptions = {}): Promise<BatchHits> {
    const flat = input.vectors(queries, this.dimensions);
    const how = effort(options);
    const [ids, distances] = await this.#call("searchBatch", [flat, ...how], options);
    return { ids, distances, k: how[0] };
  }

  /** The index as a snapshot: bytes that `Index.load`, and the other ecphory tools, read. */
  async export(): Promise<Uint8Array> {
    return this.#call("export", []);
  }

  /** What the index holds and what it runs on. */
  async stats(): Promise<Stats> {
    return { ...(await this.#call("stats", [])), capabilities: this.capabilities };
  }

  /** Frees the index. Closing twice is fine; every other call fails afterwards. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    const { channel, release } = this.#lease;
    try {
      if (channel.dead === undefined) await channel.call("close", [this.#opened.handle]);
    } finally {
      release();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #call<K extends Exclude<Operation, "create" | "load">>(
    name: K,
    args: Tail<Arguments<K>>,
    control?: Control,
  ): Promise<Result<K>> {
    if (this.#closed) throw new EcphoryError("closed", "the index was closed");
    const all = [this.#opened.handle, ...args] as unknown as Arguments<K>;
    return this.#lease.channel.call(name, all, control);
  }
}

type Tail<T extends unknown[]> = T extends [unknown, ...infer Rest] ? Rest : never;

type Effort = [k: number, ef: number | undefined, recall: number | undefined];

function effort({ k = K_DEFAULT, ef, recall }: SearchOptions): Effort {
  if (ef !== undefined && recall !== undefined) {
    throw input.invalid("ef and recall are two ways to say the same; pass one of them");
  }
  return [input.count("k", k), input.optionalCount("ef", ef), input.optionalNumber("recall", recall)];
}

async function read(source: string | URL | Response): Promise<Uint8Array> {
  if (typeof Response !== "undefined" && source instanceof Response) return body(source);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw input.invalid("a snapshot is given as bytes, a URL or a Response");
  }
  let location: URL;
  try {
    location = new URL(source, platform.base());
  } catch {
    throw input.invalid(`${String(source)} is not an address`);
  }
  return platform.read(location);
}
