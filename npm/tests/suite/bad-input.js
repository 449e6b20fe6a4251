// What the package does with values that no index can use: a typed error, nothing changed.

import { equal, ok, refused } from "./assert.js";
import { filled, numbers } from "./data.js";

const DIMENSIONS = 8;

/** Name, code and call of everything that is refused by an index of 20 items. */
const CALLS = [
  ["a query that is too short", "dimension-mismatch", (index) => index.search([1, 2, 3])],
  ["a query that is too long", "dimension-mismatch", (index) => index.search(new Float32Array(9))],
  ["a query with NaN", "not-finite", (index) => index.search([NaN, 0, 0, 0, 0, 0, 0, 1])],
  ["a query with an infinite number", "not-finite", (index) => index.search([1, 0, 0, Infinity, 0, 0, 0, 1])],
  ["a number that is too large for 32 bits", "not-finite", (index) => index.search(Array(8).fill(1e300))],
  ["a vector whose norm overflows", "too-long", (index) => index.search(Array(8).fill(3e38))],
  ["a zero query under cosine", "zero-vector", (index) => index.search(new Float32Array(8))],
  ["a query of text", "invalid-argument", (index) => index.search("12345678")],
  ["a query of texts", "invalid-argument", (index) => index.search(Array(8).fill("1"))],
  ["no query", "invalid-argument", (index) => index.search()],
  ["k = 0", "option-out-of-range", (index, query) => index.search(query, { k: 0 })],
  ["k < 0", "option-out-of-range", (index, query) => index.search(query, { k: -1 })],
  ["k that is not whole", "option-out-of-range", (index, query) => index.search(query, { k: 1.5 })],
  ["k that is not a number", "option-out-of-range", (index, query) => index.search(query, { k: "3" })],
  ["k = NaN", "option-out-of-range", (index, query) => index.search(query, { k: NaN })],
  ["k above all bounds", "option-out-of-range", (index, query) => index.search(query, { k: 2 ** 40 })],
  ["k > n", "not-enough-items", (index, query) => index.search(query, { k: 21 })],
  ["ef = 0", "option-out-of-range", (index, query) => index.search(query, { k: 1, ef: 0 })],
  ["ef above its bound", "option-out-of-range", (index, query) => index.search(query, { k: 1, ef: 2 ** 31 })],
  ["recall = 1", "recall-out-of-range", (index, query) => index.search(query, { k: 1, recall: 1 })],
  ["recall = NaN", "recall-out-of-range", (index, query) => index.search(query, { k: 1, recall: NaN })],
  ["recall of text", "invalid-argument", (index, query) => index.search(query, { k: 1, recall: "0.9" })],
  ["recall and ef", "invalid-argument", (index, query) => index.search(query, { k: 1, ef: 9, recall: 0.9 })],
  ["recall without tuning", "not-tuned", (index, query) => index.search(query, { k: 1, recall: 0.9 })],
  ["a batch with recall without tuning", "not-tuned", (index, query) => index.searchBatch(query, { k: 1, recall: 0.9 })],
  ["samples with NaN", "not-finite", (index) => index.tune({ samples: new Float32Array(8).fill(NaN) })],
  ["no samples", "option-out-of-range", (index) => index.tune({ samples: new Float32Array(0) })],
  ["a batch that is no whole number of queries", "shape-mismatch", (index) => index.searchBatch(numbers(9))],
  ["a batch with a short query", "dimension-mismatch", (index) => index.searchBatch([[1, 2]])],
  ["a batch with NaN", "not-finite", (index) => index.searchBatch(new Float32Array(8).fill(NaN))],
  ["a batch with k > n", "not-enough-items", (index, query) => index.searchBatch(query, { k: 21 })],
  ["fewer vectors than ids", "shape-mismatch", (index, query) => index.upsertMany([100, 101], query)],
  ["more vectors than ids", "shape-mismatch", (index) => index.upsertMany([100], numbers(16))],
  ["an id twice", "duplicate-key", (index) => index.upsertMany([100, 100], numbers(16))],
  ["a negative id", "invalid-id", (index, query) => index.upsertMany([-1], query)],
  ["an id that is not whole", "invalid-id", (index, query) => index.upsertMany([0.5], query)],
  ["an id beyond exact numbers", "invalid-id", (index, query) => index.upsertMany([2 ** 53], query)],
  ["an id that is NaN", "invalid-id", (index, query) => index.upsertMany([NaN], query)],
  ["an id of text", "invalid-argument", (index, query) => index.upsertMany(["a"], query)],
  ["ids that are no array", "invalid-argument", (index, query) => index.upsertMany(5, query)],
  ["big integers as ids", "invalid-argument", (index, query) => index.upsertMany(new BigUint64Array(1), query)],
  ["a new vector with NaN", "not-finite", (index) => index.upsertMany([100], [[1, 1, 1, 1, 1, 1, 1, NaN]])],
  ["a new zero vector under cosine", "zero-vector", (index) => index.upsertMany([100], [Array(8).fill(0)])],
  ["a bad vector after one for an item that is there", "not-finite", (index) => index.upsertMany([3, 100], nanAtTheEnd())],
  ["a bad id after one that is there", "invalid-id", (index) => index.upsertMany([3, -1], numbers(16))],
  ["an id twice that is there", "duplicate-key", (index) => index.upsertMany([3, 4, 3], numbers(24))],
  ["vectors with a hole", "invalid-argument", (index, query) => index.upsertMany([100, 101], [query, , ])],
  ["more ids than fit", "invalid-argument", (index, query) => index.upsertMany({ length: 2 ** 53 - 1 }, query)],
  ["progress that cannot be called", "invalid-argument", (index, query) => index.upsertMany([100], query, { onProgress: 1 })],
  ["options that are none", "invalid-argument", (index, query) => index.search(query, null)],
  ["a signal that is none", "invalid-argument", (index, query) => index.search(query, { signal: "stop" })],
  ["deleting a negative id", "invalid-id", (index) => index.delete(-1)],
  ["deleting a name that no item can have", "bad-name", (index) => index.delete("x".repeat(1025))],
  ["looking for half a letter", "bad-name", (index) => index.has("\ud83c")],
  ["putting nothing", "invalid-argument", (index) => index.put()],
  ["putting without an id", "invalid-argument", (index, vector) => index.put({ vector })],
  ["putting under no name", "bad-name", (index, vector) => index.put({ id: "", vector })],
  ["putting under a long name", "bad-name", (index, vector) => index.put({ id: "ü".repeat(600), vector })],
  ["putting under no id", "invalid-id", (index, vector) => index.put({ id: -1, vector })],
  ["putting half a vector", "dimension-mismatch", (index) => index.put({ id: 1, vector: [1] })],
  ["putting with an empty tag", "bad-tag", (index, vector) => index.put({ id: 1, vector, tags: ["a", ""] })],
  ["putting with a tag that is none", "invalid-argument", (index, vector) => index.put({ id: 1, vector, tags: [1] })],
  ["putting with tags that are text", "invalid-argument", (index, vector) => index.put({ id: 1, vector, tags: "red" })],
  ["putting text as payload", "invalid-argument", (index, vector) => index.put({ id: 1, vector, payload: "p" })],
  ["putting too much", "payload-too-long", (index, vector) => index.put({ id: 1, vector, payload: new Uint8Array(2 ** 24 + 1) })],
  ["a tag of no letters", "bad-tag", (index) => index.tag([1], "")],
  ["a tag of too many bytes", "bad-tag", (index) => index.tag([1], "ü".repeat(128))],
  ["tagging no id", "invalid-id", (index) => index.tag([1, -1], "red")],
  ["a filter of nothing", "bad-filter", (index) => index.idsWhere(" ")],
  ["a filter that is open", "bad-filter", (index, query) => index.search(query, { where: "(red | blue" })],
  ["a filter that is a number", "invalid-argument", (index, query) => index.search(query, { where: 3 })],
  ["a filter of half a letter", "bad-filter", (index) => index.idsWhere("\udf4e")],
  ["among and where", "invalid-argument", (index, query) => index.search(query, { among: [1], where: "red" })],
  ["a batch where", "invalid-argument", (index, query) => index.searchBatch(query, { where: "red" })],
  ["deleting what is no id among those that are", "invalid-id", (index) => index.deleteMany([3, 4, 0.5])],
  ["looking for no id", "invalid-id", (index) => index.has(NaN)],
  ["the vector of no id", "invalid-id", (index) => index.get(2 ** 53)],
  ["among what is no id", "invalid-id", (index, query) => index.search(query, { among: [1, -1] })],
  ["among text", "invalid-argument", (index, query) => index.search(query, { among: "12" })],
  ["among big integers", "invalid-argument", (index, query) => index.search(query, { among: BigUint64Array.of(1n) })],
  ["a set of ids that never ends", "invalid-argument", (index) => index.idSet(forever())],
  ["a set of what is no id", "invalid-id", (index) => index.idSet([1.5])],
  ["a distance that is no number", "option-out-of-range", (index, query) => index.search(query, { maxDistance: NaN })],
  ["a batch among some", "invalid-argument", (index, query) => index.searchBatch(query, { among: [1] })],
  ["vectors that are no array", "invalid-argument", (index) => index.upsertMany([100], "vectors")],
];

