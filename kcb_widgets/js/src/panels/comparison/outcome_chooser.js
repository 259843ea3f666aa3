// @ts-check
// What runs are coloured by, what the colours mean, and how many of the best are left.
import { createScope, h, setAttribute, setHidden, setText, throttle } from "../../ui/dom.js";
import { formatTick } from "../../ui/format.js";
import { gradient } from "./colour_scale.js";
import { fillOptions } from "./scatter_chooser.js";

const SLIDER_MS = 120;

/** @param {{onOutcome: (name: string) => void, onBest: (percent: number) => void}} context */
export function createOutcomeChooser({ onOutcome, onBest }) {
  const scope = createScope();
  const outcomes = h("select", { "aria-label": "outcome" });
  const [from, to] = [h("span"), h("span")];
  const bar = h("span", { class: "kcb-outcome-colours", "aria-hidden": "true" });
  const legend = h("span", { class: "kcb-legend-of-colours" }, from, bar, to);
  const slider = h("input", { type: "range", class: "kcb-slider", min: 1, max: 100, step: 1, "aria-label": "best percent of the runs" });
  const percent = h("span");
  const bestOnes = h("label", { class: "kcb-best" }, "best ", slider, percent);
  const why = h("span", { class: "kcb-muted" });
  scope.listen(outcomes, "change", () => onOutcome(outcomes.value));
  const slide = throttle(() => onBest(Number(slider.value)), SLIDER_MS);
  scope.listen(slider, "input", () => slide.call(undefined));
  scope.add(slide.cancel);
  return {
    element: h("div", { class: "kcb-chooser", role: "group", "aria-label": "outcome and the best runs" }, h("label", {}, "outcome ", outcomes), legend, bestOnes, why),
    /** @param {Map<string, import("./quantities.js").Quantity>} known @param {import("./quantities.js").Quantity | null} outcome @param {"min" | "max" | null} direction @param {number} best */
    update(known, outcome, direction, best) {
      fillOptions(outcomes, [...known.values()].filter((each) => each.kind === "result"));
      outcomes.value = outcome?.name ?? "";
      setHidden(bestOnes, !direction);
      if (/** @type {any} */ (slider.getRootNode()).activeElement !== slider) slider.value = String(best);
      setAttribute(slider, "aria-valuetext", `${best} %`);
      setText(percent, `${best} %`);
      setText(why, outcome && !direction ? `no best: nothing tells whether more or less of ${outcome.title} is better` : "");
    },
    /** @param {import("./axis.js").Axis | null} axis of the outcome; null: no colours @param {"min" | "max" | null} direction @param {boolean} dark */
    explain(axis, direction, dark) {
      setHidden(legend, !axis?.numeric);
      if (!axis) return;
      const ends = [axis.low, axis.high].map(formatTick);
      if (direction === "min") ends.reverse();
      setText(from, `${direction ? "worst " : ""}${ends[0]}`);
      setText(to, `${direction ? "best " : ""}${ends[1]}`);
      bar.style.background = gradient(dark);
    },
    end: scope.end,
  };
}
