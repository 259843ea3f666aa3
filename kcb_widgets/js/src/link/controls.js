// @ts-check
// Reads the controls that Python describes: checks their types, and takes newer values from the state.

/** @typedef {import("./wire.js").Value} Value */
/** @typedef {import("./wire.js").Control} Control */

/** @param {unknown} value @param {string} [otherwise] */
const stringOf = (value, otherwise = "") => (typeof value === "string" ? value : otherwise);

/** @param {unknown} controls @param {unknown} values @returns {Control[]} */
export function readControls(controls, values) {
  if (!Array.isArray(controls)) return [];
  const moved = /** @type {Record<string, Value>} */ (values && typeof values === "object" ? values : {});
  /** @type {Map<string, Control>} */
  const named = new Map();
  for (const each of controls) {
    if (!each || typeof each !== "object" || typeof each.name !== "string" || !each.name) continue;
    const { name } = each;
    named.set(name, {
      name,
      label: stringOf(each.label) || name,
      kind: /** @type {Control["kind"]} */ (stringOf(each.kind, "number")),
      scale: /** @type {Control["scale"]} */ (stringOf(each.scale, "linear")),
      value: Object.hasOwn(moved, name) ? moved[name] : (each.value ?? null),
      min: each.min ?? null,
      max: each.max ?? null,
      integer: each.integer === true,
      nullable: each.nullable === true,
      choices: Array.isArray(each.choices) ? each.choices.map(String) : [],
      enabled: each.enabled !== false,
      reason: stringOf(each.reason),
      rebuild: each.rebuild === true,
      group: /** @type {Control["group"]} */ (stringOf(each.group)),
      section: stringOf(each.section),
      of: stringOf(each.of),
    });
  }
  return [...named.values()];
}
