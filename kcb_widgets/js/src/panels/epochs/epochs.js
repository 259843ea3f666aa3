// @ts-check
// The table of epochs: sorted by any column, copied, or saved as CSV.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { copyText, csv, download, fileName } from "../../ui/download.js";
import { formatExact, formatSeconds, formatSetting } from "../../ui/format.js";
import { bestsOf } from "../controls/best.js";

/** @typedef {{name: string, format: (value: number) => string, values: ArrayLike<number>, title: string}} Column */

const MOST_ROWS = 500;

/** The value of a setting after each step. @param {import("../../link/series_decoder.js").Table | undefined} table @param {string} name @param {ArrayLike<number>} steps */
function valuesAt(table, name, steps) {
  const series = table?.series.find((each) => each.name === name);
  let at = 0;
  return Array.from(steps, (step) => {
    if (!table || !series) return NaN;
    while (at + 1 < table.length && table.x.end[at + 1] <= step) at++;
    return table.length && table.x.step[at] <= step ? series.mean[at] : NaN;
  });
}

/** @param {import("../../link/series_decoder.js").Picture} picture @returns {Column[]} none before the first epoch's end */
function columnsOf(picture) {
  const table = picture.tables.find((each) => each.name === "epochs");
  if (!table?.length) return [];
  const { end, epoch, time } = table.x;
  const whole = (/** @type {number} */ value) => String(Math.round(value));
  const took = Array.from(time, (each, i) => each - (i ? time[i - 1] : 0));
  const metrics = table.series.map((each) => ({ name: each.name, format: formatExact, values: each.mean, title: each.label }));
  const rate = { name: "learning_rate", format: formatSetting, values: valuesAt(picture.tables.find((each) => each.name === "controls"), "learning_rate", end), title: "at the epoch's end" };
  return [
    { name: "epoch", format: whole, values: epoch, title: "counted from 1, as on the board; Keras and the tables in Python count from 0" },
    { name: "step", format: whole, values: end, title: "batches trained" },
    ...metrics,
    ...(rate.values.some((each) => Number.isFinite(each)) ? [rate] : []),
    { name: "time", format: formatSeconds, values: took, title: "since the epoch before ended, pauses and validation included" },
  ];
}

/** @type {import("../../view.js").Panel} */
export function epochsPanel(body, { link, guard }) {
  const scope = createScope();
  const { ui } = link;
  const copy = button("Copy", { title: "Copy the table, for a spreadsheet" });
  const save = button("Save CSV");
  const said = h("span", { class: "kcb-said", role: "status" });
  const note = h("span", { class: "kcb-muted" });
  const head = h("tr");
  const rows = h("tbody");
  const table = h("table", { class: "kcb-table kcb-epoch-table", "aria-label": "epochs" }, h("thead", {}, head), rows);
  const empty = h("p", { class: "kcb-muted" }, "The first row comes with the end of the first epoch.");
  const scroller = h("div", { class: "kcb-scroller", tabindex: 0, role: "region", "aria-label": "table of epochs" }, table);
  body.append(h("div", { class: "kcb-line" }, copy, save, note, said), empty, scroller);
  /** @type {Column[]} */
  let columns = [];

  /** The order of the rows. */
  const order = () => {
    const column = columns.find((each) => each.name === ui.sort.by) ?? columns[0];
    const sign = ui.sort.down ? -1 : 1;
    const all = Array.from({ length: columns[0]?.values.length ?? 0 }, (_, i) => i);
    // What is missing or not finite stands last whichever way.
    const rank = (/** @type {number} */ i) => (Number.isFinite(column.values[i]) ? sign * column.values[i] : Infinity);
    return all.sort((a, b) => rank(a) - rank(b) || a - b);
  };
  const plain = () => [columns.map((each) => each.name), ...order().map((i) => columns.map((each) => (Number.isFinite(each.values[i]) ? Number(each.values[i].toPrecision(9)) : null)))];

  const draw = () => {
    columns = columnsOf(link.picture());
    empty.hidden = columns.length > 0;
    scroller.hidden = copy.disabled = save.disabled = !columns.length;
    const names = columns.map((each) => each.name);
    if (names.join() !== [...head.children].map((each) => each.getAttribute("data-name")).join()) {
      head.replaceChildren(...columns.map(({ name, title }) => h("th", { scope: "col", "data-name": name }, button(name, { class: "kcb-sort", title }, () => {
        link.setUi({ sort: { by: name, down: ui.sort.by === name ? !ui.sort.down : name === "epoch" } });
      }))));
    }
    for (const each of head.children) setAttribute(each, "aria-sort", each.getAttribute("data-name") === ui.sort.by ? (ui.sort.down ? "descending" : "ascending") : null);
    const best = new Map(bestsOf(link).map((each) => [each.metric, each.step]));
    const shown = columns.length ? order().slice(0, MOST_ROWS) : [];
    shown.forEach((i, n) => {
      const row = rows.rows[n] ?? rows.insertRow();
      columns.forEach((column, j) => {
        const cell = row.cells[j] ?? row.appendChild(j ? h("td") : h("th", { scope: "row" }));
        setText(cell, Number.isNaN(column.values[i]) && !Number.isFinite(column.values[i]) ? "–" : column.format(column.values[i]));
        cell.classList.toggle("kcb-best-cell", best.get(column.name) === columns[1].values[i]);
      });
      while (row.cells.length > columns.length) row.deleteCell(-1);
    });
    while (rows.rows.length > shown.length) rows.deleteRow(-1);
    const more = (columns[0]?.values.length ?? 0) - shown.length;
    const { perBucket = 1 } = link.picture().tables.find((each) => each.name === "epochs") ?? {};
    setText(note, [perBucket > 1 ? `each row is the mean of ${perBucket} epochs` : "", more > 0 ? `${more} more rows in the CSV` : ""].filter(Boolean).join(" · "));
  };

  scope.listen(copy, "click", async () => {
    const copied = await copyText(plain().map((row) => row.map((each) => each ?? "").join("\t")).join("\n"));
    setText(said, copied ? "copied" : "the page may not copy: select the table instead");
  });
  scope.listen(save, "click", () => download(`${fileName(String(link.state().title ?? "run"))}-epochs.csv`, new Blob([csv(plain())], { type: "text/csv" })));
  scope.add(link.listen(guard((topic) => (topic === "picture" || topic === "ui") && draw())));
  draw();
  return scope.end;
}
