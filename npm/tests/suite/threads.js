// What holds only where there are threads.

import { equal, ok, refused } from "./assert.js";
import { filled, firstIds, numbers } from "./data.js";

export const tests = {
  "every processor gets a thread unless told otherwise": async (t) => {
    const index = await filled(t, 100, 8);
    const { threads, sharedMemory, memoryMax } = index.capabilities;
    equal(threads, Math.min(Math.max(navigator.hardwareConcurrency, 1), 16), "threads");
    equal(sharedMemory, true, "shared memory");
    ok(memoryMax >= 256 * 2 ** 20, "at least 256 MiB of memory");
    await index.close();
  },

  "threads: false means none": async (t) => {
    const index = await filled({ ...t, options: { threads: false } }, 100, 8);
    const { threads, threadsReason, binary, sharedMemory } = index.capabilities;
    equal([threads, sharedMemory, binary.slice(0, 2)], [1, false, "st"]);
    ok(/threads is false/.test(threadsReason), "the reason");
    await index.close();
  },

  "the page goes on while an index is built": async (t) => {
    const index = await t.ecphory.Index.create({ dimensions: 64, ...t.options });
    let beats = 0;
    const heart = setInterval(() => (beats += 1), 5);
    await index.upsertMany(firstIds(3000), numbers(3000 * 64));
    clearInterval(heart);
    ok(beats > 5, `a page that goes on (${beats} beats)`);
    await index.close();
  },

  "a thread that dies takes the instance with it instead of hanging": async ({ ecphory, base }) => {
    const assets = new URL("thread-trap/", base);
    await refused(ecphory, "instance-dead", async () => {
      const index = await ecphory.Index.create({ dimensions: 2, assets, threads: 1 });
      await index.upsertMany([1, 2], Float32Array.of(1, 0, 0, 1));
    });
  },
};
