// @ts-check
// What is chosen for all runs: metric, curves, the axis, what runs are put together by, smoothing.
import { createScope, h, setAttribute, throttle } from "../../ui/dom.js";
import { createMoreChoices } from "./more_choices.js";
import { fill, ofSettings, select, within } from "./options.js";
import { BY_NAME, createPattern } from "./pattern.js";

const AXES = { step: "step", epoch: "epoch", time: "time of training", clock: "wall clock", samples: "samples seen" };
const SERIES = "series."; // a recorded series, as an axis
const WHICH = { both: "train and validation", train: "train", validation: "validation" };
const SMOOTHING_MS = 80;
/** @type {import("./options.js").Option[]} */
const GROUPS = [
  { value: "", text: "each run" },
  { value: "name", text: "together by name" },
  { value: BY_NAME, text: "together by a pattern of the name" },
  { value: "tags", text: "together by tags" },
];

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, metrics: () => {name: string}[], settings: () => string[], axes: () => string[],
 *   limits?: import("./comparison.js").Limits}} context */
export function createChooser({ choices, choose, metrics, settings, axes, limits }) {
  const scope = createScope();
  const metric = select("metric");
  const which = select("curves", WHICH);
  const x = select("horizontal axis");
  const group = select("put together by");
  const log = h("input", { type: "checkbox" });
  const smoothing = h("input", { type: "range", min: 0, max: 1, step: 0.01, "aria-label": "smoothing" });
  const pattern = createPattern({ choices, choose, only: limits?.groups.find((name) => name.startsWith(BY_NAME)) });
  const more = createMoreChoices({ choices, choose, settings, limits });
  const groups = limits?.groups.map((name) => (name.startsWith(BY_NAME) ? BY_NAME : name));
  scope.add(pattern.end);
  scope.add(more.end);
  const element = h("div", { class: "kcb-chooser", role: "group", "aria-label": "what is drawn" },
    metric, which, h("label", {}, "by ", x), more.align, group, pattern.element, more.band, more.colour, h("label", {}, log, " log"), h("label", {}, "smoothing ", smoothing));
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
      fill(metric, within(names.map((name) => ({ value: name, text: name })), limits?.metrics), now.metric);
      const chosen = now.group?.startsWith(BY_NAME) ? BY_NAME : (now.group ?? "");
      const own = GROUPS.some(({ value }) => value === chosen) ? null : chosen;
      pattern.draw();
      const typed = pattern.element.hidden || now.group ? chosen : group.value; // a pattern is about to be typed
      fill(group, within([...GROUPS, ...ofSettings(settings(), own, "together by")], groups), typed);
      const series = new Set([...axes(), ...(now.x.startsWith(SERIES) ? [now.x.slice(SERIES.length)] : [])]);
      const recorded = [...series].map((name) => ({ value: SERIES + name, text: name, group: "a recorded series" }));
      fill(x, within([...Object.entries(AXES).map(([value, text]) => ({ value, text })), ...recorded], limits && Object.keys(AXES)), now.x);
      which.value = now.which;
      log.checked = now.log;
      more.draw();
      if (document.activeElement !== smoothing) smoothing.value = String(now.smoothing);
      setAttribute(smoothing, "title", `the mean over ${Math.round(30 * now.smoothing ** 2)} % of what is in view`);
    },
    end: scope.end,
  };
}
