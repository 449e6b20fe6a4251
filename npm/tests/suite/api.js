// What the package does when it is used well.

import { equal, ok, refused, sameBits } from "./assert.js";
import { filled, firstIds, numbers } from "./data.js";

const DIMENSIONS = 24;

export const tests = {
  "finds the nearest of two items": async ({ ecphory, options }) => {
    const index = await ecphory.Index.create({ dimensions: 2, ...options });
    await index.upsertMany([7, 8], Float32Array.of(1, 0, 0, 1));
    const hits = await index.search([0.9, 0.1], { k: 2 });
    equal(hits.map(({ id }) => id), [7, 8]);
    ok(hits[0].distance < 0.01 && hits[1].distance > 0.8, "distances in order");
    await index.close();
  },

  "takes vectors flat or one by one, as any array of numbers": async ({ ecphory, options }) => {
    const rows = [[1, 0], Float32Array.of(0, 1), Float64Array.of(-1, 0)];
    const one = await ecphory.Index.create({ dimensions: 2, ...options });
    await one.upsertMany(Uint32Array.of(1, 2, 3), rows);
    const two = await ecphory.Index.create({ dimensions: 2, ...options });
    const buffer = Float32Array.of(9, 9, 1, 0, 0, 1, -1, 0, 9);
    await two.upsertMany([1, 2, 3], buffer.subarray(2, 8));
    equal(buffer.length, 9, "length of the caller's buffer");
    sameBits(await one.export(), await two.export(), "snapshot");
    await one.close();
    await two.close();
  },

  "each metric orders as it is defined": async ({ ecphory, options }) => {
    const vectors = [[3, 0], [1, 0], [6, 2]];
    const expected = {
      l2: [[1, 0], [0, 4], [2, 29]],
      ip: [[2, -6], [0, -3], [1, -1]],
      cosine: [[0, 0], [1, 0], [2, 1 - 6 / Math.sqrt(40)]],
    };
    for (const [metric, hits] of Object.entries(expected)) {
      const index = await ecphory.Index.create({ dimensions: 2, metric, ...options });
      await index.upsertMany([0, 1, 2], vectors);
      const found = await index.search([1, 0], { k: 3 });
      equal(found.map(({ id }) => id), hits.map(([id]) => id), `order by ${metric}`);
      found.forEach(({ distance }, at) => {
        ok(Math.abs(distance - hits[at][1]) < 1e-6, `${metric} distance ${hits[at][1]}, got ${distance}`);
      });
      await index.close();
    }
  },

  "narrow rows take less and find the same": async (t) => {
    const query = numbers(DIMENSIONS, 7);
    const [full, half, codes] = await Promise.all(
      ["f32", "f16", "codes"].map(async (rows) => {
        const index = await filled(t, 500, DIMENSIONS, { rows });
        const { memory, options } = await index.stats();
        equal(options.rows, rows);
        const [{ id }] = await index.search(query, { k: 1, ef: 200 });
        await index.close();
        return { vectors: memory.vectors, total: memory.total, id };
      }),
    );
    equal([half.vectors * 2, codes.vectors], [full.vectors, 0], "bytes of vectors");
    ok(full.total > half.total && half.total > codes.total, "bytes in all");
    equal(half.id, full.id, "nearest of 16-bit floats");
    await refused(t.ecphory, "f16-range", async () => {
      const index = await t.ecphory.Index.create({ dimensions: 2, rows: "f16", ...t.options });
      return index.upsertMany([1], [[1e5, 1]]).finally(() => index.close());
    });
  },

  "a batch answers as single searches do": async (t) => {
    const index = await filled(t, 500, DIMENSIONS);
    const queries = numbers(20 * DIMENSIONS, 7);
    const { ids, distances, k } = await index.searchBatch(queries, { k: 5, ef: 80 });
    equal([ids.length, distances.length, k], [100, 100, 5]);
    for (let row = 0; row < 20; row += 1) {
      const query = queries.subarray(row * DIMENSIONS, (row + 1) * DIMENSIONS);
      const hits = await index.search(query, { k: 5, ef: 80 });
      equal(hits.map(({ id }) => id), [...ids.subarray(row * 5, row * 5 + 5)], `ids of query ${row}`);
      equal(hits.map(({ distance }) => distance), [...distances.subarray(row * 5, row * 5 + 5)]);
    }
    await index.close();
  },

  "a tuned index is asked for a recall": async (t) => {
    const index = await filled(t, 1500, DIMENSIONS);
    equal((await index.stats()).tuning, undefined, "tuning before");
    const phases = [];
    const tuning = await index.tune({ onProgress: ({ phase }) => phases.push(phase) });
    equal([tuning.k, tuning.items, tuning.samples], [10, 1500, 256]);
    ok(phases.length > 2 && phases.every((phase) => phase === "tune"), "progress of a tuning");
    const queries = numbers(50 * DIMENSIONS, 7);
    const asked = await index.searchBatch(queries, { recall: 0.9 });
    const high = await index.searchBatch(queries, { recall: 0.99 });
    const all = await index.searchBatch(queries, { ef: 1500 });
    const recall = (found) => found.distances.filter((d, at) => d <= all.distances[at - (at % 10) + 9]).length / 500;
    ok(recall(asked) >= 0.88 && recall(high) >= 0.98, `recall ${recall(asked)}, ${recall(high)}`);
    const again = await t.ecphory.Index.load(await index.export(), t.options);
    equal((await again.stats()).tuning, tuning, "tuning of the snapshot");
    const given = await again.tune({ samples: queries });
    equal([given.samples, (await again.stats()).tuning], [50, given]);
    await index.close();
    await again.close();
  },

  "finds every item by its own vector": async (t) => {
    const index = await filled(t, 1000, DIMENSIONS, { metric: "l2" });
    const { ids, distances } = await index.searchBatch(numbers(1000 * DIMENSIONS), { k: 1, ef: 200 });
    sameBits(ids, firstIds(1000), "ids");
    sameBits(distances, new Float32Array(1000), "distances");
    await index.close();
  },

  "a snapshot reopens with the same answers and the same bytes": async (t) => {
    const { Index } = t.ecphory;
    const index = await filled(t, 300, DIMENSIONS, { metric: "ip", seed: 5, m: 8 });
    const snapshot = await index.export();
    const queries = numbers(10 * DIMENSIONS, 3);
    const before = await index.searchBatch(queries);
    await index.close();
    const exact = snapshot.slice().buffer;
    const framed = new Uint8Array(snapshot.length + 9);
    framed.set(snapshot, 4);
    const sources = { Uint8Array: snapshot, ArrayBuffer: exact, Response: new Response(snapshot) };
    sources.view = framed.subarray(4, 4 + snapshot.length);
    for (const [kind, source] of Object.entries(sources)) {
      const again = await Index.load(source, t.options);
      const after = await again.searchBatch(queries);
      sameBits(after.ids, before.ids, `ids from ${kind}`);
      sameBits(after.distances, before.distances, `distances from ${kind}`);
      sameBits(await again.export(), snapshot, `snapshot from ${kind}`);
      const { size, options } = await again.stats();
      equal([size, options.metric, options.seed, options.m], [300, "ip", 5, 8]);
      await again.close();
    }
    equal([snapshot.length > 0, exact.byteLength], [true, snapshot.length], "the caller's bytes stay");
  },

  "later calls add item by item": async (t) => {
    const index = await filled(t, 200, DIMENSIONS);
    const more = numbers(50 * DIMENSIONS, 9);
    await index.upsertMany(firstIds(50).map((id) => id + 200), more);
    equal((await index.stats()).size, 250);
    for (const at of [0, 17, 49]) {
      const [hit] = await index.search(more.subarray(at * DIMENSIONS, (at + 1) * DIMENSIONS), { k: 1 });
      equal(hit.id, 200 + at);
    }
    await index.close();
  },

  "ids may be as large as numbers are exact": async ({ ecphory, options }) => {
    const index = await ecphory.Index.create({ dimensions: 1, metric: "l2", ...options });
    await index.upsertMany([Number.MAX_SAFE_INTEGER, 0], Float32Array.of(1, 2));
    const again = await ecphory.Index.load(await index.export(), options);
    equal((await again.search([1], { k: 2 })).map(({ id }) => id), [Number.MAX_SAFE_INTEGER, 0]);
    await index.close();
    await again.close();
  },

  "reports progress to the end": async (t) => {
    const index = await t.ecphory.Index.create({ dimensions: DIMENSIONS, ...t.options });
    const seen = [];
    const onProgress = (progress) => seen.push(progress);
    await index.upsertMany(firstIds(1500), numbers(1500 * DIMENSIONS), { onProgress });
    equal([...new Set(seen.map(({ phase }) => phase))], ["check", "fit", "order", "link"]);
    const { done, total } = seen.at(-1);
    equal([done, total], [1500, 1500]);
    const later = [];
    await index.upsertMany([5000], numbers(DIMENSIONS, 4), { onProgress: ({ phase }) => later.push(phase) });
    ok(later.length > 0 && later.every((phase) => phase === "insert"), "progress of an insert");
    await index.close();
  },

  "an aborted call rejects with the signal's reason": async (t) => {
    const index = await filled(t, 100, DIMENSIONS);
    const reason = new Error("changed my mind");
    const signal = AbortSignal.abort(reason);
    const query = numbers(DIMENSIONS);
    for (const call of [
      () => index.search(query, { k: 1, signal }),
      () => index.searchBatch(query, { k: 1, signal }),
      () => index.upsertMany([900], query, { signal }),
    ]) {
      equal(await call().catch((error) => error.message), reason.message);
    }
    equal((await index.stats()).size, 100, "items");
    await index.close();
  },

  "a build that is cancelled leaves the index empty and usable": async (t) => {
    const index = await t.ecphory.Index.create({ dimensions: DIMENSIONS, ...t.options });
    const controller = new AbortController();
    const onProgress = ({ phase }) => phase === "fit" && controller.abort();
    const building = index.upsertMany(firstIds(4000), numbers(4000 * DIMENSIONS), {
      onProgress,
      signal: controller.signal,
    });
    if (t.cancels) {
      equal(await building.then(() => "built", ({ name }) => name), "AbortError");
      equal((await index.stats()).size, 0, "items");
      await index.upsertMany([1], numbers(DIMENSIONS));
    } else {
      await building;
    }
    ok((await index.stats()).size > 0, "an index that works");
    await index.close();
  },

  "a closed index refuses calls and closing is idempotent": async (t) => {
    const index = await filled(t, 10, DIMENSIONS);
    await index.close();
    await index.close();
    await refused(t.ecphory, "closed", () => index.search(numbers(DIMENSIONS), { k: 1 }));
    await refused(t.ecphory, "closed", () => index.export());
  },

  "disposal closes": async (t) => {
    if (Symbol.asyncDispose === undefined) return;
    const index = await filled(t, 10, DIMENSIONS);
    await index[Symbol.asyncDispose]();
    await refused(t.ecphory, "closed", () => index.stats());
  },

  "many indexes and calls at once keep apart": async (t) => {
    const indexes = await Promise.all([1, 2, 3, 4].map((seed) => filled(t, 100, DIMENSIONS, { seed })));
    const queries = Array.from({ length: 40 }, (_, at) => numbers(DIMENSIONS, at));
    const single = await Promise.all(queries.map((query) => indexes[0].search(query, { ef: 100 })));
    const spread = await Promise.all(queries.map((query, at) => indexes[at % 4].search(query, { ef: 100 })));
    equal(spread, single);
    await indexes[1].close();
    equal((await indexes[2].stats()).size, 100);
    await Promise.all(indexes.map((index) => index.close()));
  },

  "capabilities say what runs and why": async (t) => {
    const index = await filled(t, 10, DIMENSIONS);
    const { runtime, simd, threads, threadsReason, sharedMemory, binary } = index.capabilities;
    equal((await t.ecphory.capabilities(t.options)).binary, binary, "binary foretold");
    equal(binary, t.expected.binary, "binary");
    equal([runtime, simd, threads], [t.expected.runtime, true, t.expected.threads]);
    equal(sharedMemory, threads > 1 || binary.startsWith("mt-"), "shared memory");
    equal(typeof threadsReason, binary.startsWith("mt-") ? "undefined" : "string", "threadsReason");
    const { isa, memory, options } = await index.stats();
    equal(isa, binary.endsWith("relaxed") ? "relaxed-simd" : "simd128", "instruction set");
    ok(memory.total >= 10 * DIMENSIONS * 4, "memory that holds the vectors");
    equal(options.dimensions, DIMENSIONS);
    await index.close();
  },
};
