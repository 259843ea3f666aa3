// @ts-check
// What can be done with one plot: its y axis, its size and its place among the others.
import { button, createScope, h, setAttribute } from "../../ui/dom.js";
import { formatSetting, parseNumber } from "../../ui/format.js";
import { createMenu } from "../../ui/menu.js";

/** @typedef {import("./layout.js").PlotChoice} PlotChoice */
/** @typedef {{change: (choice: Partial<PlotChoice>) => void, move: (by: -1 | 1) => void, fullScreen: () => void}} PlotActions */

/** @param {string} group @param {PlotActions} actions */
export function createPlotMenu(group, { change, move, fullScreen }) {
  const scope = createScope();
  /** @type {PlotChoice} */
  let choice = { log: null, range: "most", hidden: false, wide: false };
  const log = button("log y", { class: "kcb-toggle" }, () => change({ log: choice.log !== true }));
  const all = button("all values", { class: "kcb-toggle", title: "Outliers too" }, () => change({ range: choice.range === "all" ? "most" : "all" }));
  const [low, high] = ["lowest y", "highest y"].map((name) => h("input", { type: "text", inputmode: "decimal", class: "kcb-field kcb-short", "aria-label": name, placeholder: name.split(" ")[0], autocomplete: "off" }));
  const wide = button("enlarge", { class: "kcb-toggle" }, () => change({ wide: !choice.wide }));
  const menu = createMenu(`${group} plot`, "⋯", [
    h("div", { class: "kcb-line" }, log, all),
    h("label", { class: "kcb-line" }, "y from", low, "to", high),
    h("div", { class: "kcb-line" }, wide, button("full screen", {}, fullScreen)),
    h("div", { class: "kcb-line" }, button("◂ move", { "aria-label": "move left" }, () => move(-1)), button("move ▸", { "aria-label": "move right" }, () => move(1)), button("hide", {}, () => change({ hidden: true }))),
  ]);
  scope.add(menu.end);
  const setRange = () => {
    const [from, to] = [low, high].map((each) => parseNumber(each.value));
    if (from !== null && to !== null && from < to) change({ range: [from, to] });
    else if (from === null && to === null && Array.isArray(choice.range)) change({ range: "most" });
  };
  for (const each of [low, high]) {
    scope.listen(each, "change", setRange);
    scope.listen(each, "keydown", (event) => event.key === "Enter" && setRange());
  }

  return {
    element: menu.element,
    /** @param {PlotChoice} next @param {boolean} isLog */
    draw(next, isLog) {
      choice = { ...next, log: isLog };
      setAttribute(log, "aria-pressed", String(isLog));
      setAttribute(all, "aria-pressed", String(next.range === "all"));
      setAttribute(wide, "aria-pressed", String(next.wide));
      const fixed = Array.isArray(next.range) ? next.range : null;
      for (const [i, each] of [low, high].entries()) if (!menu.element.contains(document.activeElement)) each.value = fixed ? formatSetting(fixed[i]) : "";
    },
    end: scope.end,
  };
}
