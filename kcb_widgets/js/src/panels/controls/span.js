// @ts-check
// A slider between two ends that are known: where it stands, and what its positions mean.
import { round } from "../../ui/format.js";

const STOPS = 200;

/** @param {{min: number, max: number, integer: boolean}} limits */
export function createSpan({ min, max, integer }) {
  // The largest of 1, 2, 5 times a power of ten that still gives enough stops: positions are numbers people would type.
  const fine = (max - min) / STOPS;
  const power = 10 ** Math.floor(Math.log10(fine));
  const step = integer ? 1 : round(power * (fine >= 5 * power ? 5 : fine >= 2 * power ? 2 : 1), 1);

  return {
    step,
    /** @param {number | null} _value @returns {{low: number, high: number}} */
    cover: (_value) => ({ low: min, high: max }),
    /** @param {number | null} value @returns {number} */
    position: (value) => (value === null || Number.isNaN(value) ? min : Math.min(max, Math.max(min, value))),
    /** @param {number} position @returns {number} */
    value: (position) => round(position, 12),
  };
}
