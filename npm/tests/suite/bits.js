// The same bits as natively: files that the Rust test `bits` wrote are opened, searched and rebuilt.

import { equal, ok, sameBits } from "./assert.js";
import { firstIds } from "./data.js";

/** What the native test wrote, read once. */
async function read(base) {
  const bytes = async (name) => {
    const response = await fetch(new URL(`bits/${name}`, base));
    if (!response.ok) throw new Error(`bits/${name}: ${response.status}; run the Rust test \`bits\` first`);
    return response.arrayBuffer();
  };
  const { dimensions, items, queries: count, k } = JSON.parse(new TextDecoder().decode(await bytes("bits.json")));
  const [vectors, queries, distances] = (
    await Promise.all(["vectors.f32", "queries.f32", "distances.f32"].map(bytes))
  ).map((buffer) => new Float32Array(buffer));
  const ids = new Float64Array(await bytes("ids.f64"));
  const snapshot = new Uint8Array(await bytes("words.ecp"));
  equal([vectors.length, queries.length, ids.length], [items * dimensions, count * dimensions, count * k]);
  return { dimensions, items, k, vectors, queries, ids, distances, snapshot };
}

let cache;
const files = (base) => (cache ??= read(base));

const answerTests = {
  "the native snapshot gives the native answers": async ({ ecphory, options, base }) => {
    const { queries, ids, distances, snapshot, k } = await files(base);
    const index = await ecphory.Index.load(snapshot, options);
    const found = await index.searchBatch(queries, { k });
    sameBits(found.ids, ids, "ids");
    sameBits(found.distances, distances, "distances");
    await index.close();
  },
};

const buildTests = {
  "a snapshot built here has the bytes of the native one": async ({ ecphory, options, base, note }) => {
    const { dimensions, items, vectors, snapshot } = await files(base);
    const index = await ecphory.Index.create({ dimensions, ...options });
    const start = performance.now();
    await index.upsertMany(firstIds(items), vectors);
    note(`built ${items} × ${dimensions} in ${((performance.now() - start) / 1000).toFixed(1)} s`);
    sameBits(await index.export(), snapshot, "snapshot");
    await index.close();
  },
};

/** Rounds of the batch that is timed. */
const ROUNDS = 5;

const speedTests = {
  // Measured, not judged: what two threads give depends on what else the machine does.
  "a batch on two threads against one": async ({ ecphory, base, note }) => {
    const { queries, snapshot, k, dimensions } = await files(base);
    const rates = [];
    for (const threads of [1, 2]) {
      const index = await ecphory.Index.load(snapshot, { threads, binary: `mt-${await simd(ecphory)}` });
      equal(index.capabilities.threads, threads, "threads");
      await index.searchBatch(queries, { k });
      const start = performance.now();
      for (let round = 0; round < ROUNDS; round += 1) await index.searchBatch(queries, { k });
      const seconds = (performance.now() - start) / 1000;
      rates.push((ROUNDS * queries.length) / dimensions / seconds);
      await index.close();
    }
    const [one, two] = rates;
    ok(one > 0 && two > 0, "rates");
    note(`${one.toFixed(0)} queries/s on 1 thread, ${two.toFixed(0)} on 2: ratio ${(two / one).toFixed(2)}`);
  },
};

export const answers = { tests: answerTests };
export const builds = { tests: buildTests };
export const speed = { tests: speedTests };

async function simd({ capabilities }) {
  return (await capabilities()).relaxedSimd ? "relaxed" : "simd128";
}
