// @ts-check
// The range of a y axis. A spike does not flatten a run: what lies far outside of most values is left out, and it is said.

const SAMPLES = 500; // values that the quantiles are taken over
const FEWEST = 20; // of fewer values none is far outside
const TAIL = 0.05;
const SPANS = 1.5; // how far beyond the middle nine tenths a value may lie, in their width

/** @typedef {"most" | "all" | [number, number]} RangeChoice most: without outliers */

/** The least and greatest value of those that do not lie far outside; null where none does, or is to be left out.
 * @param {ArrayLike<number | null | undefined>[]} columns @param {number} first @param {number} last of the columns
 * @param {number} least @param {number} most of all values there @returns {[number, number] | null} */
export function withoutOutliers(columns, first, last, least, most) {
  const stride = Math.max(1, Math.floor(((last - first + 1) * columns.length) / SAMPLES));
  const sample = [];
  for (const column of columns) {
    for (let i = first; i <= last; i += stride) {
      const value = column[i];
      if (typeof value === "number" && Number.isFinite(value)) sample.push(value);
    }
  }
  if (sample.length < FEWEST) return null;
  sample.sort((a, b) => a - b);
  const [low, high] = [sample[Math.floor(TAIL * (sample.length - 1))], sample[Math.ceil((1 - TAIL) * (sample.length - 1))]];
  const reach = SPANS * (high - low);
  if (!(reach > 0) || (least >= low - reach && most <= high + reach)) return null;
  let [min, max, far] = [Infinity, -Infinity, false];
  for (const column of columns) {
    for (let i = first; i <= last; i++) {
      const value = column[i];
      if (typeof value !== "number" || !Number.isFinite(value)) continue;
      if (value < low - reach || value > high + reach) far = true;
      else {
        if (value < min) min = value;
        if (value > max) max = value;
      }
    }
  }
  return far ? [min, max] : null;
}

/** @param {number | null} min @param {number | null} max @param {boolean} log @param {boolean} roomy marks stand at the top of a low plot @returns {[number, number]} */
export function padded(min, max, log, roomy) {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    if (min <= 0) return [0.1, 1];
    const pad = Math.max(1.1, (max / min) ** 0.05) * (roomy ? 1.3 : 1);
    return [min / pad, max * pad ** (roomy ? 2 : 1)];
  }
  if (min === max) return min === 0 ? [-1, 1] : [min - Math.abs(min) * 0.1, max + Math.abs(max) * 0.1];
  const pad = (max - min) * 0.06;
  return [min >= 0 && min - pad < 0 ? 0 : min - pad, max + pad];
}
