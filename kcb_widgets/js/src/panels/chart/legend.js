// @ts-check
// A plot's legend, which is also its readout: a toggle for each curve, and beside it the exact value.
import { button as createButton, h, setAttribute, setText } from "../../ui/dom.js";
import { exact, setting } from "../../ui/format.js";
import { swatch } from "./looks.js";
import { createParts } from "../../ui/parts.js";

/** @typedef {import("./curves.js").Curve} Curve */

/** "loss, each batch" under the heading "loss" is "each batch".
 * @param {string} label @param {string} group */
function short(label, group) {
  return label.startsWith(`${group}, `) ? label.slice(group.length + 2) : label;
}

/** @param {string} group @param {(key: string) => void} onToggle */
export function createLegend(group, onToggle) {
  const curvesOf = h("span", { class: "kcb-beside" });
  const bestsOf = h("span", { class: "kcb-beside" });
  const element = h("span", { class: "kcb-legend" }, curvesOf, bestsOf);
  /** @type {ReturnType<typeof createParts<{element: HTMLElement, value: HTMLElement}>>} */
  const lines = createParts(bestsOf);
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
      curvesOf.replaceChildren(...entries.map(({ entry }) => entry));
    },
    /** @param {Set<string>} hidden */
    press(hidden) {
      for (const { key, button } of entries) setAttribute(button, "aria-pressed", String(!hidden.has(key)));
    },
    /** @param {import("./bests.js").Best[]} bests the lines of the best values */
    best(bests) {
      lines.draw(bests, ({ label, ids }) => `${label} ${ids}`, ({ label, ids, color }) => {
        const look = swatch({ role: "best", metric: 0 });
        look.style.color = `var(--kcb-${color})`;
        const key = h("span", { class: "kcb-key", "data-role": "best", title: `${label}, as ${ids.join(" and ")} saw it` }, look, h("span", {}, label));
        const value = h("span", { class: "kcb-value" });
        return { element: h("span", { class: "kcb-entry" }, key, value), value };
      }, (part, { value }) => setText(part.value, exact(value)));
    },
    /** @param {(number | null)[]} values */
    values(values) {
      entries.forEach(({ value, format }, i) => setText(value, format(values[i])));
    },
  };
}