/** The same for creating an index. */
const OPTIONS = [
  ["no options", "invalid-argument", undefined],
  ["no dimensions", "option-out-of-range", {}],
  ["0 dimensions", "option-out-of-range", { dimensions: 0 }],
  ["too many dimensions", "option-out-of-range", { dimensions: 65_537 }],
  ["dimensions that are not whole", "option-out-of-range", { dimensions: 2.5 }],
  ["an unknown metric", "unknown-name", { dimensions: 2, metric: "hamming" }],
  ["a metric that is no text", "invalid-argument", { dimensions: 2, metric: 3 }],
  ["unknown codes", "unknown-name", { dimensions: 2, codes: "u9" }],
  ["unknown rows", "unknown-name", { dimensions: 2, rows: "f8" }],
  ["rows of codes without codes", "no-codes", { dimensions: 2, rows: "codes", codes: "none" }],
  ["m below its bound", "option-out-of-range", { dimensions: 2, m: 1 }],
  ["m above its bound", "option-out-of-range", { dimensions: 2, m: 1e9 }],
  ["efConstruction below m", "option-out-of-range", { dimensions: 2, efConstruction: 3 }],
  ["a negative seed", "option-out-of-range", { dimensions: 2, seed: -1 }],
];

function nanAtTheEnd() {
  const vectors = numbers(2 * DIMENSIONS);
  vectors[2 * DIMENSIONS - 1] = NaN;
  return vectors;
}

