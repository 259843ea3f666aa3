// @ts-check
// One control of any kind: a number, a switch, or a choice of a few words.
import { createControlRow, requestedOrCurrent } from "./control_row.js";
import { button as createButton, h, setAttribute } from "../../ui/dom.js";
import { createNumberControl } from "./number_control.js";

/** @typedef {import("../../link/wire.js").Control} Control */
/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {import("./control_row.js").Row} Row */

/** A row whose key changes is replaced by a new one.
 * @param {Control} control @param {string} text */
export const rowKey = (control, text) => {
  const { name, kind, scale, min, max, integer, nullable, choices, rebuild, of } = control;
  return JSON.stringify([name, text, kind, scale, min, max, integer, nullable, choices, rebuild, of]);
};

/** @param {Link} link @param {Control} control @param {string} text @returns {Row} */
export function createControl(link, control, text) {
  if (control.kind === "flag") return createSwitch(link, control, text);
  if (control.kind === "choice") return createChoice(link, control, text);
  return createNumberControl(link, control, text);
}

/** On or off.
 * @param {Link} link @param {Control} first @param {string} text @returns {Row} */
function createSwitch(link, first, text) {
  let control = first;
  const button = createButton("", { role: "switch", "aria-label": first.name, class: "kcb-switch" });
  const row = createControlRow(link, first, text, button);
  row.scope.listen(button, "click", () => link.command(first.name, requestedOrCurrent(link, control) !== true));
  return {
    element: row.element,
    outcome: row.outcome,
    update(next, toggles) {
      control = next;
      button.disabled = row.draw(next, toggles);
      setAttribute(button, "aria-checked", String(requestedOrCurrent(link, next) === true));
    },
    end: row.end,
  };
}

/** One of a few words.
 * @param {Link} link @param {Control} first @param {string} text @returns {Row} */
function createChoice(link, first, text) {
  const select = h("select", { "aria-label": first.name }, ...first.choices.map((word) => h("option", { value: word }, word)));
  const row = createControlRow(link, first, text, select);
  row.scope.listen(select, "change", () => link.command(first.name, select.value));
  return {
    element: row.element,
    outcome: row.outcome,
    update(next, toggles) {
      select.disabled = row.draw(next, toggles);
      // The value of an open list is written only where it differs.
      const value = String(requestedOrCurrent(link, next) ?? "");
      if (select.value !== value) select.value = value;
    },
    end: row.end,
  };
}
