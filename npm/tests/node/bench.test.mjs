// The arithmetic of the benchmark: what it reads, judges and interpolates.

import { test } from "node:test";

import { K, Truth, array, half } from "../../bench/data.js";
import { atRecall, median, names, summary } from "../../bench/series.js";
import { equal, ok } from "../suite/assert.js";

function near(found, expected) {
  ok(Math.abs(found / expected - 1) < 1e-9, `${found} for ${expected}`);
}

/** A NumPy file of version 1. */
function npy(descr, shape, bytes) {
  const text = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = `${text.padEnd(53)}\n`;
  const file = new Uint8Array(10 + header.length + bytes.length);
  file.set([0x93, ...new TextEncoder().encode("NUMPY"), 1, 0, header.length, 0]);
  file.set(new TextEncoder().encode(header), 10);
  file.set(bytes, 10 + header.length);
  return file.buffer;
}

test("half-precision numbers are read exactly", () => {
  const numbers = [0x0000, 0x3c00, 0xc000, 0x0001, 0x7bff, 0x3555].map(half);
  equal(numbers, [0, 1, -2, 2 ** -24, 65504, 0.333251953125]);
  equal(half(0xfc00), -Infinity);
  ok(Number.isNaN(half(0x7e00)), "not a number");
});

test("NumPy files are read by their header", () => {
  const { shape, values } = array(npy("|i1", [2, 3], Uint8Array.of(1, 2, 3, 255, 0, 128)));
  equal([shape, [...values]], [[2, 3], [1, 2, 3, -1, 0, -128]]);
  let refused = false;
  try {
    array(npy("<i8", [1], new Uint8Array(8)));
  } catch {
    refused = true;
  }
  ok(refused, "another type is refused");
});

test("recall counts true neighbours, each once", () => {
  const items = 3 * K;
  const vectors = Float32Array.from({ length: items }, (_, at) => at);
  const truth = new Truth({ dimensions: 1, items, vectors, queries: Float32Array.of(1) });
  const nearest = Array.from({ length: K }, (_, at) => items - 1 - at);
  equal(truth.recall(nearest), 1);
  equal(truth.recall(nearest.map((id, at) => (at < 4 ? id : 0))), 4 / K);
  equal(truth.recall(nearest.map(() => items - 1)), 1 / K);
});

test("speeds are interpolated, not extrapolated", () => {
  const curve = [
    { ef: 10, recall: 0.8, qps: 1000 },
    { ef: 40, recall: 0.9, qps: 250 },
  ];
  near(atRecall(curve, 0.85), 500);
  near(atRecall(curve, 0.9), 250);
  equal([atRecall(curve, 0.7), atRecall(curve, 0.95), atRecall([], 0.9)], [undefined, undefined, undefined]);
  equal([median([3, 1, undefined, 2]), median([4, 1]), median([])], [2, 2.5, undefined]);
});

test("ratios are taken within a round", () => {
  const round = (speed) => ({
    builds: { [names.relaxed]: 2 / speed, [names.hnswlib]: 10 / speed },
    curves: Object.fromEntries(
      [names.relaxed, names.hnswlib].map((name, at) => {
        const qps = [800, 100][at] * speed;
        return [name, [{ ef: 10, recall: 0.9, qps }, { ef: 20, recall: 0.95, qps }]];
      }),
    ),
  });
  const { ratios, series } = summary([round(1), round(3), round(0.5)]);
  equal(ratios.map(({ figure }) => figure), ["queries/s", "build"]);
  near(ratios[0].value, 8);
  near(ratios[1].value, 5);
  equal(
    series.map(({ name, buildSeconds }) => [name, buildSeconds]),
    [[names.hnswlib, 10], [names.relaxed, 2]],
  );
});
