// @ts-check
// The best value of a metric at a glance; which metric is the user's choice.
import { h, setHidden, setText } from "../../ui/dom.js";
import { formatTick } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/wire.js").MetricBest} MetricBest */

/** @param {import("../../link/link.js").Link} link @returns {MetricBest[]} */
export const bestsOf = (link) => {
  const { bests } = link.state();
  return Array.isArray(bests) ? bests.filter((each) => each && typeof each.metric === "string" && Number.isFinite(each.value)) : [];
};

/** What is asked of a run first: its loss on data that it was not trained on. @param {MetricBest[]} bests @param {string} wanted */
function chosen(bests, wanted) {
  const named = (/** @type {string} */ name) => bests.find((each) => each.metric === name);
  return named(wanted) ?? named("val_loss") ?? bests.find((each) => each.metric.startsWith("val_")) ?? named("loss") ?? bests[0];
}

/** @param {MetricBest} best */
export const bestText = ({ metric, value, epoch }) => `best ${metric} ${formatTick(value)} · epoch ${epoch + 1}`;

/** @param {import("../../link/link.js").Link} link */
export function createBest(link) {
  const element = h("select", { class: "kcb-best", "aria-label": "best value of", title: "The best epoch so far; choose the metric here" });
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLOptionElement}>>} */
  const options = createKeyedList(element);
  element.addEventListener("change", () => link.setUi({ best: element.value }));
  return {
    element,
    draw() {
      const bests = bestsOf(link);
      options.draw(bests, (each) => each.metric, (each) => ({ element: h("option", { value: each.metric }) }), (option, best) => setText(option.element, bestText(best)));
      const value = chosen(bests, link.ui.best)?.metric ?? "";
      if (element.value !== value) element.value = value;
      setHidden(element, !bests.length);
    },
  };
}
