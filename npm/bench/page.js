// Builds and searches with every contender in turn, round by round, and shows what came out.
//
//   ?rounds=3    how often all of it is repeated; figures are medians
//   ?native      the server has the native command, and POST /native answers with a round of it
//   POST /report takes news and, at the end, everything

import { contenders } from "./contenders.js";
import { Truth, words20k } from "./data.js";
import { picture, table } from "./report.js";
import { RECALLS, names, summary } from "./series.js";

const EFS = [10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512];
/** Passes for a point; the fastest counts, as in the native command, which makes as many. */
const PASSES = 4;
/** Shortest time in which queries per second are measured: a pass repeats its queries to fill it. */
const PASS_MS = 30;

const show = (id, text) => (document.getElementById(id).textContent = text);

async function post(path, message) {
  return fetch(path, { method: "POST", body: JSON.stringify(message) });
}

async function say(now) {
  show("now", now);
  await post("/report?page=bench", { now });
}

/** Builds all of them, then measures points of all curves side by side. */
async function round(all, truth, queries, label) {
  const builds = {};
  for (const { name, build } of all) {
    await say(`${label}: ${name} builds`);
    builds[name] = await build();
  }
  const series = all.flatMap((contender) => Object.entries(contender.series));
  const curves = Object.fromEntries(series.map(([name]) => [name, []]));
  const reached = (name) => (curves[name].at(-1)?.recall ?? 0) >= Math.max(...RECALLS);
  for (const ef of EFS) {
    const left = series.filter(([name]) => !reached(name));
    if (left.length === 0) break;
    await say(`${label}: ef ${ef}`);
    for (const [name, point] of await points(left, ef, truth, queries)) curves[name].push(point);
  }
  for (const { end } of all) await end();
  return { builds, curves };
}

/** One point of each series; their passes alternate, so that a disturbance meets all of them. */
async function points(series, ef, truth, queries) {
  const found = [];
  for (const [name, search] of series) {
    const start = performance.now();
    const recall = truth.recall(await search(ef));
    const repeats = Math.max(1, Math.ceil(PASS_MS / (performance.now() - start)));
    found.push({ name, search, repeats, recall, best: Infinity });
  }
  for (let pass = 0; pass < PASSES; pass += 1) {
    for (const one of found) {
      const start = performance.now();
      for (let i = 0; i < one.repeats; i += 1) await one.search(ef);
      one.best = Math.min(one.best, (performance.now() - start) / one.repeats);
    }
  }
  return found.map(({ name, recall, best }) => [name, { ef, recall, qps: queries / (best / 1000) }]);
}

/** The native command's figures for this round. */
async function native({ builds, curves }, label) {
  await say(`${label}: ${names.native}`);
  const response = await post("/native");
  if (!response.ok) throw new Error(`the native command failed: ${await response.text()}`);
  const { build, search } = await response.json();
  builds[names.native] = build.seconds;
  curves[names.native] = search.map(({ ef, recall, qps }) => ({ ef, recall, qps }));
}

async function run() {
  const asked = new URLSearchParams(location.search);
  const rounds = Number(asked.get("rounds") ?? 3);
  const set = await words20k(new URL("../words20k/", import.meta.url));
  const queries = set.queries.length / set.dimensions;
  show("set", `${set.items} senses of WordNet in ${set.dimensions} dimensions, cosine, ${queries} queries`);
  await say("searching exactly");
  const truth = new Truth(set);
  const all = await contenders(set);
  const done = [];
  for (let number = 1; number <= rounds; number += 1) {
    const label = `round ${number} of ${rounds}`;
    const measured = await round(all, truth, queries, label);
    if (asked.has("native")) await native(measured, label);
    done.push(measured);
    const result = summary(done);
    document.getElementById("picture").innerHTML = picture(result);
    show("table", table(result));
  }
  show("now", "done");
  const { items, dimensions } = set;
  const browser = { agent: navigator.userAgent, processors: navigator.hardwareConcurrency };
  const result = { set: { items, dimensions, queries }, browser, rounds: done, ...summary(done) };
  await post("/report?page=bench", { result });
}

run().catch(async (error) => {
  show("now", String(error));
  await post("/report?page=bench", { fatal: String(error?.stack ?? error) });
});
