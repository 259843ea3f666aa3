// @ts-check
// A control that is on or off.
import { button as createButton, setAttribute } from "../../ui/dom.js";
import { createRow, wantedOf } from "./row.js";

/** @param {import("../../link/link.js").Link} link @param {import("../../link/link.js").Control} first @param {string} text @returns {import("./row.js").Row} */
export function createFlag(link, first, text) {
  let control = first;
  const button = createButton("", { role: "switch", "aria-label": first.name, class: "kcb-switch" });
  const row = createRow(link, first, text, button);
  row.scope.listen(button, "click", () => link.command(first.name, wantedOf(link, control) !== true));
  return {
    element: row.element,
    update(next, toggles) {
      control = next;
      button.disabled = row.draw(next, toggles);
      setAttribute(button, "aria-checked", String(wantedOf(link, next) === true));
    },
    end: row.end,
  };
}
