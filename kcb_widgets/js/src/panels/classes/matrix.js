// @ts-check
// The confusion matrix: rows are the truth; a cell opens its samples.
import { button, h, setHidden, setText } from "../../ui/dom.js";
import { formatTick } from "../../ui/format.js";

/** @typedef {import("../../link/wire.js").ClassesReply} Reply */

/** @param {(cell: number[] | null) => void} onCell */
export function createMatrix(onCell) {
  const caption = h("caption");
  const head = h("tr");
  const rows = h("tbody");
  const table = h("table", { class: "kcb-matrix" }, caption, h("thead", {}, head), rows);
  const element = h("div", { class: "kcb-scroller", tabindex: 0, role: "region", "aria-label": "confusion matrix" }, table);
  const title = h("p", { class: "kcb-sub" });
  const list = h("ol", { class: "kcb-class-samples" });
  const samples = h("div", { role: "region", "aria-label": "samples of a cell", hidden: true }, title, list);

  /** @param {Reply} reply */
  const draw = ({ names, shown, classes, matrix, cell, samples: found }) => {
    setHidden(element, !matrix.length);
    setText(caption, classes > names.length ? `rows: true, columns: said; the ${names.length} of ${classes} classes that were mistaken most often` : "rows: true, columns: said");
    const focused = rows.contains(document.activeElement) ? /** @type {HTMLElement} */ (document.activeElement).dataset.cell : null;
    head.replaceChildren(h("td", {}), ...names.map((name) => h("th", { scope: "col", title: name }, name)));
    rows.replaceChildren(...matrix.map((counts, i) => {
      const total = counts.reduce((sum, each) => sum + each, 0);
      return h("tr", {}, h("th", { scope: "row", title: names[i] }, names[i]), ...counts.map((count, j) => {
        const place = [shown[i], shown[j]];
        const open = cell !== null && cell[0] === place[0] && cell[1] === place[1];
        const one = button(count ? formatTick(count) : "", { "data-cell": place.join(), "aria-label": `true ${names[i]}, said ${names[j]}: ${formatTick(count)}`, "aria-pressed": String(open) }, () => onCell(open ? null : place));
        one.style.setProperty("--kcb-share", String(total ? count / total : 0));
        one.classList.toggle("kcb-right-cell", i === j);
        return h("td", {}, one);
      }));
    }));
    if (focused) /** @type {HTMLElement | null} */ (rows.querySelector(`[data-cell="${focused}"]`))?.focus();
    setHidden(samples, cell === null);
    if (cell === null) return;
    const name = (/** @type {number} */ i) => names[shown.indexOf(i)] ?? String(i);
    setText(title, `true ${name(cell[0])}, said ${name(cell[1])}: ${found.length ? `${found.length} samples, the least sure of the truth first` : "no samples"}`);
    list.replaceChildren(...found.map((each) => h("li", {}, `sample ${each.sample}: ${each.of_truth.toFixed(3)} for the truth; ${each.top.map((one, i) => `${one} ${each.probability[i].toFixed(3)}`).join(", ")}`)));
  };
  return { element, samples, draw };
}
