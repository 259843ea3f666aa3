// @ts-check
// A plot's legend, which is also its readout: a toggle for each curve, and beside it the exact value.
import { swatch } from "./curve_style.js";
import { button as createButton, h, setAttribute, setText } from "../../ui/dom.js";
import { formatExact, formatSetting } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("./curves.js").Curve} Curve */

/** "loss, each batch" under the heading "loss" is "each batch".
 * @param {string} label @param {string} group */
function shortLabel(label, group) {
  return label.startsWith(`${group}, `) ? label.slice(group.length + 2) : label;
}

/** @param {string} group @param {(key: string) => void} onToggle */
export function createLegend(group, onToggle) {
  const curveEntries = h("span", { class: "kcb-beside" });
  const bestEntries = h("span", { class: "kcb-beside" });
  const element = h("span", { class: "kcb-legend" }, curveEntries, bestEntries);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, value: HTMLElement}>>} */
  const bestList = createKeyedList(bestEntries);
  /** @type {{key: string, format: (value: number | null) => string, button: HTMLButtonElement, value: HTMLElement, entry: HTMLElement}[]} */
  let entries = [];

  return {
    element,
    /** @param {Curve[]} curves */
    build(curves) {
      entries = curves.map((curve) => {
        const button = createButton("", { class: "kcb-key", "data-role": curve.role, title: curve.label }, () => onToggle(curve.key));
        button.append(swatch(curve), h("span", {}, shortLabel(curve.label, group)));
        const value = h("span", { class: "kcb-value" }, "–");
        const planned = curve.role === "plan";
        const format = planned ? (/** @type {number | null} */ value) => (value === null ? "" : formatSetting(value)) : curve.role === "control" ? formatSetting : formatExact;
        return { key: curve.key, format, button, value, entry: h("span", { class: "kcb-entry" }, button, value) };
      });
      curveEntries.replaceChildren(...entries.map(({ entry }) => entry));
    },
    /** @param {Set<string>} hidden */
    setHidden(hidden) {
      for (const { key, button } of entries) setAttribute(button, "aria-pressed", String(!hidden.has(key)));
    },
    /** @param {import("./best_lines.js").BestLine[]} bestLines */
    setBestLines(bestLines) {
      bestList.draw(bestLines, ({ label, ids }) => `${label} ${ids}`, ({ label, ids, color }) => {
        const symbol = swatch({ role: "best", metric: 0 });
        symbol.style.color = `var(--kcb-${color})`;
        const key = h("span", { class: "kcb-key", "data-role": "best", title: `${label}, as ${ids.join(" and ")} saw it` }, symbol, h("span", {}, label));
        const value = h("span", { class: "kcb-value" });
        return { element: h("span", { class: "kcb-entry" }, key, value), value };
      }, (entry, { value }) => setText(entry.value, formatExact(value)));
    },
    /** @param {(number | null)[]} values */
    setValues(values) {
      entries.forEach(({ value, format }, i) => setText(value, format(values[i])));
    },
  };
}
