// What is compared, each behind the same few functions.
//
//   name      of the build
//   build()   makes a new index over the set
//   series    by name: searches of that index, which take `ef` and answer with K row numbers a query
//   end()     frees the index

import * as ecphory from "../dist/index.js";
import { loadHnswlib } from "../hnswlib/hnswlib.js";
import { K } from "./data.js";
import { names } from "./series.js";

/** Links of a node, the same for all. */
const M = 16;
/** Candidates for them: what hnswlib is measured with everywhere; ecphory takes its own default. */
const EF_CONSTRUCTION = 200;

/** All that this page can run: without isolation there are no threads. */
export async function contenders(set) {
  const all = [
    await hnswlib(set),
    ours(set, names.relaxed, { binary: "st-relaxed" }, names.calls),
    ours(set, names.simd128, { binary: "st-simd128" }),
    ours(set, names.one, { binary: "mt-relaxed", threads: 1 }),
    ours(set, names.two, { binary: "mt-relaxed", threads: 2 }),
  ];
  const { relaxedSimd, sharedMemory } = await ecphory.capabilities({ threads: 2 });
  return all.filter(
    ({ binary = "" }) =>
      (relaxedSimd || !binary.endsWith("relaxed")) && (sharedMemory || !binary.startsWith("mt")),
  );
}

/** ecphory; `calls` names a second series, of one awaited search after the other. */
function ours({ dimensions, vectors, queries, items }, name, options, calls) {
  const ids = Float64Array.from({ length: items }, (_, at) => at);
  const rows = split(queries, dimensions);
  let index;
  const inBatches = async (ef) => Array.from((await index.searchBatch(queries, { k: K, ef })).ids);
  const oneByOne = async (ef) => {
    const found = [];
    for (const row of rows) for (const { id } of await index.search(row, { k: K, ef })) found.push(id);
    return found;
  };
  return {
    name,
    binary: options.binary,
    async build() {
      index = await ecphory.Index.create({ dimensions, m: M, ...options });
      const start = performance.now();
      await index.upsertMany(ids, vectors);
      return (performance.now() - start) / 1000;
    },
    series: { [name]: inBatches, ...(calls && { [calls]: oneByOne }) },
    end: () => index.close(),
  };
}

/** hnswlib-wasm, in the page's own thread as it comes. */
async function hnswlib({ dimensions, vectors, queries, items }) {
  const library = await loadHnswlib();
  const rows = split(vectors, dimensions);
  const asked = split(queries, dimensions);
  let index;
  return {
    name: names.hnswlib,
    async build() {
      index = new library.HierarchicalNSW("cosine", dimensions, "");
      index.initIndex(items, M, EF_CONSTRUCTION, 100);
      const start = performance.now();
      index.addItems(rows, false);
      return (performance.now() - start) / 1000;
    },
    series: {
      async [names.hnswlib](ef) {
        index.setEfSearch(ef);
        return asked.flatMap((row) => index.searchKnn(row, K, undefined).neighbors);
      },
    },
    end: async () => index.delete(),
  };
}

function split(flat, dimensions) {
  return Array.from({ length: flat.length / dimensions }, (_, at) =>
    flat.subarray(at * dimensions, (at + 1) * dimensions),
  );
}
