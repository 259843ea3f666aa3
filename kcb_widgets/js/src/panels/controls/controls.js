// @ts-check
// The controls panel: flow buttons, the learning rate, the user's own controls, and all others under disclosures.
import { createControlList } from "./control_list.js";
import { createDisclosure } from "../../ui/disclosure.js";
import { createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createFlow } from "./flow.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { createLayers } from "./layers.js";
import { createUserControls } from "./user_controls.js";

/** @typedef {import("../../link/wire.js").Control} Control */

const COLLAPSED_GROUPS = new Set(["optimizer", "layers", "snapshots"]);
const LEARNING_RATE = /(^|\W)learning_rate$/;

/** Sorts controls by place: always visible, in the flow bar, among the user's own, or under a disclosure.
 * @param {Control[]} controls */
function arrange(controls) {
  /** @type {Control[]} */
  const main = [];
  /** @type {Control[]} */
  const lengths = [];
  /** @type {Control[]} */
  const user = [];
  /** @type {Map<string, {title: string, layers: boolean, controls: Control[]}>} */
  const collapsed = new Map();
  for (const control of controls) {
    const rate = LEARNING_RATE.test(control.of || control.name);
    // The callbacks panel shows these.
    if (control.group === "callbacks") continue;
    if (control.group === "user") user.push(control);
    else if (control.group === "flow" && control.kind === "number") lengths.push(control);
    else if (!COLLAPSED_GROUPS.has(control.group) || (control.group === "optimizer" && rate)) main.push(control);
    else {
      const { group, section } = control;
      const key = group === "optimizer" ? `${group} ${section}` : group;
      const title = group === "optimizer" ? `Optimizer: ${section || "settings"}` : group === "layers" ? "Layers" : "Snapshot settings";
      const heading = collapsed.get(key) ?? { title, layers: group === "layers", controls: [] };
      heading.controls.push(control);
      collapsed.set(key, heading);
    }
  }
  return { main, lengths, user, collapsed };
}

/** @type {import("../../view.js").Panel} */
export function controlsPanel(body, { link, heartbeat, guard }) {
  const scope = createScope();
  const flow = createFlow(link);
  const rows = createControlList(link, (control) => control.name);
  const userControls = createUserControls(link);
  const badge = h("span", { class: "kcb-badge" });
  const box = h("div", { class: "kcb-folds" });
  body.append(flow.element, h("div", { class: "kcb-line" }, flow.statusLine, badge), rows.element, userControls.element, box);
  /** @type {ReturnType<typeof createKeyedList<ReturnType<typeof createDisclosure<Control>>>>} */
  const disclosures = createKeyedList(box);
  for (const each of [flow, rows, userControls, disclosures]) scope.add(each.end);

  const drawBadge = () => {
    const { kind, text, title } = heartbeat.status();
    setText(badge, text);
    setAttribute(badge, "data-reach", kind);
    setAttribute(badge, "title", title);
  };

  const draw = () => {
    const wanted = arrange(link.controls());
    flow.update(wanted.lengths);
    rows.update(wanted.main);
    userControls.update(wanted.user);
    disclosures.draw(
      [...wanted.collapsed],
      ([key]) => key,
      ([key, { title, layers }]) => createDisclosure(link, key, title, () => (layers ? createLayers(link) : createList())),
      (disclosure, [, { controls }]) => disclosure.update(controls),
    );
    box.hidden = !wanted.collapsed.size;
    drawBadge();
  };

  const createList = () => {
    const list = createControlList(link, (control) => control.label);
    list.element.classList.add("kcb-folded");
    return list;
  };

  scope.add(link.listen(guard((topic) => ["state", "controls", "alive", "ui"].includes(topic) && draw())));
  scope.add(heartbeat.listen(guard(drawBadge)));
  draw();
  return scope.end;
}
