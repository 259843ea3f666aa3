// @ts-check
// The chart's own settings. They are the browser's business: Python never hears of them.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";

const MODES = /** @type {const} */ ([["step", "step"], ["epoch", "epoch"], ["time", "wall time"]]);

/** @param {import("../../link/link.js").Link} link @param {() => void} onReset */
export function createToolbar(link, onReset) {
  const scope = createScope();
  const { ui } = link;
  const smoothing = h("input", { type: "range", min: 0, max: 0.99, step: 0.01, "aria-label": "smoothing", class: "kcb-slider" });
  const amount = h("output", { class: "kcb-amount" });
  const log = button("log y", { class: "kcb-toggle", title: "Logarithmic y axis" });
  const mode = h("select", { "aria-label": "x axis" }, ...MODES.map(([value, text]) => h("option", { value }, text)));
  const reset = button("reset zoom", { class: "kcb-reset", title: "Show the whole run (double-click on a plot)" });
  const place = h("span", { class: "kcb-place" });
  const element = h("div", { class: "kcb-toolbar", role: "toolbar", "aria-label": "chart" },
    h("label", {}, "smoothing", smoothing, amount), log, h("label", {}, "x", mode), reset, place);

  const draw = () => {
    smoothing.value = String(ui.smoothing);
    setText(amount, ui.smoothing.toFixed(2));
    setAttribute(log, "aria-pressed", String(ui.log));
    mode.value = ui.x;
    reset.disabled = !ui.zoom;
  };
  scope.listen(smoothing, "input", () => link.setUi({ smoothing: Number(smoothing.value) }));
  scope.listen(log, "click", () => link.setUi({ log: !ui.log }));
  scope.listen(mode, "change", () => link.setUi({ x: /** @type {typeof ui.x} */ (mode.value) }));
  scope.listen(reset, "click", onReset);
  draw();
  return {
    element,
    draw,
    /** @param {string} text @param {boolean} aloud keyboard users hear where the cursor is */
    say(text, aloud) {
      setAttribute(place, "aria-live", aloud ? "polite" : "off");
      setAttribute(place, "title", text);
      setText(place, text);
    },
    end: scope.end,
  };
}
