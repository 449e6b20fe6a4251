// Every argument of every public method, with what is good for it and what a good one is answered.
//
// A slot is { name, good, call, changes, answer }: `call` passes a value in this place, the others
// being good ones; `good` says whether the value is; `changes` whether a good call changes the index.

import { firstIds, numbers } from "../suite/data.js";
import * as kind from "./kinds.mjs";
import { DIMENSIONS } from "./values.mjs";

/** Ids 0, 1, … of the index of the matrix. */
export const IDS = firstIds(20);

/** Those of them with the tag "red". */
export const TAGGED = [1, 3];

const vector = () => numbers(DIMENSIONS, 5);
const vectors = (count) => numbers(count * DIMENSIONS, 6);

/** Slots for an argument of the index itself, and for each of its options. */
const slots = [];
const slot = (name, good, call, more = {}) => slots.push({ name, good, call, changes: false, answer: () => true, ...more });

const isCount = (value) => Number.isInteger(value) && value >= 0;
const areHits = (hits) => Array.isArray(hits) && hits.every(({ id, distance }) => isCount(id) && !Number.isNaN(distance));
const isBatch = ({ ids, distances, k }) => ids.length === distances.length && ids.length % k === 0;
const isTuning = ({ points }) => points.length > 0;

// Creating, loading, and what is known before either.
const opened = async (matrix, opening) => {
  const index = await opening;
  await index.upsertMany([1], [Array(index.dimensions).fill(1)]);
  const [hit] = await index.search(Array(index.dimensions).fill(1), { k: 1 });
  await index.close();
  return hit;
};
const create = (option) => (matrix, value) =>
  opened(matrix, matrix.ecphory.Index.create({ dimensions: DIMENSIONS, [option]: value }));
const finds = { answer: (hit) => hit.id === 1 };
const creating = {
  dimensions: kind.whole(1, 65_536),
  metric: kind.optional(kind.oneOf("l2")),
  m: kind.optional(kind.whole(4, 64)),
  efConstruction: kind.optional(kind.whole(16, 65_536)),
  codes: kind.optional(kind.nothing),
  rows: kind.optional(kind.nothing),
  seed: kind.optional(kind.id),
};
const running = {
  threads: kind.optional(kind.threads),
  binary: kind.optional(kind.oneOf("st-simd128")),
  assets: kind.optional(kind.nothing),
};
slot("Index.create", kind.nothing, ({ ecphory }, value) => ecphory.Index.create(value));
for (const [option, good] of Object.entries({ ...creating, ...running })) {
  slot(`Index.create ${option}`, good, create(option), finds);
}
slot("Index.load", kind.snapshot, ({ ecphory }, value) => closing(ecphory.Index.load(value)));
slot("Index.load options", kind.optional(kind.options), ({ ecphory, snapshot }, value) =>
  closing(ecphory.Index.load(snapshot, value)),
);
for (const [option, good] of Object.entries(running)) {
  slot(`Index.load ${option}`, good, ({ ecphory, snapshot }, value) =>
    closing(ecphory.Index.load(snapshot, { [option]: value })),
  );
}
slot("capabilities", kind.optional(kind.options), ({ ecphory }, value) => ecphory.capabilities(value));
for (const [option, good] of Object.entries({ ...running, assets: isAddress })) {
  slot(`capabilities ${option}`, good, ({ ecphory }, value) => ecphory.capabilities({ [option]: value }));
}

