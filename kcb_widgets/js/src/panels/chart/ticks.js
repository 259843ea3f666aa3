// @ts-check
// Round places on a logarithmic axis: powers of ten where it spans many, 1-2-5 where few, all digits where less.

/** @param {number} min @param {number} max @param {number[]} digits @returns {number[]} */
function places(min, max, digits) {
  const found = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    for (const digit of digits) {
      const value = Number(`${digit}e${power}`);
      if (value >= min && value <= max) found.push(value);
    }
  }
  return found;
}

/** @param {number} min @param {number} max @param {number} most how many there is room for @returns {number[]} */
export function logTicks(min, max, most) {
  if (!(min > 0) || !(max > min)) return [];
  for (const digits of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3]]) {
    const found = places(min, max, digits);
    if (found.length > 1 && found.length <= most) return found;
    if (found.length <= 1) {
      // Less than a digit wide: the ends are as good as any.
      const round = (/** @type {number} */ value) => Number(value.toPrecision(3));
      return found.length ? found : [round(min * (max / min) ** 0.2), round(min * (max / min) ** 0.8)];
    }
  }
  const powers = places(min, max, [1]);
  const stride = Math.max(1, Math.ceil(powers.length / most));
  return powers.filter((value) => Math.round(Math.log10(value)) % stride === 0);
}
