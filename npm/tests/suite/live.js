// What the package does with an index that changes: updates, deletes, and searches among some items.

import { equal, ok, refused, sameBits } from "./assert.js";
import { filled, firstIds, numbers } from "./data.js";

const DIMENSIONS = 16;
const L2 = { metric: "l2" };

/** The vector of item `at` of `filled`. */
const vectorOf = (at, seed) => numbers((at + 1) * DIMENSIONS, seed).slice(at * DIMENSIONS);
const idsOf = (hits) => hits.map(({ id }) => id);

export const tests = {
  "items are put, whether they are there or not": async (t) => {
    const index = await filled(t, 300, DIMENSIONS, L2);
    const moved = numbers(3 * DIMENSIONS, 9);
    equal(await index.upsertMany([5, 900, 7], moved), 2, "items that were there");
    equal(await index.size(), 301, "items");
    for (const [at, id] of [5, 900, 7].entries()) {
      const vector = moved.slice(at * DIMENSIONS, (at + 1) * DIMENSIONS);
      equal(await index.search(vector, { k: 1 }), [{ id, distance: 0 }]);
      sameBits(await index.get(id), vector, `vector of ${id}`);
    }
    const [before] = await index.search(vectorOf(5), { k: 1 });
    ok(before.distance > 0, "that nothing is found where item 5 was");
    const again = await t.ecphory.Index.load(await index.export(), t.options);
    sameBits(await again.get(7), moved.slice(2 * DIMENSIONS), "vector after a round through a snapshot");
    await index.close();
    await again.close();
  },

  "what is deleted is gone, and may come back": async (t) => {
    const index = await filled(t, 300, DIMENSIONS, L2);
    equal([await index.delete(5), await index.delete(5), await index.delete(1e6)], [true, false, false]);
    equal(await index.deleteMany([1, 2, 2, 3, 5, 1e6]), 3, "items that were there");
    equal([await index.size(), await index.has(5), await index.has(4)], [296, false, true]);
    equal(await index.get(5), undefined, "vector of a deleted item");
    sameBits(await index.ids(), firstIds(300).filter((id) => ![1, 2, 3, 5].includes(id)), "ids");
    const found = await index.search(vectorOf(5), { k: 296, ef: 296 });
    ok(!idsOf(found).some((id) => [1, 2, 3, 5].includes(id)), "no deleted item among the hits");
    equal(await index.upsertMany([5], vectorOf(5)), 0);
    equal(await index.search(vectorOf(5), { k: 1 }), [{ id: 5, distance: 0 }]);
    await index.close();
  },

  "an index that was emptied is built anew": async (t) => {
    const index = await filled(t, 200, DIMENSIONS, L2);
    equal(await index.deleteMany(await index.ids()), 200);
    equal([await index.size(), (await index.ids()).length], [0, 0]);
    await refused(t.ecphory, "empty", () => index.search(vectorOf(0)));
    equal(await index.search(vectorOf(0), { among: [1, 2] }), []);
    const phases = new Set();
    const onProgress = ({ phase }) => phases.add(phase);
    equal(await index.upsertMany(firstIds(100), numbers(100 * DIMENSIONS, 3), { onProgress }), 0);
    equal([...phases], ["check", "fit", "order", "link"]);
    equal(await index.search(vectorOf(42, 3), { k: 1 }), [{ id: 42, distance: 0 }]);
    await index.close();
  },

  "turning an index over does not make it grow": async (t) => {
    const index = await filled(t, 200, DIMENSIONS, L2);
    const bytes = [];
    for (let round = 1; round <= 20; round += 1) {
      await index.deleteMany(firstIds(100));
      await index.upsertMany(firstIds(200), numbers(200 * DIMENSIONS, round));
      bytes.push((await index.stats()).memory.total);
    }
    equal(await index.size(), 200);
    ok(bytes[19] < 1.5 * bytes[4], `memory that is used again, not ${bytes[19]} bytes after ${bytes[4]}`);
    const { ids } = await index.searchBatch(numbers(200 * DIMENSIONS, 20), { k: 1, ef: 200 });
    sameBits(ids, firstIds(200), "items by their own vectors");
    await index.close();
  },

  "a search among some finds them and no others": async (t) => {
    const index = await filled(t, 2000, DIMENSIONS, L2);
    const query = numbers(DIMENSIONS, 8);
    const all = await index.search(query, { k: 2000, ef: 2000 });
    for (const share of [2, 17, 300]) {
      const some = firstIds(2000).filter((id) => id % share === 0);
      const wanted = all.filter(({ id }) => id % share === 0);
      const expected = wanted.slice(0, 10);
      const set = await index.idSet(some);
      const missing = [...some, 5000, 6000];
      for (const among of [some, [...some], new Set(some), missing, missing.values(), set]) {
        equal(await index.search(query, { among, ef: 1000 }), expected, `one of ${share}`);
      }
      const near = { among: set, maxDistance: expected[4].distance, ef: 1000 };
      equal(await index.search(query, near), expected.slice(0, 5), "those within a distance");
      await set.close();
    }
    equal(await index.search(query, { among: [] }), []);
    equal(idsOf(await index.search(query, { k: 5, among: [7, 7, 9] })).sort(), [7, 9], "fewer than k");
    await index.close();
  },

  "a set of ids finds items as they are now": async (t) => {
    const index = await filled(t, 300, DIMENSIONS, L2);
    const set = await index.idSet([1, 2, 3, 1000]);
    await index.delete(2);
    await index.upsertMany([3, 1000], numbers(2 * DIMENSIONS, 9));
    const [hit, ...rest] = await index.search(vectorOf(1, 9), { among: set });
    equal([hit, idsOf(rest).sort()], [{ id: 1000, distance: 0 }, [1, 3]]);
    const other = await filled(t, 10, DIMENSIONS, L2);
    await refused(t.ecphory, "invalid-argument", () => other.search(vectorOf(1), { among: set }));
    await set.close();
    await set.close();
    await refused(t.ecphory, "closed", () => index.search(vectorOf(1), { among: set }));
    const late = await index.idSet([1]);
    await index.close();
    await late.close();
    await refused(t.ecphory, "closed", () => index.search(vectorOf(1), { among: late }));
    await other.close();
  },

  "items have names, tags and payloads": async (t) => {
    const index = await filled(t, 100, DIMENSIONS, L2);
    const payload = Uint8Array.of(1, 2, 3);
    const apple = { id: "Äpfel 🍎", vector: vectorOf(3, 9), tags: ["red", "round", "red"], payload };
    equal([await index.put(apple), await index.put(apple)], [false, true]);
    equal(await index.put({ id: 7, vector: vectorOf(4, 9) }), true);
    const [{ id, distance }] = await index.search(apple.vector, { k: 1 });
    equal([id, distance], [3584704374767916, 0], "the key of the name, which is part of the format");
    const again = await t.ecphory.Index.load(await index.export(), t.options);
    for (const one of [index, again]) {
      for (const known of [id, apple.id]) {
        const item = await one.item(known);
        equal({ ...item, vector: 0, payload: [...item.payload] }, { id, name: apple.id, vector: 0, tags: ["red", "round"], payload: [1, 2, 3] });
        sameBits(item.vector, apple.vector, "its vector");
        sameBits(await one.get(known), apple.vector, "the same alone");
        equal(await one.has(known), true);
      }
      const { name, tags, payload } = await one.item(7);
      equal([name, tags, payload.length], [undefined, [], 0], "what an item has that was given nothing");
      equal([await one.item("pear"), await one.item(1e6), await one.has("pear"), await one.has("")], [null, null, false, false]);
    }
    equal([await index.delete("pear"), await index.delete(apple.id), await index.delete(apple.id)], [false, true, false]);
    equal([await index.size(), await index.has(id)], [100, false]);
    await index.close();
    await again.close();
  },

  "searches find by tags": async (t) => {
    const index = await filled(t, 500, DIMENSIONS, L2);
    const every = (share) => firstIds(500).filter((id) => id % share === 0);
    equal(await index.tag([...every(2), 1000], "even"), 250, "of items that are there");
    equal(await index.tag(every(3), "out of three"), 167);
    equal([await index.tag(7, "odd"), await index.tag("pear", "odd"), await index.tag(1000, "odd")], [1, 0, 0]);
    const wanted = {
      even: (id) => id % 2 === 0,
      '!even & "out of three"': (id) => id % 6 === 3,
      "odd | (even & !even)": (id) => id === 7,
      "no-such-tag": () => false,
    };
    const query = vectorOf(9, 4);
    const all = await index.search(query, { k: 500, ef: 500 });
    for (const [where, admits] of Object.entries(wanted)) {
      sameBits(await index.idsWhere(where), firstIds(500).filter(admits), where);
      const hits = all.filter(({ id }) => admits(id));
      equal(await index.search(query, { where, ef: 500 }), hits.slice(0, 10), where);
      if (hits.length > 5) {
        equal(await index.search(query, { where, ef: 500, maxDistance: hits[4].distance }), hits.slice(0, 5));
      }
    }
    equal([...(await index.allTags())], [["even", 250], ["odd", 1], ["out of three", 167]]);
    equal([await index.untag(every(4), "even"), await index.untag(every(4), "even"), await index.untag(1, "new")], [125, 0, 0]);
    equal((await index.idsWhere("even")).length, 125);
    equal(await index.deleteMany(await index.idsWhere("even | odd")), 126);
    equal([...(await index.allTags())], [["out of three", 125]]);
    equal((await index.item(3)).tags, ["out of three"]);
    equal(await index.upsertMany([3], vectorOf(3)), 1);
    equal((await index.item(3)).tags, [], "tags of an item that was put anew");
    await index.close();
  },

  "a distance may limit what is found": async ({ ecphory, options }) => {
    const index = await ecphory.Index.create({ dimensions: 1, ...L2, ...options });
    await index.upsertMany([1, 2, 3], Float32Array.of(1, 2, 3));
    equal(idsOf(await index.search([0], { maxDistance: 4 })), [1, 2]);
    equal(idsOf(await index.search([0], { maxDistance: Infinity })), [1, 2, 3]);
    equal(await index.search([0], { maxDistance: -1 }), []);
    await index.close();
  },

  "searches may be asked for while items change": async (t) => {
    const index = await filled(t, 300, DIMENSIONS, L2);
    const calls = [];
    for (let at = 0; at < 50; at += 1) {
      calls.push(index.upsertMany([at], vectorOf(at, 2)), index.delete(100 + at));
      calls.push(index.search(vectorOf(200), { k: 1 }).then(([hit]) => equal(hit, { id: 200, distance: 0 })));
    }
    await Promise.all(calls);
    equal(await index.size(), 250);
    await index.close();
  },

  "a call that is cancelled says how far it came": async (t) => {
    const index = await filled(t, 100, DIMENSIONS, L2);
    const signal = AbortSignal.abort(new Error("enough"));
    for (const call of [
      () => index.deleteMany([1], { signal }),
      () => index.search(vectorOf(0), { among: [1], signal }),
    ]) {
      equal(await call().catch(({ message }) => message), "enough");
    }
    equal(await index.size(), 100);
    const controller = new AbortController();
    const onProgress = ({ phase, done }) => {
      equal(phase, "insert");
      if (done >= 64) controller.abort();
    };
    const ids = firstIds(4000).map((id) => 1000 + id);
    const putting = index.upsertMany(ids, numbers(4000 * DIMENSIONS, 2), { onProgress, signal: controller.signal });
    if (t.cancels) {
      equal(await putting.then(() => "put", ({ name }) => name), "AbortError");
      const size = await index.size();
      ok(size >= 164 && size < 4100, `some of the items, not ${size}`);
      equal([await index.has(1000), await index.has(4999)], [true, false]);
    } else {
      equal(await putting, 0);
    }
    await index.close();
  },

  "progress may ask for more work": async (t) => {
    const index = await filled(t, 100, DIMENSIONS, L2);
    const asked = [];
    const onProgress = ({ done }) => done === 0 && asked.push(index.upsertMany([1], vectorOf(1, 2)), index.close());
    equal(await index.upsertMany(firstIds(100), numbers(100 * DIMENSIONS, 3), { onProgress }), 100);
    equal(await Promise.all(asked), [1, null], "what was asked for");
    await refused(t.ecphory, "closed", () => index.size());
    const other = await filled(t, 10, DIMENSIONS, L2);
    equal(await other.size(), 10, "items of an index of the same instance");
    await other.close();
  },
};
