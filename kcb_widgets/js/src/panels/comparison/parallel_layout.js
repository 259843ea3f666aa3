// @ts-check
// Where things stand on the parallel coordinates, in px.

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./brush.js").Part} Part */
/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {{name: string, title: string, of: (row: Row) => import("./quantities.js").Value, axis: Axis, parts: Part[] | undefined}} Upright an axis as it is drawn */
/** @typedef {ReturnType<typeof createLayout>} Layout */

export const TOP = 42; // names stand above
export const SPAN = 236; // of an axis
export const BOTTOM = TOP + SPAN;
export const RIGHT = 96; // for what is written beside the last axis
const PLACE = 18; // for each place under an axis
const GAP = 12;
const LEFT = 14;
const REACH = 22; // px from an axis that still mean it

/** @param {Upright[]} uprights */
export function createLayout(uprights) {
  const deepest = Math.max(0, ...uprights.map(({ axis }) => axis.under.length));
  const spacing = (/** @type {number} */ width) => (width - LEFT - RIGHT) / Math.max(1, uprights.length - 1);
  const xOf = (/** @type {number} */ i, /** @type {number} */ width) => LEFT + i * spacing(width);
  /** What is missing stands lowest on every axis. @param {Axis} axis @param {number} place */
  const underOf = (axis, place) => BOTTOM + GAP + PLACE * ((axis.under[place].value === null ? deepest - 1 : place) + 0.5);
  /** @param {Axis} axis @param {import("./quantities.js").Value} value */
  const yOf = (axis, value) => {
    const spot = axis.spot(value);
    return !spot ? NaN : "at" in spot ? BOTTOM - spot.at * SPAN : underOf(axis, spot.under);
  };
  return {
    height: BOTTOM + GAP + PLACE * Math.max(1, deepest),
    spacing,
    xOf,
    underOf,
    yOf,
    /** Where a line is, counted in axes. @param {number} x @param {number} width */
    along: (x, width) => (x - LEFT) / spacing(width),
    /** The axis that is meant, or -1. @param {number} x @param {number} width */
    uprightAt(x, width) {
      const i = Math.round((x - LEFT) / spacing(width));
      return i >= 0 && i < uprights.length && Math.abs(x - xOf(i, width)) <= Math.min(REACH, Math.max(8, spacing(width) / 2)) ? i : -1;
    },
    /** What a span of an axis covers; null: nothing. @param {Axis} axis @param {number} high @param {number} low @returns {Part[] | null} */
    covered(axis, high, low) {
      /** @type {Part[]} */
      const parts = [];
      if (axis.numeric && low >= TOP && high <= BOTTOM) {
        const end = (/** @type {number} */ y, /** @type {boolean} */ open) => (open ? null : axis.number((BOTTOM - y) / SPAN, 1 / SPAN));
        parts.push(axis.high > axis.low ? [end(low, low >= BOTTOM), end(high, high <= TOP)] : [null, null]);
      }
      for (const { value } of [...axis.inside, ...axis.under]) {
        const y = yOf(axis, value);
        if (high - 3 <= y && y <= low + 3) parts.push(value);
      }
      return parts.length ? parts : null;
    },
  };
}
