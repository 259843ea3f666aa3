// @ts-check
// What is chosen for all runs: metric, curves, the axis, smoothing.
import { createScope, h, setAttribute, throttle } from "../../ui/dom.js";
import { createMoreChoices } from "./more_choices.js";
import { option } from "./option.js";
import { BY_NAME, createPattern } from "./pattern.js";

const AXES = { step: "step", epoch: "epoch", time: "time of training", clock: "wall clock", samples: "samples seen" };
const SERIES = "series."; // a recorded series, as an axis
const WHICH = { both: "train and validation", train: "train", validation: "validation" };
const SMOOTHING_MS = 80;

/** @param {string} label @param {Record<string, string>} options */
function select(label, options) {
  const element = h("select", { "aria-label": label }, ...Object.entries(options).map(([value, text]) => h("option", { value }, text)));
  return element;
}

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, metrics: () => {name: string}[], settings: () => string[], axes: () => string[],
 *   limits?: import("./comparison.js").Limits}} context */
export function createChooser({ choices, choose, metrics, settings, axes, limits }) {
  const scope = createScope();
  const metric = select("metric", {});
  const which = select("curves", WHICH);
  const x = select("horizontal axis", AXES);
  const group = select("put together by", {});
  const log = h("input", { type: "checkbox" });
  const smoothing = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "smoothing" });
  const pattern = createPattern({ choices, choose, only: limits?.groups.find((name) => name.startsWith(BY_NAME)) });
  const more = createMoreChoices({ choices, choose, settings, limits });
  const groups = limits?.groups.map((name) => (name.startsWith(BY_NAME) ? BY_NAME : name));
  scope.add(pattern.end);
  scope.add(more.end);
  const element = h("div", { class: "kcb-chooser", role: "group", "aria-label": "what is drawn" },
    metric, which, h("label", {}, "by ", x), group, pattern.element, more.element, h("label", {}, log, " log"), h("label", {}, "smoothing ", smoothing));
  scope.listen(metric, "change", () => choose({ metric: metric.value }));
  scope.listen(which, "change", () => choose({ which: which.value }));
  scope.listen(x, "change", () => choose({ x: x.value }));
  scope.listen(group, "change", () => {
    if (group.value === BY_NAME) return pattern.open(); // and wait for what is typed
    pattern.close();
    choose({ group: group.value || null });
  });
  scope.listen(log, "change", () => choose({ log: log.checked }));
  const smooth = throttle(() => choose({ smoothing: Number(smoothing.value) }), SMOOTHING_MS);
  scope.listen(smoothing, "input", () => smooth.call(undefined));
  return {
    element,
    draw() {
      const now = choices();
      const names = metrics().map((each) => each.name);
      if (!names.includes(now.metric)) names.unshift(now.metric);
      if (names.join("\n") !== [...metric.options].map((each) => each.value).join("\n")) metric.replaceChildren(...names.map((name) => option(name, name, limits?.metrics)));
      metric.value = now.metric;
      const by = ["", "name", BY_NAME, "tags", ...settings()];
      const chosen = now.group?.startsWith(BY_NAME) ? BY_NAME : (now.group ?? "");
      if (!by.includes(chosen)) by.push(chosen);
      if (by.join("\n") !== [...group.options].map((each) => each.value).join("\n")) {
        group.replaceChildren(...by.map((name) => option(name, name === BY_NAME ? "together by a pattern of the name" : name ? `together by ${name.replace(/^config\./, "")}` : "each run", groups)));
      }
      pattern.draw();
      if (pattern.element.hidden || now.group) group.value = chosen; // else a pattern is about to be typed
      const xs = [...Object.keys(AXES), ...axes().map((name) => SERIES + name)];
      if (!xs.includes(now.x)) xs.push(now.x);
      if (xs.join("\n") !== [...x.options].map((each) => each.value).join("\n")) {
        x.replaceChildren(...xs.map((value) => option(value, /** @type {Record<string, string>} */ (AXES)[value] ?? value.slice(SERIES.length), limits && Object.keys(AXES))));
      }
      which.value = now.which;
      x.value = now.x;
      log.checked = now.log;
      more.draw();
      if (document.activeElement !== smoothing) smoothing.value = String(now.smoothing);
      setAttribute(smoothing, "title", `the mean over ${Math.round(30 * now.smoothing ** 2)} % of what is in view`);
    },
    end: scope.end,
  };
}
