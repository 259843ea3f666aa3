// @ts-check
// A plot's axes and their ticks.
import { formatTick } from "../../ui/format.js";

const GUTTER = 54;

/** @param {import("../../ui/theme.js").Theme} theme @param {boolean} strip @param {import("./plot.js").Scene} next
 * @param {() => import("./plot.js").Scene | null} scene the one on show @returns {import("uplot").Axis[]} */
export function axesOf({ colors, font }, strip, next, scene) {
  const grid = { stroke: () => colors().grid, width: 1 };
  const ticks = { stroke: () => colors().grid, width: 1, size: 4 };
  const common = { stroke: () => colors().muted, font: `11px ${font()}`, grid, ticks };
  const increments = next.axis.increments(next.range[1]);
  return [
    {
      ...common,
      size: 26,
      gap: 3,
      space: 60,
      ...(increments && { incrs: increments }),
      values: (_, splits) => splits.map((value) => scene()?.axis.tick(value, scene()?.range[1] ?? 1) ?? ""),
    },
    {
      ...common,
      size: GUTTER,
      // What was one value all the time has its tick there.
      splits: (u, i, min, max, increment, space) => {
        const only = scene()?.only ?? null;
        if (only !== null && only >= min && only <= max) return [only];
        return next.log ? logTicks(min, max, strip ? 2 : 6) : linearTicks(min, max, increment);
      },
      filter: (_, splits) => splits,
      gap: 4,
      space: strip ? 22 : 30,
      values: (_, splits) => splits.map((value) => (value === null ? "" : formatTick(value))),
    },
  ];
}

/** @param {number} min @param {number} max @param {number} increment @returns {number[]} */
function linearTicks(min, max, increment) {
  const found = [];
  for (let i = Math.ceil(min / increment - 1e-9); i * increment <= max + increment * 1e-9; i++) found.push(Number((i * increment).toPrecision(12)));
  return found;
}

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

/** Round places on a logarithmic axis: powers of ten where it spans many, 1-2-5 where few, all digits where less.
 * @param {number} min @param {number} max @param {number} most how many there is room for @returns {number[]} */
function logTicks(min, max, most) {
  if (!(min > 0) || !(max > min)) return [];
  for (const digits of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 5], [1, 3]]) {
    const found = places(min, max, digits);
    if (found.length > 1 && found.length <= most) return found;
    if (found.length <= 1) {
      // The range is narrower than one digit: two places near its ends serve.
      const round = (/** @type {number} */ value) => Number(value.toPrecision(3));
      return found.length ? found : [round(min * (max / min) ** 0.2), round(min * (max / min) ** 0.8)];
    }
  }
  const powers = places(min, max, [1]);
  const stride = Math.max(1, Math.ceil(powers.length / most));
  return powers.filter((value) => Math.round(Math.log10(value)) % stride === 0);
}
