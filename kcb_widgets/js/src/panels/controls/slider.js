// @ts-check
// A slider over decades: where it begins and ends, and what its positions mean.
import { round } from "../../ui/format.js";

const REACH = 2; // decades either way of the value it was made for
const EDGE = 0.25; // closer than this to an end, the range widens
const USUAL = -3; // where a slider for 0, which has no logarithm, is centred

/** @param {{min: number | null, max: number | null}} limits */
export function createRange({ min, max }) {
  const floor = min !== null && min > 0 ? Math.log10(min) : -Infinity;
  const ceiling = max !== null && max > 0 && Number.isFinite(max) ? Math.log10(max) : Infinity;
  const clamp = (/** @type {number} */ at) => Math.min(ceiling, Math.max(floor, at));
  let low = NaN;
  let high = NaN;

  /** Steps of a hundredth of a decade, so that ends are clean. @param {number} at */
  const neat = (at) => Math.round(at * 100) / 100;

  return {
    step: 0.01,
    /** Make sure that the value can be reached, and moved on from, in both directions.
     * @param {number | null} value @returns {{low: number, high: number}} log10 */
    cover(value) {
      const at = value !== null && value > 0 && Number.isFinite(value) ? Math.log10(value) : null;
      if (Number.isNaN(low)) {
        low = neat(clamp((at ?? USUAL) - REACH));
        high = neat(clamp((at ?? USUAL) + REACH));
      } else if (at !== null) {
        if (at < low + EDGE) low = neat(clamp(at - REACH / 2));
        if (at > high - EDGE) high = neat(clamp(at + REACH / 2));
      }
      return { low, high };
    },
    /** @param {number | null} value @returns {number} */
    position: (value) => (value !== null && value > 0 ? Math.min(high, Math.max(low, Math.log10(value))) : low),
    /** Three digits: what a hand can mean. @param {number} position @returns {number} */
    value: (position) => round(Math.min(max ?? Infinity, Math.max(min ?? 0, 10 ** position)), 3),
  };
}