// Changing.
const changes = { changes: true, answer: isCount };
for (const [name, known] of Object.entries({ "a new id": 100, "a known id": 3 })) {
  slot(`upsertMany vectors of ${name}`, kind.items(1), ({ index }, value) => index.upsertMany([known], value), changes);
}
slot("upsertMany vectors", kind.items(2), ({ index }, value) => index.upsertMany([3, 100], value), changes);
slot("upsertMany ids", kind.idsFor(2), ({ index }, value) => index.upsertMany(value, vectors(2)), changes);
slot("upsertMany id", kind.id, ({ index }, value) => index.upsertMany([3, value], vectors(2)), {
  ...changes,
  good: (value) => kind.id(value) && value !== 3,
});
slot("upsertMany component", isComponent, ({ index }, value) => index.upsertMany([3, 100], withLast(value)), changes);
slot("upsertMany of an empty index: vectors", kind.items(2), (matrix, value) =>
  matrix.emptied((index) => index.upsertMany([3, 100], value)),
);
slot("upsertMany of an empty index: ids", kind.idsFor(2), (matrix, value) =>
  matrix.emptied((index) => index.upsertMany(value, vectors(2))),
);
slot("delete", kind.idOrName, ({ index }, value) => index.delete(value), {
  changes: true,
  answer: (was, value) => was === isThere(value),
});
slot("deleteMany", kind.ids, ({ index }, value) => index.deleteMany(value), {
  changes: true,
  answer: (count, value) => count === new Set(kind.elements(value, true).filter((id) => id < IDS.length)).size,
});
slot("deleteMany id", kind.id, ({ index }, value) => index.deleteMany([3, value]), changes);
slot("put", kind.nothing, ({ index }, value) => index.put(value));
const putting = {
  id: kind.idOrName,
  vector: (value, matrix) => kind.items(1)([value], matrix),
  tags: kind.optional(kind.tags),
  payload: kind.optional(kind.payload),
};
for (const [part, good] of Object.entries(putting)) {
  slot(`put ${part}`, part === "id" ? isFullName(good) : good, ({ index }, value) =>
    index.put({ id: 100, vector: vector(), [part]: value }), {
    changes: true,
    answer: (was, value) => was === (part === "id" && isThere(value)),
  });
}
for (const name of ["tag", "untag"]) {
  slot(`${name} ids`, kind.idsOrName, ({ index }, value) => index[name](value, "red"), {
    changes: true,
    answer: (count, value) => count === (name === "tag" ? there(value).length : new Set(there(value).filter(isTagged)).size),
  });
  slot(`${name} tag`, name === "tag" ? kind.tag : isTextOf(255), ({ index }, value) => index[name]([3, 100], value), changes);
}
for (const [name, call] of Object.entries({
  tag: (index, more) => index.tag([3, 100], "red", more),
  untag: (index, more) => index.untag(3, "red", more),
  upsertMany: (index, more) => index.upsertMany([3, 100], vectors(2), more),
  deleteMany: (index, more) => index.deleteMany([3, 100], more),
  tune: (index, more) => index.tune(more),
})) {
  slot(`${name} options`, kind.optional(kind.options), ({ index }, value) => call(index, value), { changes: true });
  slot(`${name} signal`, kind.optional(kind.signal), ({ index }, signal) => call(index, { signal }), { changes: true });
  slot(`${name} onProgress`, kind.optional(kind.callback), ({ index }, onProgress) => call(index, { onProgress }), {
    changes: true,
    // What the function throws is what the caller gets.
    throws: (value) => typeof value === "function" && /^class/.test(value),
  });
}
slot("tune samples", kind.optional(kind.queries(1)), ({ index }, samples) => index.tune({ samples }), {
  changes: true,
  answer: isTuning,
});

// Asking.
slot("has", kind.idOrName, ({ index }, value) => index.has(value), { answer: (has, value) => has === isThere(value) });
slot("get", kind.idOrName, ({ index }, value) => index.get(value), {
  answer: (vector, value) => (isThere(value) ? vector.length === DIMENSIONS : vector === undefined),
});
slot("item", kind.idOrName, ({ index }, value) => index.item(value), {
  answer: (item, value) => (isThere(value) ? item.id === value && item.vector.length === DIMENSIONS : item === undefined),
});
slot("idsWhere", kind.filter, ({ index }, value) => index.idsWhere(value), { answer: (ids) => ids.length === 0 });
for (const name of ["ids", "size", "allTags", "export", "stats"]) {
  slot(`${name} with an argument`, kind.anything, ({ index }, value) => index[name](value));
}
slot("idSet", kind.ids, async ({ index }, value) => {
  const set = await index.idSet(value);
  const hits = await index.search(vector(), { among: set });
  await set.close(value);
  return hits;
}, { answer: areHits });
slot("IdSet.close", kind.anything, async ({ index }, value) => (await index.idSet([1])).close(value));

