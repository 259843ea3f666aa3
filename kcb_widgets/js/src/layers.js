// @ts-check
// The layers' controls, under each layer's name; with many layers a field finds some of them.
import { createScope, h } from "./dom.js";
import { createRows } from "./rows.js";

/** @typedef {import("./link.js").Control} Control */

const MANY = 12;

/** @param {import("./link.js").Link} link @returns {import("./fold.js").List} */
export function createLayers(link) {
  const scope = createScope();
  const filter = h("input", { type: "text", class: "kcb-filter", "aria-label": "filter layers", placeholder: "filter layers", autocomplete: "off", spellcheck: "false" });
  const nothing = h("p", { class: "kcb-muted" }, "No layer has this in its name.");
  const list = h("div", { class: "kcb-layers" });
  const element = h("div", { class: "kcb-folded" }, filter, nothing, list);
  /** @type {Map<string, {element: HTMLElement, rows: ReturnType<typeof createRows>}>} */
  const byName = new Map();

  /** @param {string} name */
  const drop = (name) => {
    const section = byName.get(name);
    section?.rows.end();
    section?.element.remove();
    byName.delete(name);
  };

  /** @param {Control[]} controls */
  const update = (controls) => {
    /** @type {Map<string, Control[]>} */
    const sections = new Map();
    for (const control of controls) sections.set(control.section, [...(sections.get(control.section) ?? []), control]);
    filter.hidden = sections.size <= MANY;
    if (document.activeElement !== filter) filter.value = link.ui.filter;
    const part = filter.hidden ? "" : link.ui.filter.trim().toLowerCase();
    const found = new Map([...sections].filter(([name]) => name.toLowerCase().includes(part)));
    for (const name of [...byName.keys()]) if (!found.has(name)) drop(name);
    let i = 0;
    for (const [name, some] of found) {
      let section = byName.get(name);
      if (!section) {
        const rows = createRows(link, (control) => control.label);
        const box = h("div", { class: "kcb-layer", role: "group", "aria-label": name }, h("span", { class: "kcb-layer-name", title: name }, name), rows.element);
        byName.set(name, (section = { element: box, rows }));
      }
      if (list.children[i] !== section.element) list.insertBefore(section.element, list.children[i] ?? null);
      i++;
      section.rows.update(some);
    }
    nothing.hidden = found.size > 0;
  };

  scope.listen(filter, "input", () => link.choose({ filter: filter.value }));
  scope.add(() => [...byName.keys()].forEach(drop));
  scope.add(() => element.remove());
  return { element, update, end: scope.end };
}
