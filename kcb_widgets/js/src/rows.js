// @ts-check
// A list of controls that follows Python's: rows come, go, and keep their order.
import { h } from "./dom.js";
import { createControl, madeFor } from "./control.js";

/** @typedef {import("./link.js").Control} Control */

/** @param {import("./link.js").Link} link @param {(control: Control) => string} text what a row is headed with */
export function createRows(link, text) {
  const element = h("div", { class: "kcb-rows" });
  /** @type {Map<string, {made: string, row: import("./row.js").Row}>} */
  const byName = new Map();

  /** @param {string} name */
  const drop = (name) => {
    byName.get(name)?.row.end();
    byName.delete(name);
  };

  return {
    element,
    /** @param {Control[]} controls */
    update(controls) {
      const names = new Set(controls.map((each) => each.name));
      // A flag that accompanies a control is a toggle in its row; a number gets a row below.
      const inside = (/** @type {Control} */ each) => each.kind === "flag" && each.of !== "" && names.has(each.of);
      const wanted = controls.filter((each) => !inside(each));
      const after = (/** @type {string} */ of) => wanted.filter((each) => each.of === of && names.has(of));
      const ordered = wanted.filter((each) => !each.of || !names.has(each.of)).flatMap((each) => [each, ...after(each.name)]);
      const kept = new Set(ordered.map((each) => each.name));
      for (const name of [...byName.keys()]) if (!kept.has(name)) drop(name);
      ordered.forEach((control, i) => {
        const made = madeFor(control, text(control));
        let known = byName.get(control.name);
        if (known && known.made !== made) {
          drop(control.name);
          known = undefined;
        }
        if (!known) byName.set(control.name, (known = { made, row: createControl(link, control, text(control)) }));
        known.row.element.classList.toggle("kcb-companion", control.of !== "");
        if (element.children[i] !== known.row.element) element.insertBefore(known.row.element, element.children[i] ?? null);
        known.row.update(control, controls.filter((each) => inside(each) && each.of === control.name));
      });
      element.hidden = !ordered.length;
    },
    end() {
      for (const name of [...byName.keys()]) drop(name);
      element.remove();
    },
  };
}
