// @ts-check
// The chart's own settings. They are the browser's business: Python never hears of them.
import { button, createScope, h, setAttribute, setHidden, setText } from "../../ui/dom.js";
import { formatCount } from "../../ui/format.js";
import { createMenu } from "../../ui/menu.js";
import { choose, plotId } from "./layout.js";
import { saveCsv, savePng, saveSvg } from "./save.js";

/** @typedef {import("./curves.js").Plot} Plot */

const MODES = /** @type {const} */ ([["step", "step"], ["epoch", "epoch"], ["time", "wall time"]]);
const SAVES = /** @type {const} */ ([["PNG", savePng], ["SVG", saveSvg], ["CSV", saveCsv]]);

/** @param {import("../../link/link.js").Link} link @param {{onReset: () => void, shown: () => import("./save.js").Shown}} chart */
export function createToolbar(link, { onReset, shown }) {
  const scope = createScope();
  const { ui } = link;
  const smoothing = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, "aria-label": "smoothing", class: "kcb-slider" });
  const amount = h("output", { class: "kcb-amount" });
  const log = button("log y", { class: "kcb-toggle", title: "Logarithmic y axis" });
  const mode = h("select", { "aria-label": "x axis" }, ...MODES.map(([value, text]) => h("option", { value }, text)));
  const reset = button("reset zoom", { class: "kcb-reset", title: "Show the whole run (double-click on a plot)" });
  const again = button("", { class: "kcb-again" }, () => hiddenPlots.forEach((plot) => choose(link, plotId(plot), { hidden: false })));
  const save = createMenu("save what is shown", "Save", SAVES.map(([name, write]) => button(name, { "aria-label": `save as ${name}` }, () => {
    save.close();
    write(link, shown());
  })), { class: "kcb-worded" });
  scope.add(save.end);
  const place = h("span", { class: "kcb-place" });
  const element = h("div", { class: "kcb-toolbar", role: "toolbar", "aria-label": "chart" },
    h("label", {}, "smoothing", smoothing, amount), log, h("label", {}, "x", mode), reset, again, save.element, place);
  /** @type {Plot[]} */
  let hiddenPlots = [];

  const draw = () => {
    smoothing.value = String(ui.smoothing);
    setText(amount, ui.smoothing.toFixed(2));
    setAttribute(log, "aria-pressed", String(ui.log));
    mode.value = ui.x;
    reset.disabled = !ui.zoom;
  };
  scope.listen(smoothing, "input", () => link.setUi({ smoothing: Number(smoothing.value) }));
  scope.listen(log, "click", () => {
    const plots = Object.fromEntries(Object.entries(ui.plots).map(([id, choice]) => [id, { ...choice, log: null }]));
    link.setUi({ log: !ui.log, plots });
  });
  scope.listen(mode, "change", () => link.setUi({ x: /** @type {typeof ui.x} */ (mode.value) }));
  scope.listen(reset, "click", onReset);
  draw();
  return {
    element,
    draw,
    /** @param {Plot[]} plots that the user took away @param {number} smoothed batches that the average is over */
    hidden(plots, smoothed) {
      hiddenPlots = plots;
      setHidden(again, !plots.length);
      setText(again, `show ${plots.length} hidden`);
      setAttribute(again, "title", plots.map((each) => each.group).join(", "));
      setAttribute(amount, "title", `the average over about ${formatCount(smoothed)} batches`);
    },
    /** @param {string} text @param {string} whole @param {boolean} aloud keyboard users hear where the cursor is */
    say(text, whole, aloud) {
      setAttribute(place, "aria-live", aloud ? "polite" : "off");
      setAttribute(place, "title", whole || text);
      setText(place, text);
    },
    end: scope.end,
  };
}
