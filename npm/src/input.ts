// JavaScript values as the engine's types. Values are the core's business, kinds are checked here.

import { EcphoryError } from "./errors.js";
import type { IndexOptions, SnapshotSource, Vectors } from "./types.js";

const U32_MAX = 0xffff_ffff;

/** Ids as doubles; the engine refuses those that are not whole or too large. */
export function ids(values: ArrayLike<number>): Float64Array {
  if (!isArrayLike(values) || values instanceof BigInt64Array || values instanceof BigUint64Array) {
    throw invalid("ids are an array of numbers");
  }
  return values instanceof Float64Array ? owned(values) : Float64Array.from(values, onlyNumber);
}

/** One vector. */
export function vector(values: ArrayLike<number>, dimensions: number): Float32Array {
  if (!isArrayLike(values)) throw invalid("a vector is a Float32Array or an array of numbers");
  if (values.length !== dimensions) {
    throw new EcphoryError(
      "dimension-mismatch",
      `expected a vector of ${dimensions} components, got ${values.length}; ` +
        "use the model the index was created for",
    );
  }
  return values instanceof Float32Array ? owned(values) : Float32Array.from(values, onlyNumber);
}

/** Many vectors, flat. */
export function vectors(values: Vectors, dimensions: number): Float32Array {
  if (values instanceof Float32Array) return owned(values);
  if (!Array.isArray(values)) {
    throw invalid("vectors are one flat Float32Array or an array of vectors");
  }
  const flat = new Float32Array(values.length * dimensions);
  values.forEach((row: ArrayLike<number>, at) => flat.set(vector(row, dimensions), at * dimensions));
  return flat;
}

/** A count that the engine takes as 32 bits. */
export function count(name: string, value: number): number {
  if (Number.isInteger(value) && value >= 0 && value <= U32_MAX) return value;
  throw new EcphoryError(
    "option-out-of-range",
    `${name} = ${String(value)} is not a whole number in 0..=${U32_MAX}; choose such a number`,
  );
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

/** Index options, each of the kind that the engine takes. */
export function indexOptions(options: IndexOptions): IndexOptions {
  if (typeof options !== "object" || options === null) {
    throw invalid("options are an object such as { dimensions: 384 }");
  }
  const { dimensions, metric, m, efConstruction, codes, rows, seed } = options;
  return {
    dimensions: count("dimensions", dimensions),
    metric: optionalText("metric", metric),
    m: optionalCount("m", m),
    efConstruction: optionalCount("efConstruction", efConstruction),
    codes: optionalText("codes", codes),
    rows: optionalText("rows", rows),
    seed: seed === undefined ? undefined : wholeNumber("seed", seed),
  };
}

/** Bytes of a snapshot given as such, or `undefined` for a source that must be read. */
export function bytes(source: SnapshotSource): Uint8Array | undefined {
  if (source instanceof ArrayBuffer) return new Uint8Array(source);
  if (ArrayBuffer.isView(source)) {
    return owned(new Uint8Array(source.buffer, source.byteOffset, source.byteLength));
  }
  return undefined;
}

/** `array`, or a copy where sending it would send more than itself or share it. */
function owned<T extends Float32Array | Float64Array | Uint8Array>(array: T): T {
  const { buffer, byteLength } = array;
  const whole = buffer instanceof ArrayBuffer && buffer.byteLength === byteLength;
  return whole ? array : (array.slice() as T);
}

function isArrayLike(value: unknown): value is ArrayLike<number> {
  return typeof value === "object" && value !== null && "length" in value;
}

function onlyNumber(value: unknown): number {
  if (typeof value === "number") return value;
  throw invalid(`expected numbers, got ${typeof value}`);
}

function optionalText<T extends string>(name: string, value: T | undefined): T | undefined {
  if (value === undefined || typeof value === "string") return value;
  throw invalid(`${name} is text`);
}

function wholeNumber(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 0) return value;
  throw new EcphoryError(
    "option-out-of-range",
    `${name} = ${String(value)} is not a whole number in 0..=2^53 - 1; choose such a number`,
  );
}

export function invalid(message: string): EcphoryError {
  return new EcphoryError("invalid-argument", message);
}
