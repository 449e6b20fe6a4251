// What an instance does for its indexes, whichever side of a worker it is on.

import type { EcphoryError } from "./errors.js";
import type { Capabilities, IndexOptions, RuntimeOptions, Stats, Tuning, UpsertProgress } from "./types.js";

/** Names an index inside its instance. */
export type Handle = number;

/** An index that was just made. */
export interface Opened {
  handle: Handle;
  dimensions: number;
}

/** Operations by name; arguments and results can be cloned to another thread. */
export interface Operations {
  create(options: IndexOptions): Opened;
  load(snapshot: Uint8Array): Opened;
  upsert(handle: Handle, ids: Float64Array, vectors: Float32Array): void;
  tune(handle: Handle, samples?: Float32Array): Tuning;
  search(handle: Handle, query: Float32Array, k: number, ef?: number, recall?: number): Neighbours;
  searchBatch(handle: Handle, queries: Float32Array, k: number, ef?: number, recall?: number): Neighbours;
  export(handle: Handle): Uint8Array;
  stats(handle: Handle): Omit<Stats, "capabilities">;
  close(handle: Handle): void;
}

export type Neighbours = [ids: Float64Array, distances: Float32Array];
export type Operation = keyof Operations;
export type Arguments<K extends Operation> = Parameters<Operations[K]>;
export type Result<K extends Operation> = ReturnType<Operations[K]>;

/** Told how far an operation is; answers whether to go on. */
export type Report = (progress: UpsertProgress) => boolean;

/** What goes with a call besides its arguments. */
export interface Control {
  onProgress?: ((progress: UpsertProgress) => void) | undefined;
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
