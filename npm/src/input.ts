// JavaScript values as the engine's types. Values are the core's business, kinds are checked here.

import { EcphoryError, shown } from "./errors.js";
import type { Described } from "./operations.js";
import type { Id, Ids, IndexOptions, Item, RuntimeOptions, SnapshotSource, Vectors, WorkOptions } from "./types.js";

const U32_MAX = 0xffff_ffff;
/** Ids of a call that are not given as doubles, at most. */
const IDS_MAX = 2 ** 24;
/** Threads that a caller may ask for. */
const THREADS_MAX = 256;
/** Letters of a name, at most: the engine need not see longer ones to know that they are none. */
const NAME_MAX = 64;
/** Bytes of an item's name, of a tag and of a filter, at most. */
const ITEM_NAME_MAX = 1024;
const TAG_MAX = 255;
const FILTER_MAX = 4096 * (TAG_MAX + 3);
/** Tags of one item that are looked at. */
const TAGS_MAX = 65_536;
/** Bytes of a payload, at most. */
const PAYLOAD_MAX = 2 ** 24;

/** Ids as doubles; the engine refuses those that are not whole or too large. */
export function ids(values: Ids): Float64Array {
  if (values instanceof Float64Array) return owned(values);
  const list: number[] = [];
  const add = (value: unknown) => {
    // What says that it holds very many, or never ends, takes no memory for more than it gave.
    if (list.push(onlyNumber(value)) > IDS_MAX) throw tooManyIds();
  };
  if (isArrayLike(values)) {
    if (ArrayBuffer.isView(values)) refuseLost(values as unknown as Float64Array);
    for (let at = 0; at < values.length; at += 1) add(values[at]);
  } else if (isObject(values) && Symbol.iterator in values) {
    for (const value of values as Iterable<number>) add(value);
  } else {
    throw invalid("ids are an array of numbers");
  }
  return Float64Array.from(list);
}

/** One id. */
export function id(value: number): number {
  if (typeof value === "number") return value;
  throw invalid(`an id is a number, not ${shown(value)}`);
}

/** An item's number or name. */
export function idOrName(value: Id): Id {
  return typeof value === "string" ? itemName(value) : id(value);
}

/** Some ids, or an item's number or name. */
export function someIds(values: Ids | Id): Float64Array | Id {
  return typeof values === "string" || typeof values === "number" ? idOrName(values) : ids(values);
}

/** An item's name. */
export function itemName(value: string): string {
  return text("a name", value, "bad-name", ITEM_NAME_MAX);
}

/** A tag. */
export function tag(value: string): string {
  return text("a tag", value, "bad-tag", TAG_MAX);
}

/** What is filtered by. */
export function filter(value: string): string {
  return text("a filter", value, "bad-filter", FILTER_MAX);
}

/** A text of so many bytes at most: the engine takes no memory for more, and reads no half letters. */
function text(what: string, value: string, code: string, bytesMax: number): string {
  if (typeof value !== "string") throw invalid(`${what} is text, not ${shown(value)}`);
  // No letter takes less than a byte.
  if (value.length > bytesMax) {
    throw new EcphoryError(code, `${shown(value)} is longer than ${bytesMax} bytes`);
  }
  if (/\p{Surrogate}/u.test(value)) {
    throw new EcphoryError(code, `${shown(value)} has a lone surrogate; pass whole letters`);
  }
  return value;
}

/** An item to be put. */
export function item(given: Item, dimensions: number): Described {
  if (!isObject(given)) throw invalid("an item is an object such as { id: 7, vector }");
  const { id, vector: components, tags = [], payload = new Uint8Array() } = given;
  return {
    id: idOrName(id),
    vector: vector(components, dimensions),
    tags: tagsOf(tags),
    payload: bytesOf(payload),
  };
}

function tagsOf(values: readonly string[]): string[] {
  if (!Array.isArray(values)) throw invalid("tags are an array of texts");
  const { length } = values;
  if (length > TAGS_MAX) throw invalid("too many tags");
  // By places, holes included.
  return Array.from({ length }, (_, at) => tag(values[at] as string));
}

