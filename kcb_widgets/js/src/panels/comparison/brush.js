// @ts-check
// The brush: which runs lie within it. Python's ``relations.within`` reckons the same.
import { isNumber } from "./quantities.js";

/** @typedef {import("./quantities.js").Value} Value */
/** @typedef {Value | [number | null, number | null]} Part a value, or a range of numbers that is open where it has null */
/** @typedef {{range: [number | null, number | null] | null, places: Set<Value>}} Kept range: null where numbers are left out */

/** @param {Part} part @param {Value} value */
function covers(part, value) {
  if (!Array.isArray(part)) return part === value;
  return isNumber(value) && (part[0] === null || part[0] <= Number(value)) && (part[1] === null || Number(value) <= part[1]);
}

/** @param {Part[] | undefined} parts @param {Value} value */
export const lies = (parts, value) => parts === undefined || parts.some((part) => covers(part, value));

/** The ids of runs within all brushes, and among the best.
 * @param {import("./comparison.js").Row[]} rows @param {Map<string, import("./quantities.js").Quantity>} known @param {Map<string, Part[]>} brush @param {Set<string> | null} best */
export function within(rows, known, brush, best) {
  const asked = [...brush].flatMap(([name, parts]) => {
    const of = known.get(name)?.of;
    return of ? [{ of, parts }] : [];
  });
  return new Set(rows.filter((row) => (!best || best.has(row.id)) && asked.every(({ of, parts }) => lies(parts, of(row)))).map((row) => row.id));
}

/** The ids of the best runs, with those that are as good as the last of them.
 * @param {import("./comparison.js").Row[]} rows @param {import("./quantities.js").Quantity} outcome @param {"min" | "max"} direction @param {number} percent */
export function bestOf(rows, outcome, direction, percent) {
  const sign = direction === "min" ? 1 : -1;
  const costs = rows.map((row) => /** @type {const} */ ([row.id, outcome.of(row)])).filter(([, value]) => isNumber(value)).map(([id, value]) => /** @type {const} */ ([id, sign * Number(value)]));
  if (!costs.length) return new Set();
  const last = costs.map(([, cost]) => cost).sort((a, b) => a - b)[Math.max(0, Math.ceil((costs.length * percent) / 100) - 1)];
  return new Set(costs.filter(([, cost]) => cost <= last).map(([id]) => id));
}

/** What an axis keeps of its values. @param {import("./axis.js").Axis} axis @param {Part[] | undefined} parts @returns {Kept} */
export function keptOf(axis, parts) {
  const places = [...axis.inside, ...axis.under].map(({ value }) => value).filter((value) => lies(parts, value));
  const range = parts === undefined ? [null, null] : parts.find((part) => Array.isArray(part));
  return { range: axis.numeric ? /** @type {any} */ (range ?? null) : null, places: new Set(places) };
}

/** The parts of a brush that keep this; undefined where that is everything. @param {import("./axis.js").Axis} axis @param {Kept} kept @returns {Part[] | undefined} */
export function partsOf(axis, { range, places }) {
  const all = [...axis.inside, ...axis.under];
  if (places.size >= all.length && (!axis.numeric || (range && range[0] === null && range[1] === null))) return undefined;
  return [...(axis.numeric && range ? [range] : []), ...all.map(({ value }) => value).filter((value) => places.has(value))];
}
