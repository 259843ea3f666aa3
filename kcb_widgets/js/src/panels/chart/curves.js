// @ts-check
// Builds curves from tables: the lines of each plot, and the columns for uPlot.
import { connectorsOf, lineageOf, splitAbandoned } from "./branches.js";
import { smooth, smoothingScale } from "./smoothing.js";
import { bucketRanges } from "./x_axis.js";

/** @typedef {import("../../link/series_decoder.js").Picture} Picture */
/** @typedef {import("../../link/series_decoder.js").Table} Table */
/** @typedef {import("../../link/series_decoder.js").Series} Series */
/** @typedef {"raw" | "smooth" | "running" | "epoch" | "val" | "eval" | "control" | "plan" | "baseline" | "best"} Role best: no curve, a line beside them */
/** @typedef {(number | null | undefined)[]} Values null is a gap, undefined is no value here */
/** @typedef {{from: number, to: number, last: boolean}} Stretch in units of x; last: it reaches to the end */
/** @typedef {{key: string, label: string, role: Role, metric: number, xs: number[], ys: Values,
 *   ends: Float64Array, exact: ArrayLike<number | null>, wrong?: Stretch[], live?: Uint8Array, abandoned?: import("./branches.js").Abandoned | null,
 *   connectors?: import("./branches.js").Connector[]}} Curve
 * ends and exact: what a readout looks up; wrong: where values are not finite; live, abandoned and connectors: where the run went back to an earlier step */
/** @typedef {{group: string, strip: boolean, curves: Curve[]}} Plot */

/** @param {number} value */
const orNull = (value) => (Number.isFinite(value) ? value : null);

/** The minimum and maximum of each bucket, in the order in which they happened.
 * @param {Table} table @param {Series} series @param {{from: Float64Array, to: Float64Array}} at */
function minMaxPoints(table, series, { from, to }) {
  /** @type {number[]} */
  const xs = [];
  /** @type {Values} */
  const ys = [];
  /** @type {number[]} the bucket of each point */
  const of = [];
  const { mean, min, max, order } = series;
  for (let i = 0; i < table.length; i++) {
    if (min && max && to[i] > from[i]) {
      const minFirst = !order || order[i];
      xs.push(from[i], to[i]);
      ys.push(orNull(minFirst ? min[i] : max[i]), orNull(minFirst ? max[i] : min[i]));
      of.push(i, i);
    } else {
      xs.push(to[i]);
      ys.push(orNull(mean[i]));
      of.push(i);
    }
  }
  return { xs, ys, of };
}

/** Where a series was not finite: a value that was left out is none of those, so only what Python has marked counts.
 * @param {Table} table @param {Series} series @param {{from: Float64Array, to: Float64Array}} at @param {Picture["bad"]} bad
 * @param {Uint8Array | undefined} live @returns {Stretch[]} */
function wrongStretches({ length, x }, { name, mean }, { from, to }, bad, live) {
  const marks = bad.filter((each) => each.name === name).map((each) => each.step);
  /** @type {Stretch[]} */
  const found = [];
  for (let i = 0; marks.length && i < length; i++) {
    if (Number.isFinite(mean[i]) || (live && !live[i])) continue;
    let end = i;
    while (end + 1 < length && !Number.isFinite(mean[end + 1]) && !(live && !live[end + 1])) end++;
    if (marks.some((step) => step >= x.step[i] && step <= x.end[end])) {
      let last = end + 1;
      while (live && last < length && !live[last]) last++;
      found.push({ from: from[i], to: to[end], last: last >= length });
    }
    i = end;
  }
  return found;
}

/** @type {Set<Role>} roles that are measured now and then: the last value holds until the next */
const SPARSE_ROLES = new Set(["epoch", "val", "eval", "control", "plan", "baseline"]);
/** @type {Set<string>} */
const ROLES = new Set(["running", ...SPARSE_ROLES]);

/** @typedef {{amount: number, rows: number}} Smoothing rows: batches in view */

/** @param {Table} table @param {Series} series @param {import("./x_axis.js").Mode} mode @param {Smoothing} smoothing @param {number} metric
 * @param {Picture} picture @returns {Curve[]} */
