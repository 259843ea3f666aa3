// @ts-check
// A plot's legend, which is also its readout: a toggle for each curve, and beside it the exact value.
import { button as createButton, h, setAttribute, setText } from "./dom.js";
import { exact, setting } from "./format.js";
import { swatch } from "./looks.js";

/** @typedef {import("./curves.js").Curve} Curve */

/** "loss, each batch" under the heading "loss" is "each batch".
 * @param {string} label @param {string} group */
function short(label, group) {
  return label.startsWith(`${group}, `) ? label.slice(group.length + 2) : label;
}

/** @param {string} group @param {(key: string) => void} onToggle */
export function createLegend(group, onToggle) {
  const element = h("span", { class: "kcb-legend" });
  /** @type {{key: string, format: (value: number | null) => string, button: HTMLButtonElement, value: HTMLElement, entry: HTMLElement}[]} */
  let entries = [];

  return {
    element,
    /** @param {Curve[]} curves */
    build(curves) {
      entries = curves.map((curve) => {
        const button = createButton("", { class: "kcb-key", "data-role": curve.role, title: curve.label }, () => onToggle(curve.key));
        button.append(swatch(curve), h("span", {}, short(curve.label, group)));
        const value = h("span", { class: "kcb-value" }, "–");
        const planned = curve.role === "plan";
        const format = planned ? (/** @type {number | null} */ value) => (value === null ? "" : setting(value)) : curve.role === "control" ? setting : exact;
        return { key: curve.key, format, button, value, entry: h("span", { class: "kcb-entry" }, button, value) };
      });
      element.replaceChildren(...entries.map(({ entry }) => entry));
    },
    /** @param {Set<string>} hidden */
    press(hidden) {
      for (const { key, button } of entries) setAttribute(button, "aria-pressed", String(!hidden.has(key)));
    },
    /** @param {(number | null)[]} values */
    values(values) {
      entries.forEach(({ value, format }, i) => setText(value, format(values[i])));
    },
  };
}
