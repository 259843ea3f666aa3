// @ts-check
// A list of control rows that follows Python's list of controls.
import { createControl, rowKey } from "./control.js";
import { h, setHidden } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/wire.js").Control} Control */

/** @param {import("../../link/link.js").Link} link @param {(control: Control) => string} text the heading of a row
 * @param {HTMLElement} [outcomes] where the outcomes of commands stand, if not in their rows */
export function createControlList(link, text, outcomes) {
  const element = h("div", { class: "kcb-rows" });
  /** @type {ReturnType<typeof createKeyedList<import("./control_row.js").Row>>} */
  const rows = createKeyedList(element);

  return {
    element,
    /** @param {Control[]} controls */
    update(controls) {
      const names = new Set(controls.map((each) => each.name));
      // A flag that accompanies a control is a toggle in its row; a number has its own row below.
      const inside = (/** @type {Control} */ each) => each.kind === "flag" && each.of !== "" && names.has(each.of);
      const wanted = controls.filter((each) => !inside(each));
      const after = (/** @type {string} */ of) => wanted.filter((each) => each.of === of && names.has(of));
      const ordered = wanted.filter((each) => !each.of || !names.has(each.of)).flatMap((each) => [each, ...after(each.name)]);
      rows.draw(
        ordered,
        (control) => rowKey(control, text(control)),
        (control) => {
          const row = createControl(link, control, text(control));
          outcomes?.append(row.outcome);
          return row;
        },
        (row, control) => {
          row.element.classList.toggle("kcb-companion", control.of !== "");
          row.update(control, controls.filter((each) => inside(each) && each.of === control.name));
        },
      );
      setHidden(element, !ordered.length);
    },
    end() {
      rows.end();
      element.remove();
    },
  };
}
