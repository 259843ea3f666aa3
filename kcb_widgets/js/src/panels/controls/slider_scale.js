// @ts-check
// Slider scales: a linear scale between two known ends, and a log scale over decades.
import { roundSignificant, toNumber } from "../../ui/format.js";

const STOPS = 200; // the fewest positions of a linear scale
const DECADES = 2; // the range on either side of the first value
const EDGE = 0.25; // in decades; a value closer than this to an end widens the range
const DEFAULT_EXPONENT = -3; // the centre where the value is 0 or missing, which has no logarithm

/** The scale of a control's slider; null where its range is not known.
 * @param {import("../../link/wire.js").Control} control */
export function createSliderScale(control) {
  const [min, max] = [toNumber(control.min), toNumber(control.max)];
  if (control.scale === "log") return max === null || max > 0 ? createLogScale({ min, max }) : null;
  if (min === null || max === null || !Number.isFinite(max - min) || max <= min) return null;
  return createLinearScale({ min, max, integer: control.integer });
}

/** Positions are base-10 exponents.
 * @param {{min: number | null, max: number | null}} limits */
function createLogScale({ min, max }) {
  const floor = min !== null && min > 0 ? Math.log10(min) : -Infinity;
  const ceiling = max !== null && max > 0 && Number.isFinite(max) ? Math.log10(max) : Infinity;
  const clamp = (/** @type {number} */ at) => Math.min(ceiling, Math.max(floor, at));
  let low = NaN;
  let high = NaN;

  /** Rounds to a hundredth of a decade. @param {number} at */
  const roundPosition = (at) => Math.round(at * 100) / 100;

  return {
    step: 0.01,
    /** Widens the range until the value lies inside it, with room on both sides.
     * @param {number | null} value @returns {{low: number, high: number}} log10 */
    cover(value) {
      const at = value !== null && value > 0 && Number.isFinite(value) ? Math.log10(value) : null;
      if (Number.isNaN(low)) {
        low = roundPosition(clamp((at ?? DEFAULT_EXPONENT) - DECADES));
        high = roundPosition(clamp((at ?? DEFAULT_EXPONENT) + DECADES));
      } else if (at !== null) {
        if (at < low + EDGE) low = roundPosition(clamp(at - DECADES / 2));
        if (at > high - EDGE) high = roundPosition(clamp(at + DECADES / 2));
      }
      return { low, high };
    },
    /** @param {number | null} value @returns {number} */
    position: (value) => (value !== null && value > 0 ? Math.min(high, Math.max(low, Math.log10(value))) : low),
    /** Three digits: a hand is no more precise. @param {number} position @returns {number} */
    value: (position) => roundSignificant(Math.min(max ?? Infinity, Math.max(min ?? 0, 10 ** position)), 3),
  };
}

/** Positions are the values themselves.
 * @param {{min: number, max: number, integer: boolean}} limits */
function createLinearScale({ min, max, integer }) {
  // The largest of 1, 2, 5 times a power of ten that still gives enough stops: positions are numbers people would type.
  const fine = (max - min) / STOPS;
  const power = 10 ** Math.floor(Math.log10(fine));
  const step = integer ? 1 : roundSignificant(power * (fine >= 5 * power ? 5 : fine >= 2 * power ? 2 : 1), 1);

  return {
    step,
    /** @param {number | null} _value @returns {{low: number, high: number}} */
    cover: (_value) => ({ low: min, high: max }),
    /** @param {number | null} value @returns {number} */
    position: (value) => (value === null || Number.isNaN(value) ? min : Math.min(max, Math.max(min, value))),
    /** @param {number} position @returns {number} */
    value: (position) => roundSignificant(position, 12),
  };
}
