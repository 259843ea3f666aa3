// @ts-check
// A few runs as columns, from a comparison's page: its table, what all runs share, and what was changed by hand.

/** @typedef {import("../panels/comparison/comparison.js").Row} Row */
/** @typedef {import("../panels/comparison/side_by_side.js").Fact} Fact */

const MAX_RUNS = 10;
const ABOUT = /** @type {const} */ (["status", "epochs", "step", "duration", "tags", "notes"]);

/** @param {string} part @param {string} name @param {unknown[]} values @returns {Fact} */
const fact = (part, name, values) => ({ part, name, values, differs: new Set(values.map((each) => JSON.stringify(each))).size > 1 });

/** As kcb_widgets/panels/comparison/side_by_side.py does. @param {import("../panels/comparison/comparison.js").Table} table @param {string[]} drawn
 * @param {Record<string, unknown>} shared settings @param {Record<string, import("./placing.js").Places>} places */
export function sideBySide(table, drawn, shared, places) {
  const some = /** @type {Row[]} */ (drawn.slice(0, MAX_RUNS).map((id) => table.rows.find((row) => row.id === id)));
  const facts = ABOUT.map((name) => fact("run", name, some.map((row) => (name === "tags" ? row.tags.join(", ") : row[name]))));
  for (const metric of new Set(some.flatMap((row) => Object.keys(row.metrics)))) {
    for (const part of /** @type {const} */ (["last", "best"])) {
      const values = some.map((row) => row.metrics[metric]?.[part] ?? null);
      if (values.some((value) => value !== null)) facts.push(fact("metrics", `${part} ${metric}`, values));
    }
  }
  table.settings.forEach((name, i) => facts.push(fact("settings", name, some.map((row) => row.settings[i] ?? null))));
  for (const [name, value] of Object.entries(shared)) facts.push(fact("settings", name, some.map(() => value)));
  const changes = some.map(({ id }) => places[id]?.marks ?? []);
  const most = Math.max(0, ...changes.map((each) => each.length));
  for (let i = 0; i < most; i++) facts.push(fact("by hand", `change ${i + 1}`, changes.map((each) => each[i]?.[4] ?? null)));
  return { runs: some.map(({ id, name }) => ({ id, name })), more: drawn.length - some.length, rows: facts };
}
