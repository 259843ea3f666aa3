// @ts-check
// An exponential moving average that knows how many batches each point stands for.

/**
 * Debiased: early values are averages of what there is, not pulled towards zero. A bucket of n rows counts as n equal
 * rows, so the curve keeps its shape when the picture gets coarser. Gaps stay gaps and leave the average alone.
 * @param {ArrayLike<number>} mean @param {ArrayLike<number>} weight rows in each bucket
 * @param {number} smoothing 0: none … 0.99: about the last hundred rows
 * @param {Map<number, number>} [jumps] points that go on from another than the one before them (-1: from none)
 * @returns {(number | null)[]}
 */
export function smooth(mean, weight, smoothing, jumps) {
  const out = new Array(mean.length);
  const sums = new Float64Array(jumps?.size ? mean.length : 0);
  const totals = new Float64Array(sums.length);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < mean.length; i++) {
    const before = jumps?.get(i);
    if (before !== undefined) [sum, total] = before < 0 ? [0, 0] : [sums[before], totals[before]];
    if (Number.isFinite(mean[i])) {
      const keep = smoothing ** weight[i];
      sum = keep * sum + (1 - keep) * mean[i];
      total = keep * total + (1 - keep);
      out[i] = sum / total;
    } else out[i] = null;
    if (sums.length) [sums[i], totals[i]] = [sum, total];
  }
  return out;
}
