// @ts-check
// Branches: after a rollback training goes on from an earlier step. Tells live points, which led to the present model, from
// abandoned ones.

/** @typedef {import("../../link/wire.js").Branch} Branch training went on from `from` after step `to` */
/** @typedef {import("./curves.js").Values} Values */
/** @typedef {{live: Uint8Array, jumps: Map<number, number>}} Lineage jumps: a point, and the one it goes on from (-1: none) */
/** @typedef {{xs: number[], ys: Values, starts: Set<number>}} Abandoned starts: where a new line begins */
/** @typedef {{x0: number, y0: number, x1: number, y1: number, live: boolean}} Connector */

/** The ranges of steps that led to the present model, latest first. A later rollback may return to a branch that an earlier
 * one left.
 * @param {Branch[]} branches by `to` @returns {{after: number, upto: number}[]} */
function liveRanges(branches) {
  const ranges = [];
  let upto = Infinity;
  for (let i = branches.length - 1; i >= 0; i--) {
    if (branches[i].to >= upto) continue;
    ranges.push({ after: branches[i].to, upto });
    upto = branches[i].from;
  }
  ranges.push({ after: -Infinity, upto });
  return ranges;
}

/** @param {import("../../link/series_decoder.js").Table} table @param {Branch[]} branches oldest first @returns {Lineage | null} null: a plain run */
export function lineageOf(table, branches) {
  if (!branches.length) return null;
  const sorted = [...branches].sort((a, b) => a.to - b.to);
  const ranges = liveRanges(sorted);
  // A bucket that lies across a border belongs to where most of it is.
  const middle = Float64Array.from(table.x.end, (end, i) => (end + table.x.step[i]) / 2);
  const live = Uint8Array.from(middle, (at) => Number(ranges.some(({ after, upto }) => at > after && at <= upto)));
  /** @type {Lineage["jumps"]} */
  const jumps = new Map();
  for (const { from, to } of sorted) {
    const next = middle.findIndex((at) => at > to);
    if (next < 0) continue;
    let before = middle.findIndex((at) => at > from) - 1;
    if (before < -1) before = middle.length - 1;
    // Where nothing was measured on the abandoned steps the line simply goes on.
    if (before === next - 1) jumps.delete(next);
    else jumps.set(next, before);
  }
  return { live, jumps };
}

/** Takes the abandoned points out of a curve.
 * @param {number[]} xs @param {Values} ys @param {number[]} of the bucket of each point @param {Lineage} lineage
 * @returns {{ys: Values, abandoned: Abandoned | null}} */
export function splitAbandoned(xs, ys, of, { live, jumps }) {
  const kept = ys.slice();
  /** @type {Abandoned} */
  const abandoned = { xs: [], ys: [], starts: new Set() };
  let drawing = false;
  /** The last point with a value before the branch, on the same line. @param {number} p */
  const root = (p) => {
    for (let q = p; q > 0; q--) {
      if (of[q] !== of[q - 1] && jumps.has(of[q])) return -1;
      if (ys[q - 1] != null) return q - 1;
    }
    return -1;
  };
  for (let p = 0; p < xs.length; p++) {
    if (live[of[p]]) {
      drawing = false;
      continue;
    }
    if (!drawing) {
      const q = root(p);
      if (q >= 0 && live[of[q]]) {
        abandoned.xs.push(xs[q]);
        abandoned.ys.push(ys[q]);
      }
      abandoned.starts.add(q >= 0 ? xs[q] : xs[p]);
    } else if (of[p] !== of[p - 1] && jumps.has(of[p])) abandoned.starts.add(xs[p]);
    drawing = true;
    abandoned.xs.push(xs[p]);
    abandoned.ys.push(ys[p]);
    kept[p] = null;
  }
  return { ys: kept, abandoned: abandoned.xs.length ? abandoned : null };
}

/** From the point rolled back to, to the first one trained from there.
 * @param {number[]} xs @param {Values} ys of buckets, one point each @param {Lineage} lineage @returns {Connector[]} */
export function connectorsOf(xs, ys, { live, jumps }) {
  const found = [];
  for (const [next, before] of jumps) {
    let q = before;
    let p = next;
    while (q >= 0 && ys[q] == null) q--;
    while (p < xs.length && ys[p] == null && !jumps.has(p + 1)) p++;
    if (q < 0 || p >= xs.length || ys[p] == null) continue;
    found.push({ x0: xs[q], y0: Number(ys[q]), x1: xs[p], y1: Number(ys[p]), live: live[p] === 1 });
  }
  return found;
}
