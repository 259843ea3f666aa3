// @ts-check
// An axis: where a value stands. Numbers stand on a linear or a logarithmic scale, categories each at a place of its own;
// what is missing, or no number among numbers, has a place under the axis.
import { formatSetting, formatTick } from "../../ui/format.js";
import { isNumber, wordOf } from "./quantities.js";

/** @typedef {import("./quantities.js").Value} Value */
/** @typedef {{value: Value, word: string}} Place */
/** @typedef {{at: number} | {under: number}} Spot at: from 0, the bottom, to 1; under: the number of the place under the axis */
/** @typedef {ReturnType<typeof createAxis>} Axis */

const DECADES = 2; // positive numbers that span more are on a logarithmic scale
const MOST_ODD = 4; // texts among numbers that get a place under the axis; with more all are categories

/** @param {Value} value */
const keyOf = (value) => JSON.stringify(value);

/** Numbers before texts, and both in their order. @param {Value} a @param {Value} b */
function compare(a, b) {
  if (isNumber(a) !== isNumber(b)) return isNumber(a) ? -1 : 1;
  return isNumber(a) ? Number(a) - Number(b) : wordOf(a).localeCompare(wordOf(b), undefined, { numeric: true });
}

/** @param {Value[]} values of all runs @param {string} [wanted] linear, log or categories; otherwise what fits */
export function createAxis(values, wanted) {
  const distinct = [...new Map(values.filter((each) => each !== null).map((each) => [keyOf(each), each])).values()].sort(compare);
  const numbers = /** @type {number[]} */ (distinct.filter(isNumber));
  const odd = distinct.filter((each) => !isNumber(each));
  const numeric = numbers.length > 0 && wanted !== "categories" && odd.length <= MOST_ODD;
  const low = numbers[0] ?? 0;
  const high = numbers.at(-1) ?? 0;
  const positive = numbers.length > 0 && low > 0;
  const kind = !numeric ? "categories" : positive && (wanted === "log" || (wanted !== "linear" && Math.log10(high) - Math.log10(low) > DECADES)) ? "log" : "linear";

  /** @type {Place[]} */
  const inside = numeric ? [] : distinct.map((value) => ({ value, word: wordOf(value) }));
  /** @type {Place[]} */
  const under = (numeric ? odd : []).map((value) => ({ value, word: wordOf(value) }));
  if (values.some((each) => each === null)) under.push({ value: null, word: wordOf(null) });
  const insideBy = new Map(inside.map(({ value }, i) => [keyOf(value), i]));
  const underBy = new Map(under.map(({ value }, i) => [keyOf(value), i]));

  const scale = kind === "log" ? Math.log10 : (/** @type {number} */ value) => value / 2; // halves: the span of doubles is none
  const back = kind === "log" ? (/** @type {number} */ value) => 10 ** value : (/** @type {number} */ value) => value * 2;
  const [first, last] = [scale(low), scale(high)];

  return {
    kind,
    low,
    high,
    positive,
    numeric,
    numbers: numbers.length > 0,
    inside,
    under,
    /** @param {Value} value @returns {Spot | null} null: it stands nowhere */
    spot(value) {
      const place = underBy.get(keyOf(value));
      if (place !== undefined) return { under: place };
      if (numeric) return isNumber(value) ? { at: last > first ? (scale(Number(value)) - first) / (last - first) : 0.5 } : null;
      const number = insideBy.get(keyOf(value));
      return number === undefined ? null : { at: (number + 0.5) / inside.length };
    },
    /** The number that stands somewhere, as short as a pixel allows. @param {number} at @param {number} pixel the part of the axis that one has */
    number(at, pixel) {
      const of = (/** @type {number} */ part) => back(first + part * (last - first));
      const value = of(at);
      const step = Math.abs(of(at + pixel) - value);
      const unit = 10 ** Math.floor(Math.log10(kind === "log" ? Math.min(step, value) : step)); // a pixel may be decades
      const rounded = Number((Math.round(value / unit) * unit).toPrecision(12));
      return unit > 0 && Number.isFinite(rounded) ? rounded : value;
    },
    /** Where numbers are written, at most about so many. @param {number} most @returns {{at: number, word: string}[]} */
    ticks(most) {
      if (!numeric) return inside.map(({ word }, i) => ({ at: (i + 0.5) / inside.length, word }));
      if (!(last > first)) return [{ at: 0.5, word: formatSetting(low) }];
      const found = kind === "log" && last - first >= 1 ? decades(first, last, most) : rounds(low, high, most);
      return found.map((value) => ({ at: (scale(value) - first) / (last - first), word: formatTick(value) })).filter(({ at }) => at >= 0 && at <= 1);
    },
  };
}

/** Powers of ten. @param {number} first @param {number} last @param {number} most */
function decades(first, last, most) {
  const step = Math.max(1, Math.ceil((last - first) / most));
  const found = [];
  for (let power = Math.ceil(first - 1e-9); power <= last + 1e-9; power += step) found.push(Number(`1e${power}`));
  return found;
}

/** Round numbers. @param {number} low @param {number} high @param {number} most */
function rounds(low, high, most) {
  const rough = high / most - low / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((each) => each * power).find((each) => each >= rough) ?? rough;
  const found = [];
  for (let i = Math.ceil(low / step); i <= Math.floor(high / step) && found.length <= 2 * most; i++) found.push(Number((i * step).toPrecision(12)));
  return found;
}
