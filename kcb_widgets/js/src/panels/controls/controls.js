// @ts-check
// The Controls tab: single actions, the lengths of the fit, and the settings of optimizers and layers.
import { arrange } from "./arrange.js";
import { createControlList } from "./control_list.js";
import { createDisclosure } from "../../ui/disclosure.js";
import { createScope, h } from "../../ui/dom.js";
import { createFlow } from "./flow.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { createLayers, FEW_LAYERS } from "./layers.js";

/** @typedef {import("../../link/wire.js").Control} Control */

/** @type {import("../../view.js").Panel} */
export function controlsPanel(body, { link, guard }) {
  const scope = createScope();
  const flow = createFlow(link);
  const box = h("div", { class: "kcb-folds" });
  body.append(flow.element, box);
  /** @type {ReturnType<typeof createKeyedList<ReturnType<typeof createDisclosure<Control>>>>} */
  const disclosures = createKeyedList(box);
  for (const each of [flow, disclosures]) scope.add(each.end);

  const createList = () => {
    const list = createControlList(link, (control) => control.label);
    list.element.classList.add("kcb-folded");
    return list;
  };

  const draw = () => {
    const { lengths, collapsed } = arrange(link.controls());
    flow.update(lengths);
    disclosures.draw(
      [...collapsed],
      ([key]) => key,
      ([key, { title, layers }]) => createDisclosure(link, key, title, () => (layers ? createLayers(link) : createList())),
      (disclosure, [, { controls, layers }]) => disclosure.update(controls, !layers || new Set(controls.map((each) => each.section)).size <= FEW_LAYERS),
    );
    box.hidden = !collapsed.size;
  };

  scope.add(link.listen(guard((topic) => ["state", "controls", "alive", "ui"].includes(topic) && draw())));
  draw();
  return scope.end;
}
