// @ts-check
// Quantities: what a run has that can be an axis: its settings, its metrics, and a few numbers of its own.
import { formatSetting } from "../../ui/format.js";

/** @typedef {import("./comparison.js").Table} Table */
/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {string | number | boolean | null} Value null: missing; numbers that are not finite are words, as Python sends them */
/** @typedef {{name: string, title: string, kind: "setting" | "result", of: (row: Row) => Value}} Quantity */

const OWN = /** @type {const} */ (["duration", "epochs", "steered"]);

/** @param {unknown} value @returns {Value} */
const plain = (value) => (value === undefined || value === null ? null : typeof value === "number" || typeof value === "boolean" ? value : String(value));

/** All quantities of the table's runs, by name; the same names as in Python's ``relations.value_of``.
 * @param {Table} table @returns {Map<string, Quantity>} */
export function quantitiesOf(table) {
  /** @type {Quantity[]} */
  const found = table.settings.map((name, i) => ({ name, title: name.replace(/^config\./, ""), kind: "setting", of: (row) => plain(row.settings[i]) }));
  const metrics = new Set(table.metrics.flatMap(({ name }) => [name, `val_${name}`]));
  for (const metric of metrics) {
    for (const part of /** @type {const} */ (["last", "best"])) {
      if (!table.rows.some((row) => row.metrics[metric]?.[part] !== undefined)) continue;
      found.push({ name: `${part} ${metric}`, title: `${part} ${metric}`, kind: "result", of: (row) => plain(row.metrics[metric]?.[part]) });
    }
  }
  for (const name of OWN) found.push({ name, title: name === "duration" ? "duration (s)" : name, kind: "result", of: (row) => plain(row[name]) });
  /** @type {Map<string, Quantity>} */
  const made = new Map();
  for (const each of found) if (!made.has(each.name)) made.set(each.name, each); // a setting counts before what is called the same
  return made;
}

/** What runs are coloured by: what was chosen, or the metric: of validation, and its best, where there is one.
 * @param {Map<string, Quantity>} known @param {{outcome: string | null, metric: string, which: string}} choices @returns {Quantity | null} */
export function outcomeOf(known, { outcome, metric, which }) {
  if (outcome !== null) return known.get(outcome) ?? null;
  const names = which === "train" ? [metric] : [`val_${metric}`, metric];
  for (const name of names) for (const part of ["best", "last"]) if (known.has(`${part} ${name}`)) return known.get(`${part} ${name}`) ?? null;
  return null;
}

/** Which way an outcome is better, as the runs say, or else its name; null where neither tells.
 * @param {Table} table @param {string} outcome @returns {"min" | "max" | null} */
export function directionOf(table, outcome) {
  const metric = outcome.split(" ").slice(1).join(" ");
  let said = new Set(table.rows.map((row) => row.metrics[metric]?.direction).filter((each) => each === "min" || each === "max"));
  if (!said.size) said = new Set(table.metrics.filter((each) => each.name === metric.replace(/^val_/, "")).map((each) => /** @type {any} */ (each.direction)).filter(Boolean));
  return said.size === 1 ? /** @type {any} */ ([...said][0]) : null;
}

/** @param {Value} value */
export const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

/** A value as people read it, as in the table. @param {Value} value */
export const wordOf = (value) => (value === null ? "missing" : value === "" ? "(empty)" : formatSetting(value));