const effort = {
  k: kind.optional(kind.whole(1, 20)),
  ef: kind.optional(kind.whole(1, 65_536)),
  recall: kind.optional(kind.recall),
  signal: kind.optional(kind.signal),
};
const asking = {
  search: {
    ...effort,
    among: kind.optional(kind.among),
    where: kind.optional(kind.filter),
    maxDistance: kind.optional(kind.distance),
  },
  searchBatch: {
    ...effort,
    among: kind.optional(kind.nothing),
    where: kind.optional(kind.nothing),
    maxDistance: kind.optional(kind.nothing),
  },
};
slot("search", kind.query, ({ index }, value) => index.search(value, { k: 3 }), { answer: areHits });
slot("search component", isQueryComponent, ({ index }, value) => index.search([1, 1, 1, 1, 1, 1, 1, value], { k: 3 }), {
  answer: areHits,
});
slot("search k of all within a distance", kind.optional(kind.whole(1, 65_536)), ({ index }, k) =>
  index.search(vector(), { k, maxDistance: 1 }),
);
slot("search among with a recall", kind.optional(kind.among), ({ index }, among) =>
  index.search(vector(), { among, recall: 0.5 }),
);
slot("searchBatch", kind.queries(0), ({ index }, value) => index.searchBatch(value, { k: 3 }), { answer: isBatch });
for (const [name, kinds] of Object.entries(asking)) {
  slot(`${name} options`, kind.optional(kind.options), ({ index }, value) => index[name](vector(), value));
  for (const [option, good] of Object.entries(kinds)) {
    slot(`${name} ${option}`, good, ({ index }, value) => index[name](vector(), { [option]: value }), {
      answer: name === "search" ? areHits : isBatch,
    });
  }
}

// Closing, and what comes afterwards.
slot("close with an argument", kind.anything, ({ index }, value) => index.close(value), { closes: true });
slot("Symbol.asyncDispose", kind.anything, ({ index }, value) => index[Symbol.asyncDispose ?? "close"](value), {
  closes: true,
});
for (const [name, call] of Object.entries({
  upsertMany: (index, value) => index.upsertMany(value, value),
  put: (index, value) => index.put(value),
  tag: (index, value) => index.tag(value, value),
  untag: (index, value) => index.untag(value, value),
  item: (index, value) => index.item(value),
  allTags: (index) => index.allTags(),
  idsWhere: (index, value) => index.idsWhere(value),
  delete: (index, value) => index.delete(value),
  deleteMany: (index, value) => index.deleteMany(value),
  tune: (index, samples) => index.tune({ samples }),
  search: (index, value) => index.search(value),
  searchBatch: (index, value) => index.searchBatch(value),
  idSet: (index, value) => index.idSet(value),
  has: (index, value) => index.has(value),
  get: (index, value) => index.get(value),
  ids: (index) => index.ids(),
  size: (index) => index.size(),
  export: (index) => index.export(),
  stats: (index) => index.stats(),
})) {
  slot(`${name} of a closed index`, kind.nothing, ({ closed }, value) => call(closed, value));
}
slot("close of a closed index", kind.anything, ({ closed }, value) => closed.close(value));

export const SLOTS = slots;

function isThere(value) {
  return typeof value === "number" && value < IDS.length;
}

/** Those of some ids that are there. */
function there(value) {
  return (kind.id(value) ? [value] : (kind.elements(value, true) ?? [])).filter(isThere);
}

function isTagged(id) {
  return TAGGED.includes(id);
}

/** What may be looked for may be empty, what is put may not. */
function isFullName(good) {
  return (value) => value !== "" && good(value);
}

function isTextOf(most) {
  return (value) => typeof value === "string" && value.length <= most;
}

async function closing(opening) {
  const index = await opening;
  await index.close();
}

/** A component beside ones: good if the vector is. */
function isComponent(value, matrix) {
  return kind.items(1)([withLast(value)[1]], matrix);
}

function isQueryComponent(value, matrix) {
  return kind.query(withLast(value)[1], matrix);
}

function withLast(value) {
  return [Array(DIMENSIONS).fill(2), [1, 1, 1, 1, 1, 1, 1, value]];
}

/** Where the files of a binary might lie; nothing is read. */
function isAddress(value) {
  return value === undefined || typeof value === "string" || value instanceof URL;
}
