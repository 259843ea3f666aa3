// @ts-check
// The layers' controls under each layer's name. A text field filters the layers where there are many.
import { createControlList } from "./control_list.js";
import { createCommandStatus } from "../../ui/command_status.js";
import { button, createScope, h, setText } from "../../ui/dom.js";
import { shortenMiddle } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/wire.js").Control} Control */

/** More layers than these have a filter, and are folded away at first. */
export const FEW_LAYERS = 12;

const LAYER_NAME = 20; // characters
const FREEZING = /** @type {const} */ ([
  ["freeze", "Freeze", "Their weights stay as they are; the training step is traced once more"],
  ["unfreeze", "Unfreeze", "Their weights are trained again; the training step is traced once more"],
]);

/** @param {import("../../link/link.js").Link} link @returns {import("../../ui/disclosure.js").List<Control>} */
export function createLayers(link) {
  const scope = createScope();
  const filter = h("input", { type: "text", class: "kcb-filter", "aria-label": "filter layers", placeholder: "filter layers", autocomplete: "off", spellcheck: "false" });
  const nothing = h("p", { class: "kcb-muted" }, "No layer has this in its name.");
  const list = h("div", { class: "kcb-layers" });
  const status = createCommandStatus();
  /** What the filter leaves, or all layers. */
  const shown = () => (part() ? `named:${part()}` : null);
  const many = FREEZING.map(([name, text, title]) => button(text, { title }, () => link.command(name, shown())));
  const together = h("div", { class: "kcb-line" }, filter, ...many, status.element);
  const element = h("div", { class: "kcb-folded" }, together, nothing, list);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, rows: ReturnType<typeof createControlList>, until: HTMLButtonElement, end: () => void}>>} */
  const groups = createKeyedList(list);

  const part = () => (filter.hidden ? "" : link.ui.filter.trim().toLowerCase());

  /** @param {string} name */
  const createGroup = (name) => {
    const rows = createControlList(link, (control) => control.label);
    const until = button("⤒", { class: "kcb-quiet", "aria-label": `freeze up to ${name}`, title: `Freeze all layers up to ${name}` }, () => link.command("freeze", `until:${name}`));
    const box = h("div", { class: "kcb-layer", role: "group", "aria-label": name },
      h("span", { class: "kcb-layer-name", title: name }, shortenMiddle(name, LAYER_NAME)), rows.element, until);
    const end = () => {
      rows.end();
      box.remove();
    };
    return { element: box, rows, until, end };
  };

  /** @param {Control[]} controls */
  const update = (controls) => {
    /** @type {Map<string, Control[]>} */
    const sections = new Map();
    for (const control of controls) sections.set(control.section, [...(sections.get(control.section) ?? []), control]);
    filter.hidden = sections.size <= FEW_LAYERS;
    if (document.activeElement !== filter) filter.value = link.ui.filter;
    const found = [...sections.keys()].filter((name) => name.toLowerCase().includes(part()));
    const freezable = (/** @type {string} */ name) => sections.get(name)?.some((each) => each.kind === "flag" && each.name.endsWith(".trainable"));
    groups.draw(found, String, createGroup, ({ rows, until }, name) => {
      rows.update(sections.get(name) ?? []);
      until.hidden = !freezable(name);
      until.disabled = link.readOnly();
    });
    nothing.hidden = found.length > 0;
    for (const [i, each] of many.entries()) {
      // Python refuses to freeze all: nothing would be left to train.
      each.hidden = !found.some(freezable) || (FREEZING[i][0] === "freeze" && !part());
      each.disabled = link.readOnly();
      setText(each, `${FREEZING[i][1]} ${part() ? "these" : "all"}`);
    }
    const last = link.newest((name) => name === "freeze" || name === "unfreeze");
    status.draw(link, last?.outcome, last?.name);
  };

  scope.listen(filter, "input", () => link.setUi({ filter: filter.value }));
  scope.add(groups.end);
  scope.add(() => element.remove());
  return { element, update, end: scope.end };
}
