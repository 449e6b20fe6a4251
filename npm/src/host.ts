// An instance and the indexes in it: the only code that calls the engine.

import { choose, type Environment } from "./detect.js";
import { engines } from "./engines.js";
import { EcphoryError, typed } from "./errors.js";
import type { Engine, Glue, IdSet, StartWorkers } from "./glue.js";
import { sharedMemory as largestMemory } from "./memory.js";
import type {
  Arguments,
  Handle,
  Neighbours,
  Opened,
  Operation,
  Operations,
  Report,
  Result,
  SetHandle,
  Sought,
} from "./operations.js";
import type { Binary, Capabilities, Id, Kept, RuntimeOptions, Tuning } from "./types.js";

/** What the surroundings of an instance provide. */
export interface Surroundings {
  environment: Environment;
  /** Reads a file of the package, from `assets` where given. */
  binary(name: string, assets: string | undefined): Promise<{ bytes: Uint8Array; location: string }>;
  startWorkers?: StartWorkers;
}

/** Starts an instance as `options` ask and the engine allows. */
export async function startHost(options: RuntimeOptions, around: Surroundings): Promise<Host> {
  const chosen = choose(options, around.environment);
  if (chosen.binary.startsWith("st-")) return single(chosen, options, around);
  try {
    return await threaded(chosen, options, around);
  } catch (error) {
    // Without threads everything still works, so only who insisted on them is refused.
    if (options.binary !== undefined) throw error;
    const reason = `starting threads failed: ${error instanceof Error ? error.message : String(error)}`;
    return single(choose({ ...options, threads: false }, around.environment), options, around, reason);
  }
}

async function single(
  chosen: Capabilities,
  options: RuntimeOptions,
  around: Surroundings,
  reason = chosen.threadsReason,
): Promise<Host> {
  const [module, glue] = await Promise.all([compiled(chosen.binary, options, around), engines.st()]);
  const instance = glue.instantiate(undefined);
  instance.initSync({ module });
  return new Host(instance, reason === undefined ? chosen : { ...chosen, threadsReason: reason });
}

async function threaded(
  chosen: Capabilities,
  options: RuntimeOptions,
  around: Surroundings,
): Promise<Host> {
  const [module, glue] = await Promise.all([compiled(chosen.binary, options, around), engines.mt()]);
  const shared = largestMemory(glue.initialPages);
  if (shared === undefined) throw new EcphoryError("unsupported", "shared memory was refused at every size");
  const instance = glue.instantiate(around.startWorkers);
  const { memory } = instance.initSync({ module, memory: shared.memory });
  await instance.initThreadPool?.(chosen.threads);
  const sharedMemory = memory.buffer instanceof SharedArrayBuffer;
  return new Host(instance, { ...chosen, sharedMemory, memoryMax: shared.bytesMax });
}

async function compiled(
  binary: Binary,
  options: RuntimeOptions,
  around: Surroundings,
): Promise<WebAssembly.Module> {
  const { bytes, location } = await around.binary(`${binary}.wasm`, options.assets?.toString());
  const isWasm = bytes[0] === 0 && bytes[1] === 0x61 && bytes[2] === 0x73 && bytes[3] === 0x6d;
  if (!isWasm) {
    const html = bytes[0] === 0x3c ? " (it looks like an HTML page)" : "";
    throw new EcphoryError(
      "not-wasm",
      `${location} is not a WebAssembly binary${html}`,
      "serve the package's .wasm files beside its scripts, or say in `assets` where they lie",
    );
  }
  try {
    return await WebAssembly.compile(bytes as Uint8Array<ArrayBuffer>);
  } catch (error) {
    throw new EcphoryError("unsupported", `this engine refuses ${location}: ${String(error)}`);
  }
}

/** Runs operations on one instance. After a trap it refuses all of them. */
export class Host {
  readonly #engines = new Map<Handle, Engine>();
  readonly #sets = new Map<SetHandle, { of: Handle; ids: IdSet }>();
  readonly #glue: Glue;
  /** The last handle given, of an index or of a set. */
  #last = 0;
  #dead: EcphoryError | undefined;

  constructor(
    glue: Glue,
    readonly capabilities: Capabilities,
  ) {
    this.#glue = glue;
  }

  get dead(): EcphoryError | undefined {
    return this.#dead;
  }

