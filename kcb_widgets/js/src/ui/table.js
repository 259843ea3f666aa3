// @ts-check
// A small table of text. Updates write into its cells, so a selection survives them.
import { h, setText } from "./dom.js";

/** @template T @param {string} label @param {string[]} heads @param {(item: T) => string[]} cellsOf @returns {import("./disclosure.js").List<T>} */
export function createTable(label, heads, cellsOf) {
  const body = h("tbody");
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
  const element = h("table", { class: "kcb-table", "aria-label": label }, h("thead", {}, head), body);
  return {
    element,
    update(items) {
      items.forEach((item, i) => {
        const row = body.rows[i] ?? body.insertRow();
        cellsOf(item).forEach((text, j) => setText(row.cells[j] ?? row.appendChild(j ? h("td") : h("th", { scope: "row" })), text));
      });
      while (body.rows.length > items.length) body.deleteRow(-1);
    },
    end: () => element.remove(),
  };
}
