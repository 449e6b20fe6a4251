// Which values the package documents as good, told from the values alone: each function answers
// for one kind of argument. `matrix` says what the index is and holds.

import { DIMENSIONS } from "./values.mjs";

const isNumber = (value) => typeof value === "number";
const isObject = (value) => typeof value === "object" && value !== null;
const isWhole = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;

/** A kind that may be left out. */
export const optional = (isGood) => (value, matrix) => value === undefined || isGood(value, matrix);

export const nothing = () => false;
export const anything = () => true;
export const whole = (least, most) => (value) => isWhole(value, least, most);
export const oneOf = (...values) => (value) => values.includes(value);

export const id = (value) => isWhole(value, 0, Number.MAX_SAFE_INTEGER);
export const ids = (value) => elements(value, true)?.every(id) ?? false;
const isText = (value, most) => typeof value === "string" && value.length <= most;
export const idOrName = (value) => id(value) || isText(value, 1024);
export const idsOrName = (value) => ids(value) || idOrName(value);
export const tag = (value) => isText(value, 255) && value.length > 0;
/** Not a hole among them. */
export const tags = (value) => Array.isArray(value) && value.length < 100 && Array.from(value).every(tag);
/** Of those among the values, the ones without signs. */
export const filter = (value) => isText(value, 1e6) && /^[^\s&|!()"]+$/.test(value);
export const payload = (value) => value instanceof Uint8Array && !isLost(value);
/** As many ids as there are vectors for them, all different. */
export const idsFor = (count) => (value) => {
  const list = elements(value, true);
  return ids(value) && list.length === count && new Set(list).size === count;
};
export const among = (value, { idSet }) => value === idSet || ids(value);

export const recall = (value) => isNumber(value) && Math.fround(value) > 0 && Math.fround(value) < 1;
export const distance = (value) => isNumber(value) && !Number.isNaN(value);
export const threads = (value) => value === false || isWhole(value, 1, 256);

export const options = (value) => isObject(value);
export const signal = (value) => value instanceof AbortSignal;
export const callback = (value) => typeof value === "function";

/** A query: finite as 32-bit floats, not too long and, under cosine, with a direction. */
export const query = (value, { metric }) => {
  const components = elements(value, false);
  if (components?.length !== DIMENSIONS || !components.every(isNumber)) return false;
  const floats = components.map(Math.fround);
  const squared = floats.reduce((sum, one) => sum + one * one, 0);
  const hasDirection = floats.some((one) => Math.abs(one) >= 1e-30);
  return squared <= 2 ** 128 / 8 && (metric !== "cosine" || hasDirection);
};

/** A vector to keep, which may be in fewer bits. */
const item = (value, matrix) =>
  query(value, matrix) && (matrix.rows !== "f16" || elements(value).every((one) => Math.abs(one) <= 65_504));

/** Vectors to keep, so many of them. */
export const items = (count) => (value, matrix) => {
  const rows = rowsOf(value);
  return rows?.length === count && rows.every((row) => item(row, matrix));
};

/** Queries, at least so many. */
export const queries = (least) => (value, matrix) => {
  const rows = rowsOf(value);
  return rows !== undefined && rows.length >= least && rows.every((row) => query(row, matrix));
};

const SNAPSHOTS = ["a snapshot", "a snapshot's buffer", "a snapshot in shared memory", "a snapshot in a Response"];
export const snapshot = (_, __, name) => SNAPSHOTS.includes(name);

/** Vectors one by one, or `undefined` for what holds none. */
function rowsOf(value) {
  if (Array.isArray(value)) return value.length < 1000 ? Array.from(value) : undefined;
  if (!(value instanceof Float32Array) || isLost(value) || value.length % DIMENSIONS > 0) return undefined;
  return Array.from({ length: value.length / DIMENSIONS }, (_, row) =>
    value.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS),
  );
}

/** What an array, or something like it, holds; where iterables do, what they give. */
export function elements(value, iterables = false) {
  if (!isObject(value)) return undefined;
  if (isLost(value)) return undefined;
  if (isWhole(value.length, 0, 1e6)) return Array.from({ length: value.length }, (_, at) => value[at]);
  const ends = iterables && Symbol.iterator in value && !("length" in value) && !isEndless(value);
  // A copy, for what can be iterated once: only arrays' own iterators are among the values.
  return ends ? (value instanceof Set || value instanceof Map ? [...value] : [1, 2]) : undefined;
}

function isEndless(value) {
  return Object.prototype.toString.call(value) === "[object Generator]";
}

/** Whether an array has no buffer any more, or not enough of one. */
function isLost(value) {
  try {
    if (ArrayBuffer.isView(value)) value.keys?.();
    return false;
  } catch {
    return true;
  }
}
