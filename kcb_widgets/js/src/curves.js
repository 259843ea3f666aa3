// @ts-check
// From tables to curves: which lines a plot has, and the columns that uPlot wants.
import { spans } from "./axis.js";
import { smooth } from "./smoothing.js";

/** @typedef {import("./picture.js").Picture} Picture */
/** @typedef {import("./picture.js").Table} Table */
/** @typedef {import("./picture.js").Series} Series */
/** @typedef {"raw" | "smooth" | "running" | "epoch" | "val" | "control"} Role */
/** @typedef {(number | null | undefined)[]} Values null is a gap, undefined is no value here */
/** @typedef {{key: string, label: string, role: Role, metric: number, xs: number[], ys: Values,
 *   ends: Float64Array, exact: ArrayLike<number | null>, per: number}} Curve ends and exact: what a readout looks up */
/** @typedef {{group: string, strip: boolean, curves: Curve[]}} Plot */

/** @param {number} value */
const orNull = (value) => (Number.isFinite(value) ? value : null);

/** Both ends of each bucket's range, in the order in which they happened.
 * @param {Table} table @param {Series} series @param {{from: Float64Array, to: Float64Array}} at */
function zigzag(table, series, { from, to }) {
  /** @type {number[]} */
  const xs = [];
  /** @type {Values} */
  const ys = [];
  const { mean, min, max, order } = series;
  for (let i = 0; i < table.length; i++) {
    if (min && max && to[i] > from[i]) {
      const minFirst = !order || order[i];
      xs.push(from[i], to[i]);
      ys.push(orNull(minFirst ? min[i] : max[i]), orNull(minFirst ? max[i] : min[i]));
    } else {
      xs.push(to[i]);
      ys.push(orNull(mean[i]));
    }
  }
  return { xs, ys };
}

/** @param {Table} table @param {Series} series @param {import("./axis.js").Mode} mode @param {number} smoothing @param {number} metric
 * @param {Picture["bad"]} bad @returns {Curve[]} */
function curvesOf(table, series, mode, smoothing, metric, bad) {
  const at = spans(table, mode);
  const ends = at.to;
  const key = (/** @type {Role} */ role) => `${series.name}|${series.kind}|${role}`;
  const common = { metric, ends, per: table.perBucket };
  if (series.kind === "train") {
    const raw = zigzag(table, series, at);
    const ema = smooth(series.mean, table.weight, smoothing);
    return [
      { ...common, key: key("raw"), label: series.label, role: "raw", exact: series.mean, ...raw },
      { ...common, key: key("smooth"), label: "smoothed", role: "smooth", exact: ema, xs: [...ends], ys: ema },
    ];
  }
  /** @type {Values} */
  const ys = Array.from(series.mean, orNull);
  const role = /** @type {Role} */ (["running", "epoch", "val", "control"].includes(series.kind) ? series.kind : "running");
  if (role === "val" || role === "epoch") {
    // An epoch without validation is no gap: the line goes on. One whose value was not a number is.
    const wrong = new Set(bad.filter((each) => each.name === series.name).map((each) => each.step));
    ys.forEach((y, i) => y === null && !wrong.has(table.x.end[i]) && delete ys[i]);
  }
  const xs = [...(role === "control" ? at.from : ends)];
  return [{ ...common, key: key(role), label: series.label, role, exact: series.mean, xs, ys }];
}

/** @param {Picture} picture @param {import("./axis.js").Mode} mode @param {number} smoothing @returns {Plot[]} metrics first, then settings */
export function buildPlots(picture, mode, smoothing) {
  /** @type {Map<string, Plot & {metrics: string[]}>} */
  const plots = new Map();
  for (const table of picture.tables) {
    for (const series of table.series) {
      const strip = series.kind === "control";
      const id = `${strip ? "control" : "metric"}|${series.group}`;
      let plot = plots.get(id);
      if (!plot) plots.set(id, (plot = { group: series.group, strip, curves: [], metrics: [] }));
      const base = series.name.replace(/^val_/, "");
      if (!plot.metrics.includes(base)) plot.metrics.push(base);
      plot.curves.push(...curvesOf(table, series, mode, smoothing, plot.metrics.indexOf(base), picture.bad));
    }
  }
  // Keras sorts its logs; what is minimised comes first here, and settings last.
  const rank = (/** @type {Plot} */ { group, strip }) => (strip ? 2 : group === "loss" ? 0 : 1);
  return [...plots.values()].sort((a, b) => rank(a) - rank(b));
}

/** The value at x: the bucket that holds it, or the last value there was for what is measured now and then.
 * @param {Curve} curve @param {number | null} x null: the latest @returns {number | null} */
export function valueAt(curve, x) {
  const { ends, exact, role } = curve;
  if (!ends.length) return null;
  if (x === null) {
    for (let i = ends.length - 1; i >= 0; i--) {
      const value = exact[i];
      if (value !== null && Number.isFinite(value)) return value;
    }
    return exact[ends.length - 1];
  }
  let low = 0;
  let high = ends.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ends[middle] < x) low = middle + 1;
    else high = middle;
  }
  // low: the first that ends at or after x.
  if (low < ends.length && ends[low] === x) return exact[low];
  if (role === "epoch" || role === "val" || role === "control") return low ? exact[low - 1] : null;
  return exact[Math.min(low, ends.length - 1)];
}

/** One x column for curves that were measured at different places. Where a curve has no point it is undefined, which draws
 * through; null is a gap.
 * @param {Curve[]} curves @param {boolean} log zero and below have no place on a logarithmic axis
 * @returns {[number[], ...(number | null | undefined)[][]]} */
export function align(curves, log) {
  const at = curves.map(() => 0);
  /** @type {number[]} */
  const xs = [];
  /** @type {(number | null | undefined)[][]} */
  const columns = curves.map(() => []);
  for (;;) {
    let x = Infinity;
    for (let c = 0; c < curves.length; c++) {
      const next = curves[c].xs[at[c]];
      if (next < x) x = next;
    }
    if (x === Infinity) break;
    for (let c = 0; c < curves.length; c++) {
      const curve = curves[c];
      if (curve.xs[at[c]] !== x) continue;
      const y = curve.ys[at[c]++];
      columns[c][xs.length] = log && y != null && y <= 0 ? null : y;
    }
    xs.push(x);
  }
  for (const column of columns) {
    column.length = xs.length;
    widen(column);
  }
  return [xs, ...columns];
}

/** A gap reaches from the last value before it to the first after it, over places where only other curves have points.
 * @param {(number | null | undefined)[]} column */
function widen(column) {
  let gap = false;
  for (let i = 0; i < column.length; i++) {
    if (column[i] === undefined && gap) column[i] = null;
    else if (column[i] !== undefined) gap = column[i] === null;
  }
  gap = false;
  for (let i = column.length - 1; i >= 0; i--) {
    if (column[i] === undefined && gap) column[i] = null;
    else if (column[i] !== undefined) gap = column[i] === null;
  }
}
