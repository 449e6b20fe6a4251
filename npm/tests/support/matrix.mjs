// One index, every slot and every value: what a cell does, and whether it may.

import { numbers } from "../suite/data.js";
import { IDS, SLOTS, TAGGED } from "./slots.mjs";
import { DIMENSIONS, VALUES } from "./values.mjs";

const CONFIGURATIONS = [
  { metric: "cosine", rows: "f32" },
  { metric: "l2", rows: "f16" },
];

/** Letters of a message, at most: what is wrong is quoted, not repeated. */
const MESSAGE_MAX = 1_000;
const QUERY = numbers(DIMENSIONS, 11);

/** The matrix of each configuration. */
export async function* matrices() {
  const ecphory = await import("../../dist/node.js");
  for (const configuration of CONFIGURATIONS) yield Matrix.of(ecphory, configuration);
}

class Matrix {
  static async of(ecphory, configuration) {
    const matrix = Object.assign(new Matrix(), { ecphory, ...configuration });
    const { Index } = ecphory;
    const index = await Index.create({ dimensions: DIMENSIONS, ...configuration });
    await index.upsertMany(IDS, numbers(IDS.length * DIMENSIONS));
    await index.tag(TAGGED, "red");
    await index.tune();
    matrix.snapshot = await index.export();
    matrix.answer = JSON.stringify(await index.search(QUERY));
    await index.close();
    // Stays open, so that all cells share one instance: whatever ends it is noticed.
    matrix.other = await Index.load(matrix.snapshot);
    matrix.otherSet = await matrix.other.idSet([1]);
    matrix.closed = await Index.load(matrix.snapshot);
    await matrix.closed.close();
    await matrix.renew();
    return matrix;
  }

  /** An index as at first. */
  async renew() {
    await this.index?.close();
    this.index = await this.ecphory.Index.load(this.snapshot);
    this.idSet = await this.index.idSet([1, 2, 3]);
    this.closedSet = await this.index.idSet([1]);
    await this.closedSet.close();
  }

  async close() {
    await this.index.close();
    await this.other.close();
  }

  *cells() {
    for (const slot of SLOTS) {
      for (const [value, make] of VALUES) {
        yield { name: `${this.metric} ${this.rows}: ${slot.name} <- ${value}`, slot, value, make };
      }
    }
  }

  /** What is wrong with a cell, if anything is. */
  async judge({ slot, value: name, make }) {
    const value = make(this);
    const isGood = slot.good(value, this, name);
    const throws = slot.throws?.(value) ?? false;
    let complaint;
    try {
      const result = await slot.call(this, value);
      if (!isGood) complaint = `it is answered ${brief(result)}`;
      else if (!slot.answer(result, value)) complaint = `the answer is ${brief(result)}`;
    } catch (error) {
      if (!throws) complaint = isGood ? `it is refused: ${brief(error)}` : this.#untyped(error);
    }
    const changed = isGood && !throws && slot.changes;
    const state = slot.closes ? undefined : await this.#state(changed).catch((error) => `afterwards ${brief(error)}`);
    if (changed || slot.closes || state !== undefined) await this.renew();
    const answer = JSON.stringify(await this.index.search(QUERY).catch(brief));
    return complaint ?? state ?? (answer === this.answer ? undefined : `the index answers ${answer}`);
  }

  /** What a call does to an empty index, which a refused one leaves empty. */
  async emptied(call) {
    const { ecphory, metric, rows } = this;
    const index = await ecphory.Index.create({ dimensions: DIMENSIONS, metric, rows });
    try {
      return await call(index).catch(async (error) => {
        if ((await index.size()) !== 0) throw new Error(`${error} leaves ${await index.size()} items`);
        throw error;
      });
    } finally {
      await index.close();
    }
  }

  /** What is wrong with an error that a bad value gets. */
  #untyped(error) {
    const { code, message } = error ?? {};
    const isTyped = error instanceof this.ecphory.EcphoryError && typeof code === "string";
    if (!isTyped || code === "instance-dead") return `it throws ${brief(error)}`;
    return message.length <= MESSAGE_MAX ? undefined : `its message has ${message.length} letters`;
  }

  /** What is wrong with the index after a cell, which may have changed it. */
  async #state(changed) {
    const [bytes, size, ids] = [await this.index.export(), await this.index.size(), await this.index.ids()];
    if (size !== ids.length) return `it has ${size} items and ${ids.length} ids`;
    if (changed) return undefined;
    return Buffer.compare(bytes, this.snapshot) === 0 ? undefined : `the index is changed (${size} items)`;
  }
}

function brief(value) {
  const text = value instanceof Error ? `${value.code ?? value.name}: ${value.message}` : typeof value;
  return text.slice(0, 200);
}
