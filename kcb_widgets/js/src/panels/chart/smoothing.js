// @ts-check
// An exponential moving average that knows how many batches each point stands for.

const ROWS_IN_VIEW = 400;

/** One position of the slider smooths about as much to the eye whatever is in view: where more than 400 batches are, the
 * average goes over more of them. @param {number} rows batches in view */
export const smoothingScale = (rows) => Math.min(1, ROWS_IN_VIEW / Math.max(1, rows));

/** About how many batches the average is over. @param {number} smoothing @param {number} rows batches in view */
export const batchesSmoothed = (smoothing, rows) => (smoothing > 0 ? Math.max(1, Math.round(1 / (1 - smoothing ** smoothingScale(rows)))) : 1);

/**
 * Debiased: early values are averages of what there is, not pulled towards zero. A bucket of n rows counts as n equal
 * rows, so the curve keeps its shape when the picture gets coarser. Gaps stay gaps and leave the average alone.
 * @param {ArrayLike<number>} mean @param {ArrayLike<number>} weight rows in each bucket
 * @param {number} smoothing 0: none … 0.99: about the last hundred rows, times the scale
 * @param {number} scale see `smoothingScale`
 * @param {Map<number, number>} [jumps] points that go on from another than the one before them (-1: from none)
 * @returns {(number | null)[]}
 */
export function smooth(mean, weight, smoothing, scale, jumps) {
  const out = new Array(mean.length);
  const sums = new Float64Array(jumps?.size ? mean.length : 0);
  const totals = new Float64Array(sums.length);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < mean.length; i++) {
    const before = jumps?.get(i);
    if (before !== undefined) [sum, total] = before < 0 ? [0, 0] : [sums[before], totals[before]];
    if (Number.isFinite(mean[i])) {
      const keep = smoothing ** (weight[i] * scale);
      sum = keep * sum + (1 - keep) * mean[i];
      total = keep * total + (1 - keep);
      out[i] = sum / total;
    } else out[i] = null;
    if (sums.length) [sums[i], totals[i]] = [sum, total];
  }
  return out;
}
