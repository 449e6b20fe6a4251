// Small data sets that are the same in every run.

/** Numbers in -1..1 from a linear congruential generator. */
export function numbers(count, seed = 1) {
  let state = seed >>> 0;
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 0x8000_0000 - 1;
  });
}

/** Ids 0, 1, … */
export function firstIds(count) {
  return Float64Array.from({ length: count }, (_, id) => id);
}

/** An index over `count` vectors of `dimensions` numbers, with ids 0, 1, … */
export async function filled({ ecphory, options }, count, dimensions, more = {}) {
  const index = await ecphory.Index.create({ dimensions, ...more, ...options });
  await index.upsertMany(firstIds(count), numbers(count * dimensions));
  return index;
}
