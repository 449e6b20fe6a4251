// A summary as text and as a picture.

import { names, RECALLS } from "./series.js";

/** A table of figures, then one of ratios with their bounds. */
export function table({ series, ratios }) {
  const figures = series.map(({ name, buildSeconds, qps }) => [
    name,
    buildSeconds === undefined ? "" : buildSeconds.toFixed(2),
    ...RECALLS.map((recall) => qps[recall]).map((value) =>
      value === undefined ? "not reached" : Math.round(value).toLocaleString("en"),
    ),
  ]);
  const compared = ratios.map(({ figure, recall, over, under, value, must, aim }) => [
    recall === undefined ? figure : `${figure} at ${recall}`,
    `${over} / ${under}`,
    value.toFixed(2),
    must === undefined ? "" : `${must}`,
    aim === undefined ? "" : `${aim}`,
    must === undefined ? "" : value >= must ? "reached" : "below",
  ]);
  return [
    aligned([["", "build s", ...RECALLS.map((recall) => `queries/s at ${recall}`)], ...figures]),
    aligned([["ratio of", "", "", "must", "aim", ""], ...compared]),
  ].join("\n\n");
}

/** Columns of one width each; numbers to the right. */
function aligned(rows) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  const number = /^[\d.,]*$/;
  return rows
    .map((row, at) =>
      row
        .map((cell, column) => {
          const right = number.test(cell) || (at === 0 && number.test(rows[1]?.[column] ?? "x"));
          return right ? cell.padStart(widths[column]) : cell.padEnd(widths[column]);
        })
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}

const WIDTH = 760;
const HEIGHT = 420;
const PLOT = { left: 70, right: 560, top: 24, bottom: 370 };
const RECALL_MIN = 0.8;
const INK = "#1d2433";
const GREY = "#5a6270";
const COLOURS = {
  [names.hnswlib]: "#b3541e",
  [names.relaxed]: "#1550c0",
  [names.simd128]: "#1c8a8a",
  [names.calls]: "#7a9ae0",
  [names.one]: "#a06cc8",
  [names.two]: "#6a2fa0",
  [names.native]: "#5a6270",
};

/** Queries per second, on a logarithmic axis, against recall. */
export function picture({ series }) {
  const curves = series
    .map(({ name, curve }) => ({ name, points: curve.filter(({ recall }) => recall >= RECALL_MIN) }))
    .filter(({ points }) => points.length > 0);
  const speeds = curves.flatMap(({ points }) => points.map(({ qps }) => qps));
  const [low, high] = [Math.log10(Math.min(...speeds)) - 0.05, Math.log10(Math.max(...speeds)) + 0.05];
  const x = (recall) => PLOT.left + ((recall - RECALL_MIN) / (1 - RECALL_MIN)) * (PLOT.right - PLOT.left);
  const y = (qps) => PLOT.bottom - ((Math.log10(qps) - low) / (high - low)) * (PLOT.bottom - PLOT.top);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" ` +
      `font-family="system-ui, sans-serif" font-size="13">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    ...speedTicks(low, high).flatMap((qps) => [
      rule(PLOT.left, y(qps), PLOT.right, y(qps)),
      text(PLOT.left - 8, y(qps) + 4, label(qps), "end", GREY),
    ]),
    ...[0.8, 0.85, 0.9, 0.95, 0.99].flatMap((recall) => [
      rule(x(recall), PLOT.top, x(recall), PLOT.bottom),
      text(x(recall), PLOT.bottom + 18, `${recall}`, "middle", GREY),
    ]),
    text((PLOT.left + PLOT.right) / 2, PLOT.bottom + 38, "recall of the 10 nearest", "middle", INK),
    text(PLOT.left - 8, PLOT.top - 8, "queries/s", "end", INK),
    ...curves.map(({ name, points }) =>
      line(
        points.map(({ recall, qps }) => [x(recall), y(qps)]),
        COLOURS[name],
      ),
    ),
    ...legend(curves.map(({ name, points }) => ({ name, at: y(points.at(-1).qps) }))),
    "</svg>",
    "",
  ].join("\n");
}

/** 1, 2 and 5 times powers of ten. */
function speedTicks(low, high) {
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const digit of [1, 2, 5]) ticks.push(digit * 10 ** power);
  }
  return ticks.filter((qps) => Math.log10(qps) >= low && Math.log10(qps) <= high);
}

function rule(...ends) {
  const [x1, y1, x2, y2] = ends.map((end) => end.toFixed(1));
  return `<path d="M${x1} ${y1}L${x2} ${y2}" stroke="#dfe3ea"/>`;
}

function line(points, colour) {
  const at = points.map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
  const dots = points.map(([x, y]) => {
    return `<circle cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="3" fill="${colour}"/>`;
  });
  return `<path d="M${at.join("L")}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join("")}`;
}

/** Names beside the ends of their lines, moved apart where these are close. */
function legend(entries) {
  const apart = 18;
  let lowest = -Infinity;
  return entries
    .sort((a, b) => a.at - b.at)
    .map(({ name, at }) => {
      lowest = Math.max(at, lowest + apart);
      return text(PLOT.right + 12, lowest + 4, name, "start", COLOURS[name]);
    });
}

function text(x, y, words, anchor, colour) {
  const place = `x="${x.toFixed(1)}" y="${y.toFixed(1)}" text-anchor="${anchor}"`;
  return `<text ${place} fill="${colour}">${words}</text>`;
}

function label(qps) {
  return qps >= 1000 ? `${qps / 1000}k` : `${qps}`;
}