function bytesOf(value: Uint8Array): Uint8Array {
  if (!(value instanceof Uint8Array)) throw invalid("a payload is a Uint8Array");
  const { byteLength } = value;
  if (byteLength > PAYLOAD_MAX) {
    throw new EcphoryError("payload-too-long", `a payload of ${byteLength} bytes is too long (16 MiB at most)`);
  }
  // A plain one: the `slice` of some kinds, such as Node's `Buffer`, copies nothing.
  return owned(readable(() => new Uint8Array(value.buffer, value.byteOffset, byteLength)));
}

/** One vector. */
export function vector(values: ArrayLike<number>, dimensions: number): Float32Array {
  const like = vectorLike(values, dimensions);
  return like instanceof Float32Array ? owned(like) : filled(new Float32Array(dimensions), like);
}

/** Many vectors, flat. */
export function vectors(values: Vectors, dimensions: number): Float32Array {
  if (values instanceof Float32Array) return owned(values);
  if (!Array.isArray(values)) {
    throw invalid("vectors are one flat Float32Array or an array of vectors");
  }
  // By places, holes included, and all of them before memory is taken for any.
  const rows = values as readonly ArrayLike<number>[];
  for (let at = 0; at < rows.length; at += 1) vectorLike(rows[at], dimensions);
  const flat = allocated(rows.length * dimensions);
  rows.forEach((row, at) => filled(flat.subarray(at * dimensions, (at + 1) * dimensions), row));
  return flat;
}

/** What has as many places as a vector. */
function vectorLike(values: unknown, dimensions: number): ArrayLike<number> {
  if (!isArrayLike(values)) throw invalid("a vector is a Float32Array or an array of numbers");
  if (values.length === dimensions) return values;
  throw new EcphoryError(
    "dimension-mismatch",
    `expected a vector of ${dimensions} components, got ${values.length}; use the model the index was created for`,
  );
}

/** A count that the engine takes as 32 bits. */
export function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= U32_MAX) return value;
  throw outOfRange(name, value, `a whole number in 0..=${U32_MAX}`);
}

/** A count that may be left out. */
export function optionalCount(name: string, value: number | undefined): number | undefined {
  return value === undefined ? undefined : count(name, value);
}

/** A number that may be left out; its bounds are the engine's business. */
export function optionalNumber(name: string, value: number | undefined): number | undefined {
  if (value === undefined || typeof value === "number") return value;
  throw invalid(`${name} is a number`);
}

/** A distance that may be left out. */
export function optionalDistance(name: string, value: number | undefined): number | undefined {
  if (Number.isNaN(optionalNumber(name, value))) throw outOfRange(name, value, "a number");
  return value;
}

/** The options of a call, with what goes with its work. */
export function options<T extends WorkOptions>(given: T): T {
  if (!isObject(given)) throw invalid("options are an object, or left out");
  const { signal, onProgress } = given;
  const isSignal = isObject(signal) && "aborted" in signal && typeof signal.throwIfAborted === "function";
  if (signal !== undefined && !isSignal) throw invalid("signal is an AbortSignal");
  if (onProgress !== undefined && typeof onProgress !== "function") throw invalid("onProgress is a function");
  return given;
}

/** Index options, each of the kind that the engine takes. */
export function indexOptions(given: IndexOptions): IndexOptions {
  if (!isObject(given)) throw invalid("options are an object such as { dimensions: 384 }");
  const { dimensions, metric, m, efConstruction, codes, rows, seed } = given;
  return {
    dimensions: count("dimensions", dimensions),
    metric: optionalName("metric", metric),
    m: optionalCount("m", m),
    efConstruction: optionalCount("efConstruction", efConstruction),
    codes: optionalName("codes", codes),
    rows: optionalName("rows", rows),
    seed: seed === undefined ? undefined : wholeNumber("seed", seed),
  };
}

