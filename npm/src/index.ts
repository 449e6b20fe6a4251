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
import { PreparedIds } from "./id-set.js";
import * as input from "./input.js";
import { Instances, type Lease } from "./instances.js";
import type { Arguments, Control, Opened, Operation, Result, Sought } from "./operations.js";
import type {
  BatchHits,
  BatchOptions,
  Capabilities,
  DeleteOptions,
  Hit,
  Id,
  Ids,
  IdSet,
  IndexOptions,
  Item,
  Kept,
  RuntimeOptions,
  SearchOptions,
  SnapshotSource,
  Stats,
  TagOptions,
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
  return platform.capabilities(input.runtimeOptions(options, platform.base));
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
    return Index.#open(input.runtimeOptions(options, platform.base), "create", [checked]);
  }

  /** The index in a snapshot, however it was built: the same file gives the same answers. */
  static async load(source: SnapshotSource, options: RuntimeOptions = {}): Promise<Index> {
    const runtime = input.runtimeOptions(options, platform.base);
    const given = input.bytes(source);
    const bytes = given ?? (await read(source as string | URL | Response));
    // What was fetched here is nobody else's, so that it moves instead of being copied.
    const transfer = given === undefined ? [bytes.buffer as ArrayBuffer] : [];
    return Index.#open(runtime, "load", [bytes], { transfer });
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
   * Puts items: adds those whose id is new, and puts those that are there anew, with this vector and
   * the name they had, but without tags and payload. Answers how many were there. The first call on an empty index builds it in one go, on all threads;
   * later calls put item by item.
   *
   * Ids and vectors are all checked first, so that a call which is refused for one of them changes
   * nothing; so does a call that fails on an empty index, for whatever reason. Later calls can end
   * midway when they are cancelled, when there is no room (`out-of-memory`, `full`, `overloaded`)
   * and, with `rows: "codes"`, at a vector outside the range of the codes (`code-range`): the error
   * says how many items were put before, and no item is ever half put.
   */
  async upsertMany(ids: Ids, vectors: Vectors, options: UpsertOptions = {}): Promise<number> {
    const control = input.options(options);
    const keys = input.ids(ids);
    const flat = input.vectors(vectors, this.dimensions);
    return this.#call("upsert", [keys, flat], control);
  }

  /**
   * Puts an item with all that it has, in place of one with the same id or name; whether there was
   * one. A call that is refused changes nothing.
   */
  async put(item: Item): Promise<boolean> {
    return this.#call("put", [input.item(item, this.dimensions)]);
  }

  /** Deletes an item; `false` if there is none with this id or name. */
  async delete(id: Id): Promise<boolean> {
    return (await this.#call("delete", [input.idOrName(id)])) > 0;
  }

  /**
   * Deletes items; answers how many of the ids had one. A call with something that is no id deletes
   * nothing; one that is cancelled midway says how many ids came before.
   */
  async deleteMany(ids: Ids, options: DeleteOptions = {}): Promise<number> {
    const control = input.options(options);
    return this.#call("delete", [input.ids(ids)], control);
  }

  /** Whether there is an item with this id or name. */
  async has(id: Id): Promise<boolean> {
    return this.#call("has", [input.idOrName(id)]);
  }

  /** The vector of an item as it is kept (see `Rows`), or `undefined` if there is no such item. */
  async get(id: Id): Promise<Float32Array | undefined> {
    return this.#call("get", [input.idOrName(id)]);
  }

  /** All that an item has, or `undefined` if there is none with this id or name. */
  async item(id: Id): Promise<Kept | undefined> {
    return this.#call("item", [input.idOrName(id)]);
  }

  /** Gives items a tag; answers how many of the ids have an item, one that is there twice twice. */
  async tag(ids: Ids | Id, tag: string, options: TagOptions = {}): Promise<number> {
    const control = input.options(options);
    return this.#call("tag", [input.someIds(ids), input.tag(tag), true], control);
  }

  /** Takes a tag from items; answers how many of them had it. */
  async untag(ids: Ids | Id, tag: string, options: TagOptions = {}): Promise<number> {
    const control = input.options(options);
    return this.#call("tag", [input.someIds(ids), input.tag(tag), false], control);
  }

  /** All tags in the order of their names, each with the number of items that have it. */
  async allTags(): Promise<Map<string, number>> {
    const flat = await this.#call("allTags", []);
    const all = new Map<string, number>();
    for (let at = 0; at < flat.length; at += 2) all.set(flat[at] as string, flat[at + 1] as number);
    return all;
  }

  /** The ids of the items with these tags (see `where`), in ascending order. */
  async idsWhere(filter: string): Promise<Float64Array> {
    return this.#call("idsWhere", [input.filter(filter)]);
  }

  /** The ids of all items, in ascending order. */
  async ids(): Promise<Float64Array> {
    return this.#call("ids", []);
  }

  /** Number of items. */
  async size(): Promise<number> {
    return (await this.#call("stats", [])).size;
  }

  /**
   * Measures which searches reach which recall, so that they can ask for it. The tuning goes with
   * the index into its snapshots.
   */
  async tune(options: TuneOptions = {}): Promise<Tuning> {
    const { samples } = input.options(options);
    const flat = samples === undefined ? undefined : input.vectors(samples, this.dimensions);
    return this.#call("tune", flat === undefined ? [] : [flat], options);
  }

  /** The `k` nearest items, nearest first; equal distances come in the order of ids. */
  async search(query: ArrayLike<number>, options: SearchOptions = {}): Promise<Hit[]> {
    const sought = effort(input.options(options));
    const { maxDistance, among, where } = options;
    if (among !== undefined && where !== undefined) {
      throw input.invalid("pass among or where, not both");
    }
    sought.maxDistance = input.optionalDistance("maxDistance", maxDistance);
    if (among !== undefined) sought.among = this.#set(among);
    if (where !== undefined) sought.where = input.filter(where);
    const vector = input.vector(query, this.dimensions);
    const [ids, distances] = await this.#call("search", [vector, sought], options);
    return Array.from(ids, (id, at) => ({ id, distance: distances[at] as number }));
  }

  /** The `k` nearest items of each query, on all threads. */
  async searchBatch(queries: Vectors, options: BatchOptions = {}): Promise<BatchHits> {
    const sought = effort(input.options(options));
    const { among, where, maxDistance } = options as SearchOptions;
    if (among !== undefined || where !== undefined || maxDistance !== undefined) {
      throw input.invalid("a batch finds k of all items for each query; pass among, where and maxDistance to search");
    }
    const flat = input.vectors(queries, this.dimensions);
    const [ids, distances] = await this.#call("searchBatch", [flat, sought], options);
    return { ids, distances, k: sought.k };
  }

  /** Prepares ids for many searches `among` them. */
  async idSet(ids: Ids): Promise<IdSet> {
    const handle = await this.#call("openSet", [input.ids(ids)]);
    return new PreparedIds(this, handle, async () => {
      const gone = this.#closed || this.#lease.channel.dead !== undefined;
      if (!gone) await this.#call("closeSet", [handle]);
    });
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

  #set(among: Ids | IdSet): NonNullable<Sought["among"]> {
    return among instanceof PreparedIds ? among.handleIn(this) : input.ids(among as Ids);
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

function effort({ k = K_DEFAULT, ef, recall }: BatchOptions): Sought {
  if (ef !== undefined && recall !== undefined) {
    throw input.invalid("ef and recall are two ways to say the same; pass one of them");
  }
  return {
    k: input.count("k", k),
    ef: input.optionalCount("ef", ef),
    recall: input.optionalNumber("recall", recall),
  };
}

async function read(source: string | URL | Response): Promise<Uint8Array> {
  if (typeof Response !== "undefined" && source instanceof Response) return body(source);
  if (typeof source !== "string" && !(source instanceof URL)) {
    throw input.invalid("a snapshot is given as bytes, a URL or a Response");
  }
  return platform.read(input.address(source, platform.base));
}
