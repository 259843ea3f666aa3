// @ts-check
// The layers' controls under each layer's name. A text field filters the layers where there are many.
import { createControlList } from "./control_list.js";
import { createScope, h } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/wire.js").Control} Control */

const FILTER_ABOVE = 12;

/** @param {import("../../link/link.js").Link} link @returns {import("../../ui/disclosure.js").List<Control>} */
export function createLayers(link) {
  const scope = createScope();
  const filter = h("input", { type: "text", class: "kcb-filter", "aria-label": "filter layers", placeholder: "filter layers", autocomplete: "off", spellcheck: "false" });
  const nothing = h("p", { class: "kcb-muted" }, "No layer has this in its name.");
  const list = h("div", { class: "kcb-layers" });
  const element = h("div", { class: "kcb-folded" }, filter, nothing, list);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, rows: ReturnType<typeof createControlList>, end: () => void}>>} */
  const groups = createKeyedList(list);

  /** @param {string} name */
  const createGroup = (name) => {
    const rows = createControlList(link, (control) => control.label);
    const box = h("div", { class: "kcb-layer", role: "group", "aria-label": name }, h("span", { class: "kcb-layer-name", title: name }, name), rows.element);
    const end = () => {
      rows.end();
      box.remove();
    };
    return { element: box, rows, end };
  };

  /** @param {Control[]} controls */
  const update = (controls) => {
    /** @type {Map<string, Control[]>} */
    const sections = new Map();
    for (const control of controls) sections.set(control.section, [...(sections.get(control.section) ?? []), control]);
    filter.hidden = sections.size <= FILTER_ABOVE;
    if (document.activeElement !== filter) filter.value = link.ui.filter;
    const part = filter.hidden ? "" : link.ui.filter.trim().toLowerCase();
    const found = [...sections.keys()].filter((name) => name.toLowerCase().includes(part));
    groups.draw(found, String, createGroup, ({ rows }, name) => rows.update(sections.get(name) ?? []));
    nothing.hidden = found.length > 0;
  };

  scope.listen(filter, "input", () => link.setUi({ filter: filter.value }));
  scope.add(groups.end);
  scope.add(() => element.remove());
  return { element, update, end: scope.end };
}
