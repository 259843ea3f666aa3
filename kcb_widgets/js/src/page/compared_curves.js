// @ts-check
// Puts the curves that stand in a comparison's page on one grid, as kcb_widgets/panels/comparison/curves.py and picture.py do.
import { grouped } from "./compared_groups.js";
import { drawnOf } from "./compared_looks.js";
import { changesOf, placesOf, reasonsOf } from "./placing.js";

/** @typedef {{length: number, clock: number, x: number, curves: Record<string, {y: number, weight: number | [number, number]}>}} Table */
/** @typedef {{curves: Record<string, Table[]>, bytes: DataView, ids: string[], together: Record<string, import("./compared_groups.js").Together>,
 *   colours: Record<string, import("./compared_looks.js").Colours>, places: Record<string, import("./placing.js").Places>, words: import("./placing.js").Words,
 *   series: string[]}} Shipped what stands in the page */
/** @typedef {{x: Float64Array, y: Float64Array, weight: Float64Array}} Points those that are finite */
/** @typedef {{run: string, curve: string, raw: Float64Array, smooth: Float64Array | null}} Binned */
/** @typedef {import("../panels/comparison/comparison.js").Choices} Choices */

const MAX_POINTS = 60_000; // of all curves together
const [MIN_BINS, MAX_BINS] = [50, 1000];
const WIDEST = 0.3; // the mean at most smoothing is over this part of what is in view

/** @param {Shipped} shipped @param {string} run @param {string} metric @param {Choices} choices @returns {Points | null} null: it has none, or nothing tells where they are */
function pointsOf({ curves, bytes, places }, run, metric, { x: axis, align }) {
  const table = (curves[run] ?? []).find((each) => Object.hasOwn(each.curves, metric));
  const place = placesOf(places[run], axis, align);
  if (!table || !place) return null;
  const { y, weight } = table.curves[metric];
  const x = table.x + place.row * table.length;
  const base = axis === "clock" ? table.clock : 0;
  /** @type {[number, number, number][]} */
  const found = [];
  for (let i = 0; i < table.length; i++) {
    const value = bytes.getFloat32(4 * (y + i), true);
    const heavy = typeof weight === "number" ? bytes.getFloat32(4 * (weight + i), true) : weight[i < table.length - 1 ? 0 : 1];
    if (Number.isFinite(value)) found.push([(base + bytes.getFloat32(4 * (x + i), true)) * place.scale - place.zero, value, heavy]);
  }
  return { x: Float64Array.from(found, (each) => each[0]), y: Float64Array.from(found, (each) => each[1]), weight: Float64Array.from(found, (each) => each[2]) };
}

/** The mean of each bin, NaN where there is none. @param {Points} points @param {ArrayLike<number>} y @param {{first: number, last: number, bins: number}} grid */
function means({ x, weight }, y, { first, last, bins }) {
  const [sum, total] = [new Float64Array(bins), new Float64Array(bins)];
  const edge = (/** @type {number} */ bin) => first + bin * ((last - first) / bins);
  for (let i = 0; i < x.length; i++) {
    if (x[i] < first || x[i] > last) continue;
    let bin = Math.min(bins - 1, Math.floor(((x[i] - first) / (last - first)) * bins));
    if (x[i] < edge(bin)) bin--; // a quotient may be rounded over an edge
    else if (bin < bins - 1 && x[i] >= edge(bin + 1)) bin++;
    sum[bin] += weight[i] * y[i];
    total[bin] += weight[i];
  }
  return sum.map((each, i) => each / total[i]);
}

/** At each point the mean of all within half a width to either side. @param {Points} points @param {number} width */
function movingMean({ x, y, weight }, width) {
  const made = new Float64Array(x.length);
  let [from, to, sum, total] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    for (; to < x.length && x[to] <= x[i] + width / 2; to++) [sum, total] = [sum + weight[to] * y[to], total + weight[to]];
    for (; x[from] < x[i] - width / 2; from++) [sum, total] = [sum - weight[from] * y[from], total - weight[from]];
    made[i] = sum / total;
  }
  return made;
}

/** What a kernel would send. @param {Shipped} shipped @param {Choices} choices
 * @param {number | null} first @param {number | null} last of what is looked at; null: everything
 * @returns {{header: object, buffer: DataView}} */
export function compare(shipped, choices, first, last) {
  const { metric, which, x, align, band, smoothing, group } = choices;
  const runs = drawnOf(shipped.ids, choices);
  const wanted = [["train", metric], ["validation", `val_${metric}`]].filter(([curve]) => (which === "both" || which === curve) && !(curve === "validation" && metric.startsWith("val_")));
  const lines = runs.flatMap((run) => wanted.map(([curve, name]) => ({ run, curve, points: pointsOf(shipped, run, name, choices) })));
  const there = /** @type {{run: string, curve: string, points: Points}[]} */ (lines.filter(({ points }) => points));
  const spans = there.filter(({ points }) => points.x.length).map(({ points }) => [points.x[0], points.x[points.x.length - 1]]);
  const whole = spans.length ? [Math.min(...spans.map(([each]) => each)), Math.max(...spans.map(([, each]) => each))] : [0, 1];
  const low = first ?? whole[0];
  const high = last ?? whole[1];
  const bins = Math.min(MAX_BINS, Math.max(MIN_BINS, Math.floor(MAX_POINTS / Math.max(1, there.length * (smoothing ? 2 : 1)))));
  const grid = { first: low, last: high > low ? high : low + 1, bins };
  const width = WIDEST * smoothing ** 2 * (grid.last - grid.first);
  const binned = there.map(({ run, curve, points }) => ({
    run,
    curve,
    raw: means(points, points.y, grid),
    smooth: smoothing && curve === "train" && points.x.length ? means(points, movingMean(points, width), grid) : null,
  }));
  const together = group === null ? [] : grouped(shipped, binned, choices, group, there);
  const parts = group === null ? binned.flatMap(({ raw, smooth }) => (smooth ? [raw, smooth] : [raw])) : together.flatMap((each) => each.parts);
  const buffer = new DataView(new ArrayBuffer(4 * bins * parts.length));
  parts.forEach((part, n) => part.forEach((value, i) => buffer.setFloat32(4 * (n * bins + i), value, true)));
  const series = group === null ? binned.map(({ run, curve, smooth }) => ({ run, curve, smooth: smooth !== null })) : [];
  const drawn = new Set(there.map(({ run }) => run));
  const beside = { ...changesOf(shipped.places, [...drawn], choices), left_out: reasonsOf(shipped, runs.filter((run) => !drawn.has(run)), choices), axes: shipped.series };
  return { header: { x, align, metric, band, ...grid, whole, series, groups: together.map((each) => each.described), ...beside }, buffer };
}