function curvesOf(table, series, mode, smoothing, metric, { bad, branches }) {
  const at = bucketRanges(table, mode);
  const ends = at.to;
  const other = series.kind === "baseline"; // which has branches and marks of its own
  const lineage = other || series.kind === "control" || series.kind === "plan" ? null : lineageOf(table, branches);
  const key = (/** @type {Role} */ role) => `${series.name}|${series.kind}|${role}`;
  const common = { metric, ends, live: lineage?.live, wrong: other ? [] : wrongStretches(table, series, at, bad, lineage?.live) };
  const each = Array.from(ends, (_, i) => i);
  /** @param {number[]} xs @param {Values} ys @param {number[]} [of] */
  const withoutAbandoned = (xs, ys, of = each) => ({ xs, ...(lineage ? splitAbandoned(xs, ys, of, lineage) : { ys }) });
  if (series.kind === "train") {
    const raw = minMaxPoints(table, series, at);
    const ema = smooth(series.mean, table.weight, smoothing.amount, smoothingScale(smoothing.rows), lineage?.jumps);
    const xs = [...ends];
    return [
      { ...common, key: key("raw"), label: series.label, role: "raw", exact: series.mean, ...withoutAbandoned(raw.xs, raw.ys, raw.of) },
      { ...common, key: key("smooth"), label: "smoothed", role: "smooth", exact: ema, ...withoutAbandoned(xs, ema), connectors: lineage ? connectorsOf(xs, ema, lineage) : [] },
    ];
  }
  /** @type {Values} */
  const ys = Array.from(series.mean, orNull);
  const role = /** @type {Role} */ (ROLES.has(series.kind) ? series.kind : "running");
  if (role === "val" || role === "epoch" || role === "eval" || other) {
    // An epoch without validation is no gap: the line goes on. One whose value was not a number is.
    const wrong = new Set(bad.filter((each) => each.name === series.name).map((each) => each.step));
    ys.forEach((y, i) => y === null && (other || !wrong.has(table.x.end[i])) && delete ys[i]);
  }
  const xs = [...(role === "control" ? at.from : ends)];
  const connectors = lineage && (role === "val" || role === "running") ? connectorsOf(xs, ys, lineage) : [];
  return [{ ...common, key: key(role), label: series.label, role, exact: series.mean, ...withoutAbandoned(xs, ys), connectors }];
}

/** The planned curve begins at the last point of the actual one.
 * @param {Plot} plot */
function joinPlan({ curves }) {
  const [now, plan] = ["control", "plan"].map((role) => curves.find((curve) => curve.role === role));
  if (!now || !plan || !now.xs.length) return;
  const last = now.xs.length - 1;
  const from = plan.xs.findIndex((x) => x > now.xs[last]);
  plan.xs = [now.xs[last], ...(from < 0 ? [] : plan.xs.slice(from))];
  plan.ys = [now.ys[last], ...(from < 0 ? [] : plan.ys.slice(from))];
}

/** @param {Picture} picture @param {import("./x_axis.js").Mode} mode @param {Smoothing} smoothing @returns {Plot[]} metrics first, then settings */
export function buildPlots(picture, mode, smoothing) {
  /** @type {Map<string, Plot & {metrics: string[]}>} */
  const plots = new Map();
  for (const table of picture.tables) {
    for (const series of table.series) {
      const strip = series.kind === "control" || series.kind === "plan";
      const id = `${strip ? "control" : "metric"}|${series.group}`;
      let plot = plots.get(id);
      if (!plot) plots.set(id, (plot = { group: series.group, strip, curves: [], metrics: [] }));
      const base = series.name.replace(/^val_/, "");
      if (!plot.metrics.includes(base)) plot.metrics.push(base);
      const curves = curvesOf(table, series, mode, smoothing, plot.metrics.indexOf(base), picture);
      // What is compared with lies behind.
      plot.curves.splice(series.kind === "baseline" ? plot.curves.filter((each) => each.role === "baseline").length : plot.curves.length, 0, ...curves);
    }
  }
  for (const plot of plots.values()) if (plot.strip) joinPlan(plot);
  // Keras sorts its logs; what is minimised comes first here, and settings last.
  const rank = (/** @type {Plot} */ { group, strip }) => (strip ? 2 : group === "loss" ? 0 : 1);
  return [...plots.values()].sort((a, b) => rank(a) - rank(b));
}

/** The value at x: the bucket that holds it, or the last value before x for sparse roles.
 * @param {Curve} curve @param {number | null} x null: the latest @returns {number | null} */
export function valueAt(curve, x) {
  const { ends, exact, role, live, wrong } = curve;
  if (!ends.length || (role === "plan" && x === null)) return null;
  if (x === null) {
    if (wrong?.[wrong.length - 1]?.last) return NaN;
    for (let i = ends.length - 1; i >= 0; i--) {
      const value = exact[i];
      if (live && !live[i]) continue;
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
  if (role === "baseline" && low === ends.length) return null;
  if (low < ends.length && ends[low] === x) return exact[low];
  if (SPARSE_ROLES.has(role)) return low ? exact[low - 1] : null;
  return exact[Math.min(low, ends.length - 1)];
}

/** What stands in the legend beside the value of a run that this one is compared with: by how much this one differs there.
 * @param {Curve} curve of the other @param {Curve[]} curves @param {number | null} x @param {number} now where this run is
 * @returns {{value: number | null, by: number | null}} */
export function compared(curve, curves, x, now) {
  const name = curve.key.split("|")[0];
  const own = ["val", "epoch", "smooth", "running"].map((role) => curves.find((each) => each.role === role && each.key.startsWith(`${name}|`))).find(Boolean);
  const value = valueAt(curve, x ?? now);
  const mine = own ? valueAt(own, x) : null;
  return { value, by: value === null || mine === null ? null : mine - value };
}

/** One x column for curves that were measured at different places. Where a curve has no point it is undefined, which draws
 * through; null is a gap.
 * @param {{xs: number[], ys: Values}[]} curves @param {boolean} log zero and below have no place on a logarithmic axis
 * @returns {[number[], ...(number | null | undefined)[][]]} */
export function alignCurves(curves, log) {
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
    widenGaps(column);
  }
  return [xs, ...columns];
}

/** A gap reaches from the last value before it to the first after it, over places where only other curves have points.
 * @param {(number | null | undefined)[]} column */
function widenGaps(column) {
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
