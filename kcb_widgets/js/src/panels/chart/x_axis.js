// @ts-check
// The x axis that the plots share: step, epoch or wall time. Each point has all three.
import { formatClock, formatMoment, formatStepTick, formatTick } from "../../ui/format.js";

/** @typedef {import("../../link/series_decoder.js").Picture} Picture */
/** @typedef {import("../../link/series_decoder.js").Table} Table */
/** @typedef {"step" | "epoch" | "time"} Mode */
/** @typedef {ReturnType<typeof createXAxis>} XAxis */

const PLAN_SHARE = 0.12; // how much of the plan is visible, as a share of the run's width
const STEP_INCREMENTS = Array.from({ length: 12 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();
const TIME_INCREMENTS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 28800, 86400, 172800, 864000];

/** Where a table's buckets begin and end on the axis. A bucket knows its last batch; its first lies one batch after the
 * bucket before it.
 * @param {Table} table @param {Mode} mode @returns {{from: Float64Array, to: Float64Array}} */
export function bucketRanges(table, mode) {
  if (mode === "step") return { from: table.x.step, to: table.x.end };
  const to = table.x[mode];
  const from = new Float64Array(table.length);
  for (let i = 0; i < table.length; i++) {
    const steps = table.x.end[i] - table.x.step[i];
    // The first bucket's width is not known: it is taken to be like the second's.
    const before = i ? to[i - 1] : Math.max(0, table.length > 1 ? 2 * to[0] - to[1] : 0);
    from[i] = steps > 0 ? before + (to[i] - before) / (steps + 1) : to[i];
  }
  return { from, to };
}

/** Interpolates along two increasing columns, clamped to their ends.
 * @param {number[]} a @param {number[]} b @param {number} value */
function interpolate(a, b, value) {
  if (!a.length) return value;
  let low = 0;
  let high = a.length - 1;
  if (value <= a[0]) return b[0];
  if (value >= a[high]) return b[high];
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (a[middle] <= value) low = middle;
    else high = middle;
  }
  const width = a[high] - a[low];
  return width > 0 ? b[low] + ((b[high] - b[low]) * (value - a[low])) / width : b[high];
}

/** @param {Picture} picture @param {Mode} mode */
export function createXAxis(picture, mode) {
  /** @type {{step: number, epoch: number, time: number, x: number}[]} */
  const knots = [];
  const measured = picture.tables.filter((table) => table.name !== "plan" && table.name !== "baseline");
  for (const table of measured) {
    const { from, to } = bucketRanges(table, mode);
    for (let i = 0; i < table.length; i++) {
      const at = { epoch: table.x.epoch[i], time: table.x.time[i] };
      if (table.x.end[i] > table.x.step[i]) knots.push({ ...at, step: table.x.step[i], x: from[i] });
      knots.push({ ...at, step: table.x.end[i], x: to[i] });
    }
    // The first table with enough points is the finest.
    if (knots.length > 1) break;
  }
  const finite = knots.filter((knot) => Number.isFinite(knot.x) && Number.isFinite(knot.step)).sort((a, b) => a.step - b.step);
  const steps = finite.map((knot) => knot.step);
  const xs = finite.map((knot) => knot.x);
  // Epoch values and the learning rate may lie a little outside what batches cover.
  let min = Infinity;
  let max = -Infinity;
  for (const table of measured) {
    if (!table.length) continue;
    const { from, to } = bucketRanges(table, mode);
    min = Math.min(min, from[0]);
    max = Math.max(max, to[table.length - 1]);
  }
  const now = max;
  for (const table of picture.tables) {
    const end = table.name === "plan" && table.length ? bucketRanges(table, mode).to[table.length - 1] : NaN;
    if (end > max) max = Math.min(end, max + (max - min) * PLAN_SHARE);
  }
  if (!(max >= min)) [min, max] = [0, 1];

  return {
    mode,
    min,
    max,
    now, // where the run is
    /** @param {number} step */
    toX: (step) => (mode === "step" ? step : interpolate(steps, xs, step)),
    /** @param {number} x */
    toStep: (x) => (mode === "step" ? x : interpolate(xs, steps, x)),
    /** @param {number} value @param {number} most the largest in sight: ticks of one axis are written alike */
    tick: (value, most) => (mode === "step" ? formatStepTick(value) : mode === "epoch" ? formatTick(value) : most < 100 ? formatMoment(value) : formatClock(value)),
    /** Distances between ticks; none for what the plot finds itself. @param {number} most */
    increments: (most) => (mode === "step" ? STEP_INCREMENTS : mode === "time" && most >= 100 ? TIME_INCREMENTS : null),
    /** The cursor's position in words. @param {number} x */
    place(x) {
      const step = mode === "step" ? x : interpolate(xs, steps, x);
      const knot = finite.find((each) => each.step >= step - 1e-9);
      // What is planned has no time yet.
      if (!knot) return finite.length ? `step ${Math.round(step)}` : "";
      return `step ${Math.round(step)} · epoch ${knot.epoch.toFixed(2)} · ${formatMoment(knot.time)}`;
    },
  };
}
