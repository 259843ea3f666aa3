// @ts-check
// A plot's legend, which is also its readout: a toggle for each curve, and beside it the exact value.
import { swatch } from "./curve_style.js";
import { button as createButton, h, setAttribute, setText } from "../../ui/dom.js";
import { formatCount, formatExact, formatSetting, formatTick, roundSignificant } from "../../ui/format.js";

/** @typedef {import("./curves.js").Curve} Curve */

/** @type {Partial<Record<Curve["role"], string>>} */
const SHORT = { raw: "batch", smooth: "smooth", epoch: "epoch", val: "val" };

/** "loss, each batch" under the heading "loss" is "batch".
 * @param {Curve} curve @param {string} group @param {boolean} alone no other curve of its role is there */
function shortLabel({ label, role }, group, alone) {
  if (alone && SHORT[role]) return SHORT[role];
  if (role === "baseline") return label.startsWith("val_") ? "val baseline" : "baseline"; // its name is in the title
  return label.startsWith(`${group}, `) ? label.slice(group.length + 2) : label;
}

/** @param {number | null} value */
const formatTickOrNone = (value) => (value === null ? "–" : formatTick(value));

/** @param {string} group @param {(key: string) => void} onToggle */
export function createLegend(group, onToggle) {
  const element = h("span", { class: "kcb-legend" });
  /** @type {{curve: Curve, format: (value: number | null) => string, button: HTMLButtonElement, value: HTMLElement}[]} */
  let entries = [];

  return {
    element,
    /** @param {Curve[]} curves */
    build(curves) {
      entries = curves.map((curve) => {
        const button = createButton("", { class: "kcb-key", "data-role": curve.role, "aria-label": curve.label, title: curve.label }, () => onToggle(curve.key));
        button.append(swatch(curve), h("span", {}, shortLabel(curve, group, curves.filter((each) => each.role === curve.role).length === 1)));
        const planned = curve.role === "plan";
        const format = planned ? (/** @type {number | null} */ value) => (value === null ? "" : formatSetting(value)) : curve.role === "control" ? formatSetting : curve.role === "baseline" ? formatTickOrNone : formatExact;
        return { curve, format, button, value: h("span", { class: "kcb-value" }, "–") };
      });
      element.replaceChildren(...entries.map(({ button, value }) => h("span", { class: "kcb-entry" }, button, value)));
    },
    /** @param {Set<string>} hidden */
    setHidden(hidden) {
      for (const { curve, button } of entries) setAttribute(button, "aria-pressed", String(!hidden.has(curve.key)));
    },
    /** @param {{value: number | null, by: number | null}[]} values by: how much this run differs from another */
    setValues(values) {
      entries.forEach(({ value: element, format }, i) => {
        const { value, by } = values[i];
        const differs = by === null ? "" : ` (${by < 0 ? "−" : "+"}${formatTick(roundSignificant(Math.abs(by), 2))})`;
        setText(element, format(value) + differs);
        if (differs) setAttribute(element, "title", `in brackets: by how much this run is ${by && by < 0 ? "below" : "above"} it here`);
        element.classList.toggle("kcb-not-finite", value !== null && !Number.isFinite(value));
      });
    },
    /** @param {number} batches that the average is over */
    setSmoothing(batches) {
      const words = `smoothed: the average over about ${formatCount(batches)} batch${batches === 1 ? "" : "es"}`;
      for (const { curve, button } of entries) if (curve.role === "smooth") setAttribute(button, "title", words);
    },
  };
}
