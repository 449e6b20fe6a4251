// Names of what is measured, and what is said of it: figures at a recall, medians and ratios.

/** What is built and searched. */
export const names = {
  hnswlib: "hnswlib-wasm",
  relaxed: "relaxed-simd",
  simd128: "simd128",
  calls: "relaxed-simd, call by call",
  one: "pool of 1 thread",
  two: "pool of 2 threads",
  native: "native AVX2",
};

/** Recalls at which speeds are compared. */
export const RECALLS = [0.95, 0.99];

/**
 * Ratios of figures of one round: `over` times better than `under`, with the bounds they must reach.
 * Those that are claimed of the project have an id.
 */
const RATIOS = [
  {
    id: "queries_hnswlib",
    figure: "queries/s",
    recall: 0.95,
    over: names.relaxed,
    under: names.hnswlib,
    must: 6,
    aim: 9,
  },
  { figure: "queries/s", recall: 0.99, over: names.relaxed, under: names.hnswlib },
  { id: "build_hnswlib", figure: "build", over: names.relaxed, under: names.hnswlib, must: 4, aim: 6 },
  {
    id: "queries_native",
    figure: "queries/s",
    recall: 0.95,
    over: names.relaxed,
    under: names.native,
    must: 0.4,
    aim: 0.5,
  },
  { figure: "build", over: names.relaxed, under: names.native },
  {
    id: "queries_simd128",
    figure: "queries/s",
    recall: 0.95,
    over: names.relaxed,
    under: names.simd128,
    must: 1,
  },
  { figure: "queries/s", recall: 0.95, over: names.calls, under: names.hnswlib },
  { id: "queries_threads", figure: "queries/s", recall: 0.95, over: names.two, under: names.one, must: 1.7 },
  { id: "build_threads", figure: "build", over: names.two, under: names.one, must: 1.7 },
];

/**
 * Queries per second where a curve of points by rising `ef` first reaches a recall; logarithms are
 * taken to be linear in recall. `undefined` where it does not, or starts above it.
 */
export function atRecall(curve, recall) {
  const reached = curve.findIndex((point) => point.recall >= recall);
  if (reached < 1) return curve[reached]?.recall === recall ? curve[reached].qps : undefined;
  const [low, high] = [curve[reached - 1], curve[reached]];
  const share = (recall - low.recall) / (high.recall - low.recall);
  return Math.exp(Math.log(low.qps) * (1 - share) + Math.log(high.qps) * share);
}

export function median(values) {
  const sorted = values.filter((value) => value !== undefined).sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return undefined;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Medians over `rounds`, each `{ builds: { name: seconds }, curves: { name: points } }`. */
export function summary(rounds) {
  const over = (name, figure) => median(rounds.map((round) => valueOf(round, name, figure)));
  const measured = Object.values(names).filter((name) => rounds.some(({ curves }) => curves[name]));
  return {
    series: measured.map((name) => ({
      name,
      buildSeconds: median(rounds.map(({ builds }) => builds[name])),
      qps: Object.fromEntries(RECALLS.map((recall) => [recall, over(name, { figure: "queries/s", recall })])),
      curve: medianCurve(rounds.flatMap(({ curves }) => curves[name] ?? [])),
    })),
    ratios: RATIOS.flatMap((ratio) => {
      const [better, worse] = [ratio.over, ratio.under].map((name) => (round) => valueOf(round, name, ratio));
      const value = median(rounds.map((round) => divided(better(round), worse(round))));
      return value === undefined ? [] : [{ ...ratio, value }];
    }),
  };
}

/** A figure of which more is better. */
function valueOf({ builds, curves }, name, { figure, recall }) {
  if (figure === "build") return divided(1, builds[name]);
  return atRecall(curves[name] ?? [], recall);
}

function divided(a, b) {
  return a === undefined || b === undefined ? undefined : a / b;
}

/** One point for each `ef`: builds of different rounds may differ, in hnswlib by timing alone. */
function medianCurve(points) {
  const efs = [...new Set(points.map(({ ef }) => ef))].sort((a, b) => a - b);
  return efs.map((ef) => {
    const these = points.filter((point) => point.ef === ef);
    return { ef, recall: median(these.map(({ recall }) => recall)), qps: median(these.map(({ qps }) => qps)) };
  });
}
