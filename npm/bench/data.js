// The set words20k from its NumPy files: vectors, queries, and the exact neighbours of each query.

/** Neighbours asked for. */
export const K = 10;

/** Reads the set from `base`, in rows of one length 1. */
export async function words20k(base) {
  const read = async (name) => array(await (await fetched(new URL(name, base))).arrayBuffer());
  const [codes, scales, queries] = await Promise.all(
    ["words20k-384.i8.npy", "words20k-scale.f32.npy", "words20k-queries-384.f16.npy"].map(read),
  );
  const [items, dimensions] = codes.shape;
  const scaled = (code, at) => code * scales.values[Math.floor(at / dimensions)];
  return {
    items,
    dimensions,
    vectors: normalised(Float32Array.from(codes.values, scaled), dimensions),
    queries: normalised(queries.values, dimensions),
  };
}

/** The row numbers of a query's neighbours are right if they are as similar as the true ones. */
export class Truth {
  #set;
  /** Similarity of the `K`-th neighbour, by query. */
  #least;

  constructor(set) {
    this.#set = set;
    const { dimensions, items, queries } = set;
    const count = queries.length / dimensions;
    this.#least = Float64Array.from({ length: count }, (_, query) => {
      const all = Float64Array.from({ length: items }, (_, item) => this.#similarity(query, item));
      return all.sort()[items - K];
    });
  }

  /** Share of the `K` nearest of all queries among `ids`, which holds `K` for each query. */
  recall(ids) {
    let hits = 0;
    this.#least.forEach((least, query) => {
      const distinct = new Set(ids.slice(query * K, (query + 1) * K));
      for (const id of distinct) hits += this.#similarity(query, id) >= least;
    });
    return hits / (this.#least.length * K);
  }

  #similarity(query, item) {
    const { dimensions, vectors, queries } = this.#set;
    const [a, b] = [query * dimensions, item * dimensions];
    let sum = 0;
    for (let i = 0; i < dimensions; i += 1) sum += queries[a + i] * vectors[b + i];
    return sum;
  }
}

/** Numbers and shape of a NumPy file in row-major order. */
export function array(buffer) {
  const view = new DataView(buffer);
  const start = 10 + view.getUint16(8, true);
  const header = new TextDecoder().decode(buffer.slice(10, start));
  const type = /'descr':\s*'([^']+)'/.exec(header)?.[1];
  const shape = /'shape':\s*\(([^)]*)\)/.exec(header)?.[1].split(",").filter(Boolean).map(Number);
  const inRows = shape !== undefined && /'fortran_order':\s*False/.test(header);
  if (!inRows) throw new Error(`not in rows: ${header}`);
  const body = buffer.slice(start);
  if (type === "|i1") return { shape, values: new Int8Array(body) };
  if (type === "<f4") return { shape, values: new Float32Array(body) };
  if (type === "<f2") return { shape, values: Float32Array.from(new Uint16Array(body), half) };
  throw new Error(`numbers of type ${type} are not read here`);
}

/** The number that 16 bits of IEEE 754 stand for. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

function normalised(values, dimensions) {
  const rows = Float32Array.from(values);
  for (let start = 0; start < rows.length; start += dimensions) {
    const row = rows.subarray(start, start + dimensions);
    const length = Math.hypot(...row);
    row.forEach((value, i) => (row[i] = value / length));
  }
  return rows;
}

async function fetched(url) {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return response;
}
