// What an instance does for its indexes, whichever side of a worker it is on.

import type { EcphoryError } from "./errors.js";
import type { Capabilities, Id, IndexOptions, Kept, Progress, RuntimeOptions, Stats, Tuning } from "./types.js";

/** Names an index inside its instance. */
export type Handle = number;

/** Names a set of ids inside its instance. */
export type SetHandle = number;

/** What a search looks for, and how hard. */
export interface Sought {
  k: number;
  ef?: number | undefined;
  recall?: number | undefined;
  maxDistance?: number | undefined;
  /** Ids, or a set that was made of them. */
  among?: Float64Array | SetHandle | undefined;
  where?: string | undefined;
}

/** An item to be put. */
export interface Described {
  id: Id;
  vector: Float32Array;
  tags: string[];
  payload: Uint8Array;
}

/** An index that was just made. */
export interface Opened {
  handle: Handle;
  dimensions: number;
}

/** Operations by name; arguments and results can be cloned to another thread. */
export interface Operations {
  create(options: IndexOptions): Opened;
  load(snapshot: Uint8Array): Opened;
  upsert(handle: Handle, ids: Float64Array, vectors: Float32Array): number;
  put(handle: Handle, item: Described): boolean;
  delete(handle: Handle, ids: Float64Array | Id): number;
  tag(handle: Handle, ids: Float64Array | Id, tag: string, on: boolean): number;
  tune(handle: Handle, samples?: Float32Array): Tuning;
  search(handle: Handle, query: Float32Array, sought: Sought): Neighbours;
  searchBatch(handle: Handle, queries: Float32Array, sought: Sought): Neighbours;
  has(handle: Handle, id: Id): boolean;
  get(handle: Handle, id: Id): Float32Array | undefined;
  item(handle: Handle, id: Id): Kept | undefined;
  ids(handle: Handle): Float64Array;
  idsWhere(handle: Handle, filter: string): Float64Array;
  allTags(handle: Handle): (string | number)[];
  openSet(handle: Handle, ids: Float64Array): SetHandle;
  closeSet(handle: Handle, set: SetHandle): void;
  export(handle: Handle): Uint8Array;
  stats(handle: Handle): Omit<Stats, "capabilities">;
  close(handle: Handle): void;
}

export type Neighbours = [ids: Float64Array, distances: Float32Array];
/** Operations that change an index: they are not abandoned, but told to stop. */
export const WRITES: readonly Operation[] = ["upsert", "put", "delete", "tag", "tune"];

export type Operation = keyof Operations;
export type Arguments<K extends Operation> = Parameters<Operations[K]>;
export type Result<K extends Operation> = ReturnType<Operations[K]>;

/** Told how far an operation is; answers whether to go on. */
export type Report = (progress: Progress) => boolean;

/** What goes with a call besides its arguments. */
export interface Control {
  onProgress?: ((progress: Progress) => void) | undefined;
  signal?: AbortSignal | undefined;
  /** Buffers among the arguments that the caller gives away. */
  transfer?: Transferable[] | undefined;
}

/** The way to an instance, in process or in a worker. */
export interface Channel {
  readonly capabilities: Capabilities;
  /** Why nothing works any more, once the instance has died. */
  readonly dead: EcphoryError | undefined;
  call<K extends Operation>(name: K, args: Arguments<K>, control?: Control): Promise<Result<K>>;
  /** Ends the instance and gives its memory back. */
  close(): void;
}

/** What an entry of the package brings: where instances run and how files are read. */
export interface Platform {
  start(options: RuntimeOptions): Promise<Channel>;
  read(location: URL): Promise<Uint8Array>;
  /** What starting with these options would give. */
  capabilities(options: RuntimeOptions): Capabilities;
  /** What a relative address is relative to. */
  base(): string | URL;
}