/** Runtime options; `base` is what the address of the assets is relative to. */
export function runtimeOptions(given: RuntimeOptions, base: () => string | URL): RuntimeOptions {
  if (!isObject(given)) throw invalid("options are an object, or left out");
  const { threads, binary, assets } = given;
  const isCount = Number.isInteger(threads) && Number(threads) >= 1 && Number(threads) <= THREADS_MAX;
  if (threads !== undefined && threads !== false && !isCount) {
    throw outOfRange("threads", threads, `false or a whole number in 1..=${THREADS_MAX}`);
  }
  return {
    threads,
    binary: optionalName("binary", binary),
    assets: assets === undefined ? undefined : directory(address(assets, base)),
  };
}

/** An address. */
export function address(value: string | URL, base: () => string | URL): URL {
  if (typeof value === "string" || value instanceof URL) {
    try {
      return new URL(value, base());
    } catch {
      // Refused below.
    }
  }
  throw invalid(`${shown(value)} is not an address`);
}

/** The directory of an address; some kinds of address have none. */
function directory(location: URL): string {
  try {
    return new URL(".", location).href;
  } catch {
    throw invalid(`${shown(location)} is no directory`);
  }
}

/** Bytes of a snapshot given as such, or `undefined` for a source that must be read. */
export function bytes(source: SnapshotSource): Uint8Array | undefined {
  if (source instanceof ArrayBuffer) return owned(readable(() => new Uint8Array(source)));
  if (!ArrayBuffer.isView(source)) return undefined;
  return owned(readable(() => new Uint8Array(source.buffer, source.byteOffset, source.byteLength)));
}

/** What reading from a buffer gives, if it is still there. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch {
    throw invalid("the buffer of an array was transferred or made shorter, so that nothing is left in it");
  }
}

/** Refuses an array that has lost its buffer: it seems to be empty, but its methods throw. */
function refuseLost(array: Uint8Array | Float32Array | Float64Array): void {
  if (array.byteLength === 0) readable(() => array.keys());
}

/** `array`, or a copy where sending it would send more than itself or share it. */
function owned<T extends Float32Array | Float64Array | Uint8Array>(array: T): T {
  const { buffer, byteLength } = array;
  refuseLost(array);
  if (byteLength > U32_MAX) throw outOfMemory(byteLength);
  const whole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return whole ? array : (array.slice() as T);
}

/** `numbers` with these values. They are read by their places: an iterator need not end. */
function filled<T extends Float32Array | Float64Array>(numbers: T, values: ArrayLike<number>): T {
  for (let at = 0; at < numbers.length; at += 1) numbers[at] = onlyNumber(values[at]);
  return numbers;
}

function allocated(length: number): Float32Array {
  try {
    return new Float32Array(length);
  } catch {
    throw outOfMemory(length * Float32Array.BYTES_PER_ELEMENT);
  }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null;
}

function isArrayLike(value: unknown): value is ArrayLike<number> {
  return isObject(value) && "length" in value && Number.isSafeInteger(value.length) && Number(value.length) >= 0;
}

function onlyNumber(value: unknown): number {
  if (typeof value === "number") return value;
  throw invalid(`expected numbers, got ${typeof value}`);
}

function optionalName<T extends string>(name: string, value: T | undefined): T | undefined {
  if (value === undefined) return undefined;
  if (typeof value !== "string") throw invalid(`${name} is text`);
  if (value.length > NAME_MAX) throw new EcphoryError("unknown-name", `${shown(value)} is no ${name}`);
  return value;
}

function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw outOfRange(name, value, "a whole number in 0..=2^53 - 1");
}

function outOfRange(name: string, value: unknown, wanted: string): EcphoryError {
  return new EcphoryError("option-out-of-range", `${name} = ${shown(value)} is not ${wanted}; choose such a value`);
}

function tooManyIds(): EcphoryError {
  return invalid(`more than ${IDS_MAX} ids; pass them as a Float64Array, or in several calls`);
}

function outOfMemory(bytes: number): EcphoryError {
  return new EcphoryError("out-of-memory", `could not allocate ${bytes} bytes; pass less at a time`);
}

export function invalid(message: string): EcphoryError {
  return new EcphoryError("invalid-argument", message);
}
