// @ts-check
// The columns of the table of runs, and what stands in them for many runs together.
import { formatClock, formatExact, formatMoment, formatSetting, formatTick, toNumber } from "../../ui/format.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {{key: string, title: string, hint: string, value: (row: Row) => unknown, text: (row: Row) => string, difference?: (row: Row) => number | null,
 *   number?: (value: number) => string}} Column */

const MAX_TOLD = 3; // values of a group

/** @param {unknown} value a metric's @returns {number | null} */
const finite = (value) => {
  const number = toNumber(value);
  return number !== null && Number.isFinite(number) ? number : null;
};

/** @param {import("./comparison.js").Table} table @param {string} metric @param {Row | null} base the baseline @returns {Column[]} */
export function columnsOf(table, metric, base) {
  /** @type {Column[]} */
  const found = [{ key: "name", title: "run", hint: "press to see this run alone, and again to see the others", value: (row) => row.name.toLowerCase(), text: (row) => row.name }];
  found.push({ key: "status", title: "status", hint: "", value: (row) => row.status, text: (row) => row.status });
  const names = [metric, `val_${metric}`].filter((name) => table.rows.some((row) => row.metrics[name]));
  for (const name of names) {
    for (const part of /** @type {const} */ (["last", "best"])) {
      if (part === "best" && !table.rows.some((row) => row.metrics[name]?.best !== undefined)) continue;
      const of = (/** @type {Row} */ row) => finite(row.metrics[name]?.[part]);
      const than = base && of(base);
      found.push({
        key: `${name} ${part}`,
        title: part === "last" ? name : `best ${name}`,
        hint: part === "last" ? "at the end of the last epoch" : "of all epochs' ends",
        value: of,
        text: (row) => (row.metrics[name]?.[part] === undefined ? "–" : of(row) === null ? formatSetting(row.metrics[name]?.[part]) : formatExact(of(row))),
        difference: than === null || than === undefined ? undefined : (row) => (of(row) === null ? null : Number(of(row)) - than),
      });
    }
  }
  found.push({ key: "epochs", title: "epochs", hint: "that are over", value: (row) => row.epochs, text: (row) => String(row.epochs) });
  found.push({ key: "duration", title: "duration", hint: "", value: (row) => row.duration, text: (row) => formatClock(row.duration), number: formatMoment });
  found.push({ key: "steered", title: "steered", hint: "changes that were made by hand", value: (row) => row.steered, text: (row) => (row.steered ? `${row.steered}` : "") });
  table.settings.forEach((name, i) => found.push({ key: name, title: name.replace(/^config\./, ""), hint: name, value: (row) => row.settings[i], text: (row) => (row.settings[i] === null ? "" : formatSetting(row.settings[i])) }));
  if (table.rows.some((row) => row.tags.length)) found.push({ key: "tags", title: "tags", hint: "", value: (row) => row.tags.join(", "), text: (row) => row.tags.join(", ") });
  return found;
}

/** @typedef {{key: string, rows: Row[]}} Fold runs of one group */

/** @param {Row[]} rows @returns {Fold[]} in the order of their first runs */
export function foldsOf(rows) {
  /** @type {Map<string, Row[]>} */
  const found = new Map();
  for (const row of rows) {
    const known = found.get(row.group ?? "");
    if (known) known.push(row);
    else found.set(row.group ?? "", [row]);
  }
  return [...found].map(([key, each]) => ({ key, rows: each }));
}

/** The numbers of a group in a column; null where some are none. @param {Fold} fold @param {Column} column */
function numbersOf({ rows }, column) {
  const values = rows.map(column.value).filter((value) => value !== null && value !== undefined);
  return values.length && values.every((value) => typeof value === "number") ? /** @type {number[]} */ (values) : null;
}

/** What groups are sorted by: the mean of numbers. @param {Fold} fold @param {Column} column */
export function foldValue(fold, column) {
  if (column.key === "name") return fold.key;
  const numbers = numbersOf(fold, column);
  return numbers ? numbers.reduce((sum, value) => sum + value, 0) / numbers.length : foldText(fold, column);
}

/** Mean ± standard deviation (of a sample) of numbers; other values one after the other. @param {Fold} fold @param {Column} column */
export function foldText(fold, column) {
  const numbers = numbersOf(fold, column);
  if (!numbers || new Set(numbers).size < 2) {
    const texts = new Set(fold.rows.map(column.text).filter((text) => text && text !== "–"));
    return texts.size <= MAX_TOLD ? [...texts].join(", ") : `${texts.size} values`;
  }
  const mean = numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
  const spread = Math.sqrt(numbers.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (numbers.length - 1));
  const number = column.number ?? formatTick;
  return `${number(mean)} ± ${number(spread)}${numbers.length < fold.rows.length ? ` (n=${numbers.length})` : ""}`;
}

/** What is missing stands last whichever way. @param {unknown} a @param {unknown} b @param {boolean} down */
export function inOrder(a, b, down) {
  const missing = (/** @type {unknown} */ value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const sign = down ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}