function* forever() {
  for (;;) yield 1;
}

export const tests = {
  "calls on an index are refused and change nothing": async (t) => {
    const index = await filled(t, 20, DIMENSIONS);
    const before = await index.export();
    const query = numbers(DIMENSIONS, 2);
    for (const [name, code, call] of CALLS) {
      await refused(t.ecphory, code, () => call(index, query)).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
    equal((await index.stats()).size, 20, "items");
    equal((await index.search(query, { k: 20 })).length, 20, "hits");
    const after = await index.export();
    equal(after.length, before.length, "snapshot length");
    ok(after.every((byte, at) => byte === before[at]), "the same snapshot as before");
    await index.close();
  },

  "a first build is refused and leaves the index empty": async (t) => {
    const index = await t.ecphory.Index.create({ dimensions: 2, ...t.options });
    const cases = [
      ["not-finite", [1, 2], Float32Array.of(1, 2, 3, NaN)],
      ["zero-vector", [1, 2], Float32Array.of(1, 2, 0, 0)],
      ["duplicate-key", [1, 1], Float32Array.of(1, 2, 3, 4)],
      ["shape-mismatch", [1, 2], Float32Array.of(1, 2, 3)],
      ["invalid-id", [1, -2], Float32Array.of(1, 2, 3, 4)],
    ];
    for (const [code, ids, vectors] of cases) {
      await refused(t.ecphory, code, () => index.upsertMany(ids, vectors));
      equal((await index.stats()).size, 0, `items after ${code}`);
    }
    await index.upsertMany([], []);
    await index.upsertMany([1, 2], Float32Array.of(1, 2, 3, 4));
    equal((await index.stats()).size, 2, "items");
    await index.close();
  },

  "an empty index has nothing to find": async (t) => {
    const index = await t.ecphory.Index.create({ dimensions: 2, ...t.options });
    await refused(t.ecphory, "empty", () => index.search([1, 2], { k: 1 }));
    await refused(t.ecphory, "empty", () => index.searchBatch([[1, 2]], { k: 1 }));
    const again = await t.ecphory.Index.load(await index.export(), t.options);
    equal((await again.stats()).size, 0, "items of its snapshot");
    await index.close();
    await again.close();
  },

  "options outside their bounds create nothing": async (t) => {
    for (const [name, code, options] of OPTIONS) {
      const create = () => t.ecphory.Index.create(options && { ...options, ...t.options });
      await refused(t.ecphory, code, create).catch((error) => {
        throw new Error(`${name}: ${error.message}`);
      });
    }
  },

  "a snapshot cut off anywhere is refused": async (t) => {
    // Stays open, so that the instance stays for the loads that fail.
    const index = await filled(t, 50, DIMENSIONS);
    const snapshot = await index.export();
    const step = Math.max(1, Math.floor(snapshot.length / 60));
    for (let length = 0; length < snapshot.length; length += step) {
      await refused(t.ecphory, "snapshot", () => t.ecphory.Index.load(snapshot.subarray(0, length), t.options));
    }
    const last = snapshot.subarray(0, snapshot.length - 1);
    await refused(t.ecphory, "snapshot", () => t.ecphory.Index.load(last, t.options));
    await index.close();
  },

  "a snapshot with a flipped bit is refused": async (t) => {
    const index = await filled(t, 50, DIMENSIONS);
    const snapshot = await index.export();
    // An odd stride visits every section and every bit position.
    const stride = Math.floor((snapshot.length * 8) / 300) | 1;
    for (let bit = 0; bit < snapshot.length * 8; bit += stride) {
      const damaged = snapshot.slice();
      damaged[bit >> 3] ^= 1 << (bit & 7);
      const load = () => t.ecphory.Index.load(damaged, t.options);
      await load().then(
        (opened) => {
          throw new Error(`bit ${bit} of byte ${bit >> 3} was not noticed (${opened.dimensions})`);
        },
        ({ code, message }) => {
          ok(["snapshot", "unsupported-snapshot"].includes(code), `a snapshot error for bit ${bit}, got ${code}: ${message}`);
        },
      );
    }
    await index.close();
  },

  "sources that are no snapshot are refused": async (t) => {
    const { ecphory, options } = t;
    const load = (source) => () => ecphory.Index.load(source, options);
    await refused(ecphory, "snapshot", load(new Uint8Array(0)));
    await refused(ecphory, "snapshot", load(new TextEncoder().encode("<!doctype html><title>no</title>")));
    await refused(ecphory, "snapshot", load(new Uint8Array(100_000)));
    await refused(ecphory, "fetch-failed", load(new Response("gone", { status: 404 })));
    await refused(ecphory, "fetch-failed", load(new URL("no-such-file.ecp", t.base)));
    await refused(ecphory, "snapshot", load(new URL("html/index.html", t.base)));
    await refused(ecphory, "invalid-argument", load(5));
    await refused(ecphory, "invalid-argument", load(undefined));
  },

  "an HTML page instead of a binary is named": async ({ ecphory, base }) => {
    const assets = new URL("html/", base);
    const error = await refused(ecphory, "not-wasm", () => ecphory.Index.create({ dimensions: 2, assets }));
    ok(/HTML/.test(error.message) && /assets/.test(error.hint), "a message that explains");
    const missing = new URL("nowhere/", base);
    await refused(ecphory, "fetch-failed", () => ecphory.Index.create({ dimensions: 2, assets: missing }));
  },

  "runtime options that cannot be are refused": async ({ ecphory }) => {
    const create = (options) => () => ecphory.Index.create({ dimensions: 2, ...options });
    await refused(ecphory, "unknown-name", create({ binary: "st-avx512" }));
    await refused(ecphory, "option-out-of-range", create({ threads: 0 }));
    await refused(ecphory, "option-out-of-range", create({ threads: 1.5 }));
    await refused(ecphory, "option-out-of-range", create({ threads: true }));
    await refused(ecphory, "invalid-argument", create({ assets: "mailto:nobody" }));
    await refused(ecphory, "invalid-argument", create({ assets: 5 }));
    await refused(ecphory, "unknown-name", create({ metric: "x".repeat(1e6) }));
    // Indexes share instances by their options: one that is there makes no others right.
    const index = await create({})();
    await refused(ecphory, "option-out-of-range", create({ threads: NaN }));
    await index.close();
  },

  "a dead instance says so, and a new index gets a new one": async (t) => {
    const { ecphory, base } = t;
    const { binary, threads } = t.options;
    // Binaries there trap when an index is asked for its memory.
    const options = { binary, threads, assets: new URL("trap/", base) };
    const index = await ecphory.Index.create({ dimensions: 2, ...options });
    const other = await ecphory.Index.create({ dimensions: 2, ...options });
    equal(index.capabilities.binary, t.expected.binary, "binary");
    await index.upsertMany([1, 2], Float32Array.of(1, 0, 0, 1));
    equal((await index.search([1, 0], { k: 1 }))[0].id, 1);
    const error = await refused(ecphory, "instance-dead", () => index.stats());
    ok(/anew/.test(error.hint), "a hint at what to do");
    await refused(ecphory, "instance-dead", () => index.search([1, 0], { k: 1 }));
    await refused(ecphory, "instance-dead", () => other.upsertMany([1], [[1, 2]]));
    await index.close();
    await other.close();
    const fresh = await ecphory.Index.create({ dimensions: 2, ...options });
    await fresh.upsertMany([5], [[1, 2]]);
    equal((await fresh.search([1, 0], { k: 1 }))[0].id, 5);
    await fresh.close();
  },
};

