// @ts-check
// A control that is one of a few words.
import { h } from "../../ui/dom.js";
import { createRow, wantedOf } from "./row.js";

/** @param {import("../../link/link.js").Link} link @param {import("../../link/link.js").Control} first @param {string} text @returns {import("./row.js").Row} */
export function createChoice(link, first, text) {
  const select = h("select", { "aria-label": first.name }, ...first.choices.map((word) => h("option", { value: word }, word)));
  const row = createRow(link, first, text, select);
  row.scope.listen(select, "change", () => link.command(first.name, select.value));
  return {
    element: row.element,
    update(next, toggles) {
      select.disabled = row.draw(next, toggles);
      // A list that is open is not pulled away: what Python says meanwhile is shown when it is left.
      const value = String(wantedOf(link, next) ?? "");
      if (select.value !== value) select.value = value;
    },
    end: row.end,
  };
}
