// Values of every kind, each made anew for each use.

/** Components of the vectors among them. */
export const DIMENSIONS = 8;

/** Name and maker of each value. A maker gets what an index of the matrix can give. */
export const VALUES = [
  // Nothing, and single values.
  ["undefined", () => undefined],
  ["null", () => null],
  ["true", () => true],
  ["false", () => false],
  ['"3"', () => "3"],
  ["no text", () => ""],
  ["a metric", () => "l2"],
  ["a binary", () => "st-simd128"],
  ["10 MB of text", () => "x".repeat(1e7)],
  ["a symbol", () => Symbol("s")],
  ["3n", () => 3n],
  ["-1n", () => -1n],
  ["2n ** 64n", () => 2n ** 64n],
  ...[NaN, Infinity, -Infinity, -0, 0, 1, 3, 8, 16, 20, 21, 64, 0.5, 1.5, -1, -0.5, 5e-324, 1e-40, 3e38, 1e300]
    .concat([65_536, 65_537, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1, 2 ** 53, -(2 ** 53)])
    .map((number) => [Object.is(number, -0) ? "-0" : String(number), () => number]),
  // Functions and objects.
  ["a function", () => () => 1],
  ["a class", () => class {}],
  ["{}", () => ({})],
  ["an object without prototype", () => Object.create(null)],
  ["a boxed number", () => new Number(3)],
  ["a date", () => new Date(0)],
  ["a map", () => new Map([[1, 2]])],
  ["a promise", () => Promise.resolve(1)],
  ["an error", () => new Error("e")],
  ["a web address", () => new URL("file:///no/such/place/")],
  ["nested arrays", () => nested((inner) => [inner])],
  ["nested objects", () => nested((inner) => ({ inner }))],
  ["nested JSON text", () => "[".repeat(1e5) + "]".repeat(1e5)],
  ["a signal", () => new AbortController().signal],
  ["what looks like a signal", () => ({ aborted: false })],
  // Arrays, as ids, vectors or vectors of vectors.
  ["[]", () => []],
  ...[[1], [3, 4], [3, 3], [-1], [0.5], [NaN], [2 ** 53], [3, -1], ["1"], [null], [3n]].map((array) => [
    `[${array.map((one) => (typeof one === "string" ? `"${one}"` : String(one)))}]`,
    () => [...array],
  ]),
  ["[1, hole, 3]", () => [1, , 3]],
  ["8 holes", () => Array(DIMENSIONS)],
  ["2^32 - 1 holes", () => Array(2 ** 32 - 1)],
  ...[0, 1, 5e-324, 1e-40, 1e-20, 1e5, 3e18, 3e38, 1e300, NaN, -Infinity, "1", 1n].map((one) => [
    `8 × ${typeof one} ${one}`,
    () => Array(DIMENSIONS).fill(one),
  ]),
  ["7 numbers", () => Array(7).fill(1)],
  ["9 numbers", () => Array(9).fill(1)],
  ["a NaN at the end", () => [1, 1, 1, 1, 1, 1, 1, NaN]],
  ["a vector in an array", () => [ones()]],
  ["two vectors in an array", () => [ones(), Array(DIMENSIONS).fill(2)]],
  ["a vector and a hole", () => [ones(), ,]],
  ["a vector and a bad one", () => [ones(), Array(DIMENSIONS).fill(NaN)]],
  ["a vector and a short one", () => [ones(), [1]]],
  ["a set", () => new Set([1, 2])],
  ["a generator", () => [1, 2].values()],
  ["a generator that never ends", () => forever()],
  ["{ length: 8 }", () => ({ length: DIMENSIONS })],
  ["{ length: 2 ** 53 }", () => ({ length: 2 ** 53 })],
  ["{ length: 2 ** 53 - 1 }", () => ({ length: 2 ** 53 - 1 })],
  ["{ length: -1 }", () => ({ length: -1 })],
  ["{ length: '8' }", () => ({ length: "8" })],
  ["an array-like", () => ({ ...Array(DIMENSIONS).fill(1), length: DIMENSIONS })],
  // Typed arrays and their buffers.
  ...[Float32Array, Float64Array, Int8Array, Uint8ClampedArray].map((Kind) => [Kind.name, () => new Kind(ones())]),
  ["BigInt64Array", () => new BigInt64Array(DIMENSIONS).fill(1n)],
  ["BigUint64Array", () => BigUint64Array.of(3n)],
  ["Float64Array of ids", () => Float64Array.of(3, 4)],
  ["Uint32Array of ids", () => Uint32Array.of(3, 4)],
  ["an empty Float32Array", () => new Float32Array(0)],
  ["an empty Float64Array", () => new Float64Array(0)],
  ["a Float32Array of zeros", () => new Float32Array(DIMENSIONS)],
  ["a Float32Array of two vectors", () => new Float32Array(2 * DIMENSIONS).fill(1)],
  ["a Float32Array of 9", () => new Float32Array(9).fill(1)],
  ["a part of a Float32Array", () => new Float32Array(24).fill(1).subarray(8, 16)],
  ["a detached Float32Array", () => detached(new Float32Array(ones()))],
  ["a detached Float64Array", () => detached(Float64Array.of(3, 4))],
  ["a detached Uint32Array", () => detached(Uint32Array.of(3, 4))],
  ["a detached Uint8Array", () => detached(new Uint8Array(8))],
  ["a detached ArrayBuffer", () => detached(new Uint8Array(8)).buffer],
  ["a shared Float32Array", () => new Float32Array(new SharedArrayBuffer(32)).fill(1)],
  ["a shared Float64Array", () => new Float64Array(new SharedArrayBuffer(16)).fill(3)],
  ["a resizable Float32Array", () => new Float32Array(new ArrayBuffer(32, { maxByteLength: 64 })).fill(1)],
  ["a Float32Array that shrank", () => shrunken()],
  ["a Float64Array that shrank", () => shrunken(Float64Array)],
  ["a Uint32Array that shrank", () => shrunken(Uint32Array)],
  ["a DataView that shrank", () => shrunken(DataView)],
  ["an ArrayBuffer", () => new ArrayBuffer(32)],
  ["a SharedArrayBuffer", () => new SharedArrayBuffer(32)],
  ["a DataView", () => new DataView(new ArrayBuffer(32))],
  // Snapshots.
  ["a snapshot", ({ snapshot }) => snapshot.slice()],
  ["a snapshot's buffer", ({ snapshot }) => snapshot.slice().buffer],
  ["a snapshot in shared memory", ({ snapshot }) => shared(snapshot)],
  ["a snapshot in a Response", ({ snapshot }) => new Response(snapshot)],
  ["a Response that was read", ({ snapshot }) => read(new Response(snapshot))],
  ["a Response that failed", () => new Response("gone", { status: 404 })],
  ["half a snapshot", ({ snapshot }) => snapshot.slice(0, snapshot.length >> 1)],
  ["a snapshot with a byte too many", ({ snapshot }) => longer(snapshot)],
  ["a snapshot with a flipped bit", ({ snapshot }) => flipped(snapshot, 100)],
  ["a snapshot with another flipped bit", ({ snapshot }) => flipped(snapshot, snapshot.length >> 1)],
  ["a snapshot of a number format to come", ({ snapshot }) => flipped(snapshot, 8)],
  ["a page", () => new TextEncoder().encode("<!doctype html><title>no</title>")],
  ["100,000 zero bytes", () => new Uint8Array(100_000)],
  // What belongs to another index, or to none any more.
  ["a set of ids", ({ idSet }) => idSet],
  ["a closed set of ids", ({ closedSet }) => closedSet],
  ["a set of ids of another index", ({ otherSet }) => otherSet],
];

function ones() {
  return Array(DIMENSIONS).fill(1);
}

function nested(around) {
  let value = 1;
  for (let depth = 0; depth < 20_000; depth += 1) value = around(value);
  return value;
}

function* forever() {
  for (;;) yield 1;
}

function detached(array) {
  structuredClone(array.buffer, { transfer: [array.buffer] });
  return array;
}

function shrunken(Kind = Float32Array) {
  const buffer = new ArrayBuffer(128, { maxByteLength: 128 });
  const array = new Kind(buffer, 32, DIMENSIONS);
  buffer.resize(16);
  return array;
}

function shared(bytes) {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

function longer(bytes) {
  const copy = new Uint8Array(bytes.length + 1);
  copy.set(bytes);
  return copy;
}

function read(response) {
  void response.arrayBuffer();
  return response;
}

function flipped(bytes, at) {
  const copy = bytes.slice();
  copy[at] ^= 64;
  return copy;
}