  /** Runs one operation; what it throws is an `EcphoryError`. */
  run<K extends Operation>(name: K, args: Arguments<K>, report: Report): Result<K> {
    if (this.#dead !== undefined) throw this.#dead;
    const operations = this.#operations(report);
    const operation = operations[name] as (...args: Arguments<K>) => Result<K>;
    try {
      return operation(...args);
    } catch (thrown) {
      const error = typed(thrown);
      if (error.code === "instance-dead") this.#dead = error;
      throw error;
    }
  }

  #operations(report: Report): Operations {
    const engine = (handle: Handle) => this.#engine(handle);
    const { Engine } = this.#glue;
    return {
      create: ({ dimensions, metric, m, efConstruction, codes, rows, seed }) =>
        this.#added(Engine.create(dimensions, metric, m, efConstruction, codes, rows, seed)),
      load: (snapshot) => this.#added(Engine.load(snapshot)),
      upsert: (handle, ids, vectors) => upsert(engine(handle), ids, vectors, report),
      put: (handle, { id, vector, tags, payload }) => {
        const [key, name] = typeof id === "string" ? [0, id] : [id, undefined];
        return engine(handle).put(key, name, vector, tags, payload);
      },
      delete: (handle, ids) =>
        partly("deleted", () =>
          engine(handle).delete(keys(engine(handle), ids), (done: number, total: number) =>
            report({ phase: "delete", done, total }),
          ),
        ),
      tag: (handle, ids, tag, on) =>
        partly(on ? "tagged" : "untagged", () =>
          engine(handle).tag(keys(engine(handle), ids), tag, on, (done: number, total: number) =>
            report({ phase: "tag", done, total }),
          ),
        ),
      tune: (handle, samples) =>
        tuningOf(
          engine(handle).tune(samples, (phase: "tune", done: number, total: number) => report({ phase, done, total })),
        ),
      search: (handle, query, sought) => this.#search(engine(handle), query, sought),
      searchBatch: (handle, queries, { k, ef, recall }) =>
        engine(handle).searchBatch(queries, k, ef, recall) as Neighbours,
      has: (handle, id) => about(engine(handle), id, (engine, key) => engine.contains(key)) ?? false,
      get: (handle, id) => about(engine(handle), id, (engine, key) => engine.get(key)),
      item: (handle, id) => about(engine(handle), id, item),
      ids: (handle) => engine(handle).keys(),
      idsWhere: (handle, filter) => engine(handle).keysWhere(filter),
      allTags: (handle) => engine(handle).allTags() as (string | number)[],
      openSet: (handle, ids) => {
        const set = { of: handle, ids: engine(handle).idSet(ids) };
        this.#sets.set(++this.#last, set);
        return this.#last;
      },
      closeSet: (_, set) => this.#closeSet(set),
      export: (handle) => engine(handle).export(),
      stats: (handle) => {
        const { size, options, tuning: tuned, memory: bytes, isa } = engine(handle);
        const [vectors, codes, links, items, total] = bytes;
        const tuning = tuned && tuningOf(tuned);
        return { size, options, tuning, memory: { vectors, codes, links, items, total }, isa } as Result<"stats">;
      },
      close: (handle) => {
        for (const [set, { of }] of this.#sets) if (of === handle) this.#closeSet(set);
        engine(handle).free();
        this.#engines.delete(handle);
      },
    };
  }

  #search(engine: Engine, query: Float32Array, { k, ef, recall, maxDistance, among, where }: Sought): Neighbours {
    if (among === undefined) return engine.search(query, k, ef, recall, maxDistance, where) as Neighbours;
    const known = typeof among === "number" ? this.#sets.get(among)?.ids : engine.idSet(among);
    if (known === undefined) throw new EcphoryError("closed", "the set of ids was closed");
    try {
      return engine.searchAmong(query, k, ef, recall, maxDistance, known) as Neighbours;
    } finally {
      if (typeof among !== "number") known.free();
    }
  }

  #closeSet(set: SetHandle): void {
    this.#sets.get(set)?.ids.free();
    this.#sets.delete(set);
  }

  #engine(handle: Handle): Engine {
    const engine = this.#engines.get(handle);
    if (engine === undefined) throw new EcphoryError("closed", "the index was closed");
    return engine;
  }

  #added(engine: Engine): Opened {
    this.#engines.set(++this.#last, engine);
    const { dimensions } = engine.options as { dimensions: number };
    return { handle: this.#last, dimensions };
  }
}

/** What the engine tells of a tuning, number by number. */
function tuningOf([k, items, samples, ...rest]: Iterable<number>): Tuning {
  const points = [];
  for (let at = 0; at < rest.length; at += 3) {
    const [ef, recall, atLeast] = rest.slice(at);
    points.push({ ef, recall, atLeast });
  }
  return { k, items, samples, points } as Tuning;
}

/** Builds an empty index in one go, or puts items into one that holds some; how many were there. */
function upsert(engine: Engine, ids: Float64Array, vectors: Float32Array, report: Report): number {
  if (engine.size > 0) {
    return partly("put", () =>
      engine.upsert(ids, vectors, (done: number, total: number) => report({ phase: "insert", done, total })),
    );
  }
  engine.bulkBuild(ids, vectors, (phase: "check" | "fit" | "order" | "link", done: number, total: number) =>
    report({ phase, done, total }),
  );
  return 0;
}

/** What the engine tells of one item; nothing where none has this name. */
function about<T>(engine: Engine, id: Id, tell: (engine: Engine, key: number) => T): T | undefined {
  const key = typeof id === "string" ? engine.keyOf(id) : id;
  return key === undefined ? undefined : tell(engine, key);
}

/** All that an item has. */
function item(engine: Engine, id: number): Kept | undefined {
  const kept = engine.item(id) as [string | undefined, Float32Array, string[], Uint8Array] | undefined;
  if (kept === undefined) return undefined;
  const [name, vector, tags, payload] = kept;
  return { id, ...(name === undefined ? {} : { name }), vector, tags, payload };
}

/** Ids as the engine takes them: none for a name that no item has. */
function keys(engine: Engine, ids: Float64Array | Id): Float64Array {
  if (ids instanceof Float64Array) return ids;
  return about(engine, ids, (_, key) => Float64Array.of(key)) ?? new Float64Array();
}

/** Runs work on items one by one; an error that comes in the middle says which of them are `done`. */
function partly<T>(done: "put" | "deleted" | "tagged" | "untagged", work: () => T): T {
  try {
    return work();
  } catch (thrown) {
    const { done: before } = thrown as { done?: number };
    if (before === undefined) throw thrown;
    const { code, message } = typed(thrown);
    if (code === "cancelled") {
      throw new EcphoryError(code, `cancelled; the first ${before} items of the call were ${done}`);
    }
    throw new EcphoryError(code, `item ${before} of the call: ${message}`, `the ${before} items before it were ${done}`);
  }
}
