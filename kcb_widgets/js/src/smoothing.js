// @ts-check
// An exponential moving average that knows how many batches each point stands for.

/**
 * Debiased: early values are averages of what there is, not pulled towards zero. A bucket of n rows counts as n equal
 * rows, so the curve keeps its shape when the picture gets coarser. Gaps stay gaps and leave the average alone.
 * @param {ArrayLike<number>} mean @param {ArrayLike<number>} weight rows in each bucket
 * @param {number} smoothing 0: none … 0.99: about the last hundred rows
 * @returns {(number | null)[]}
 */
export function smooth(mean, weight, smoothing) {
  const out = new Array(mean.length);
  let sum = 0;
  let total = 0;
  for (let i = 0; i < mean.length; i++) {
    if (!Number.isFinite(mean[i])) {
      out[i] = null;
      continue;
    }
    const keep = smoothing ** weight[i];
    sum = keep * sum + (1 - keep) * mean[i];
    total = keep * total + (1 - keep);
    out[i] = sum / total;
  }
  return out;
}
