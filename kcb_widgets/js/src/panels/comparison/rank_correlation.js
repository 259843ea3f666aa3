// @ts-check
// Spearman's rank correlation: Pearson's of the ranks, where ties have the mean of theirs.

const LEAST = 3; // runs

/** @param {number[]} values @returns {number[]} twice each rank, which is whole with ties too */
function ranks(values) {
  const order = values.map((_, i) => i).sort((a, b) => values[a] - values[b]);
  const found = new Array(values.length);
  for (let i = 0; i < order.length; ) {
    let end = i + 1;
    while (end < order.length && values[order[end]] === values[order[i]]) end++;
    for (let k = i; k < end; k++) found[order[k]] = i + end + 1;
    i = end;
  }
  return found;
}

/** @param {number[]} x @param {number[]} y @returns {number | null} null: there is none, of fewer than three runs or where all are alike */
export function rankCorrelation(x, y) {
  const n = x.length;
  if (n < LEAST) return null;
  const [a, b] = [ranks(x), ranks(y)];
  const mean = n + 1;
  let [both, one, other] = [0, 0, 0];
  for (let i = 0; i < n; i++) {
    both += (a[i] - mean) * (b[i] - mean);
    one += (a[i] - mean) ** 2;
    other += (b[i] - mean) ** 2;
  }
  return one && other ? both / Math.sqrt(one * other) : null;
}
