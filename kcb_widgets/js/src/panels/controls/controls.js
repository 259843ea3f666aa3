// @ts-check
// Steering: the course of the fit, the learning rate, and all else that can be changed, folded away.
import { createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createFlow } from "./flow.js";
import { createFold } from "../../ui/fold.js";
import { createLayers } from "./layers.js";
import { createParts } from "../../ui/parts.js";
import { createRows } from "./rows.js";
import { createYours } from "./yours.js";

/** @typedef {import("../../link/link.js").Control} Control */

const FOLDED = new Set(["optimizer", "layers", "snapshots"]);
const LEARNING_RATE = /(^|\W)learning_rate$/;

/** Where a control stands: always in sight, in the flow bar, among the user's own, or under a heading.
 * @param {Control[]} controls */
function arrange(controls) {
  /** @type {Control[]} */
  const main = [];
  /** @type {Control[]} */
  const lengths = [];
  /** @type {Control[]} */
  const yours = [];
  /** @type {Map<string, {title: string, layers: boolean, controls: Control[]}>} */
  const folds = new Map();
  for (const control of controls) {
    const rate = LEARNING_RATE.test(control.of || control.name);
    // The callbacks have a panel of their own.
    if (control.group === "callbacks") continue;
    if (control.group === "user") yours.push(control);
    else if (control.group === "flow" && control.kind === "number") lengths.push(control);
    else if (!FOLDED.has(control.group) || (control.group === "optimizer" && rate)) main.push(control);
    else {
      const { group, section } = control;
      const key = group === "optimizer" ? `${group} ${section}` : group;
      const title = group === "optimizer" ? `Optimizer: ${section || "settings"}` : group === "layers" ? "Layers" : "Snapshot settings";
      const fold = folds.get(key) ?? { title, layers: group === "layers", controls: [] };
      fold.controls.push(control);
      folds.set(key, fold);
    }
  }
  return { main, lengths, yours, folds };
}

/** @type {import("../../view.js").Panel} */
export function controlsPanel(body, { link, presence, guard }) {
  const scope = createScope();
  const flow = createFlow(link);
  const rows = createRows(link, (control) => control.name);
  const yours = createYours(link);
  const badge = h("span", { class: "kcb-badge" });
  const folded = h("div", { class: "kcb-folds" });
  body.append(flow.element, h("div", { class: "kcb-line" }, flow.news, badge), rows.element, yours.element, folded);
  /** @type {ReturnType<typeof createParts<ReturnType<typeof createFold<Control>>>>} */
  const folds = createParts(folded);
  for (const part of [flow, rows, yours, folds]) scope.add(part.end);

  const drawBadge = () => {
    const { kind, text, title } = presence.reach();
    setText(badge, text);
    setAttribute(badge, "data-reach", kind);
    setAttribute(badge, "title", title);
  };

  const draw = () => {
    const wanted = arrange(link.controls());
    flow.update(wanted.lengths);
    rows.update(wanted.main);
    yours.update(wanted.yours);
    folds.draw(
      [...wanted.folds],
      ([key]) => key,
      ([key, { title, layers }]) => createFold(link, key, title, () => (layers ? createLayers(link) : createList())),
      (fold, [, { controls }]) => fold.update(controls),
    );
    folded.hidden = !wanted.folds.size;
    drawBadge();
  };

  const createList = () => {
    const list = createRows(link, (control) => control.label);
    list.element.classList.add("kcb-folded");
    return list;
  };

  scope.add(link.listen(guard((topic) => ["state", "controls", "alive", "ui"].includes(topic) && draw())));
  scope.add(presence.listen(guard(drawBadge)));
  draw();
  return scope.end;
}
