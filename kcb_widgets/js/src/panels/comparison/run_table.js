// @ts-check
// The table of runs: sorted, filtered, paged and folded here.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { formatExact } from "../../ui/format.js";
import { columnsOf, foldsOf, foldValue, inOrder } from "./columns.js";
import { createDeletion } from "./deletion.js";
import { createEditor } from "./editor.js";
import { MAX_OPEN, createTableRows } from "./table_rows.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./columns.js").Fold} Fold */
/** @typedef {{values: Map<string, number>, groups: Map<string, {value: number, n: number}>}} Readings what stands at the cursor, by run and by group */

const PAGE = 25;

/** @param {{table: () => import("./comparison.js").Table, choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, shown: () => string[],
 *   limits?: import("./comparison.js").Limits, onHover: (id: string | null) => void, keeps: (row: Row) => boolean, edit: (run: string, changes: object) => void, remove: (run: string) => void}} context */
export function createRunTable({ table, choices, choose, shown, limits, onHover, keeps, edit, remove }) {
  const scope = createScope();
  const filter = h("input", { type: "search", placeholder: "filter: name, tag, status or setting", "aria-label": "filter runs" });
  const count = h("span", { class: "kcb-muted", role: "status" });
  const back = button("‹", { "aria-label": "previous page" }, () => turn(-1));
  const next = button("›", { "aria-label": "next page" }, () => turn(1));
  const pages = h("span", { class: "kcb-pages" }, back, next);
  const hiddenRuns = button("", { title: "Runs that were hidden come back" }, () => choose({ hidden: [] }));
  const actions = h("span", { class: "kcb-presses" }, hiddenRuns);
  const head = h("tr");
  const body = h("tbody");
  const scroller = h("div", { class: "kcb-runs", tabindex: 0, role: "region", "aria-label": "table of runs" }, h("table", { class: "kcb-run-table", "aria-label": "runs" }, h("thead", {}, head), body));
  const editor = createEditor(edit);
  const deletion = createDeletion(remove);
  scope.add(deletion.end);
  const element = h("div", { class: "kcb-run-list" }, h("div", { class: "kcb-line" }, filter, count, pages, actions), editor.element, deletion.element, scroller);
  /** @type {{by: string, down: boolean}} */
  let sort = { by: "", down: true };
  let page = 0;
  /** @type {Set<string>} */
  const pinned = new Set();
  /** @type {string[] | null} what was shown before one run was isolated */
  let before = null;
  /** @type {Set<string>} groups whose runs are shown */
  const opened = new Set();
  /** @type {Readings | null} */
  let reading = null;
  let readingAt = "";

  /** What stands for each run on the plot, where it is drawn with others. @type {Map<string, import("./table_rows.js").Look>} */
  let grouped = new Map();

  /** @param {number} by */
  const turn = (by) => {
    page += by;
    draw();
  };

  const baseline = () => table().rows.find((row) => row.id === choices().baseline) ?? null;

  const listed = () => table().rows.filter((row) => !choices().hidden.includes(row.id));

  /** @param {Column[]} all @returns {Row[]} */
  const found = (all) => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = listed().filter(keeps).filter((row) => {
      const text = [row.name, row.status, row.notes, ...row.tags, ...table().settings.map((name, i) => `${name}=${row.settings[i]}`)].join("\n").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const column = all.find((each) => each.key === sort.by);
    if (column) rows.sort((a, b) => inOrder(column.value(a), column.value(b), sort.down));
    const top = (/** @type {Row} */ row) => (row.id === choices().baseline ? 2 : pinned.has(row.id) ? 1 : 0);
    return rows.sort((a, b) => top(b) - top(a));
  };

  /** Draw runs besides the others, or no longer. @param {string[]} ids @param {boolean} on */
  const drawRuns = (ids, on) => {
    before = null;
    const now = shown();
    choose({ shown: on ? [...now, ...ids.filter((id) => !now.includes(id))] : now.filter((id) => !ids.includes(id)) });
  };

  /** @param {string} id */
  const isolate = (id) => {
    const now = shown();
    const alone = now.length === 1 && now[0] === id;
    if (alone) choose({ shown: before });
    else {
      if (now.length !== 1) before = choices().shown;
      choose({ shown: [id] });
    }
  };

  /** @param {Row[]} rows @param {Column[]} all @returns {Fold[] | null} the groups; null where runs stand alone */
  const folds = (rows, all) => {
    if (!choices().group || table().rows.some((row) => row.group === null)) return null;
    const every = foldsOf(rows);
    const column = all.find((each) => each.key === sort.by);
    return column ? every.sort((a, b) => inOrder(foldValue(a, column), foldValue(b, column), sort.down)) : every;
  };

  const draw = () => {
    const all = columnsOf(table(), choices().metric, baseline());
    const rows = found(all);
    const groups = folds(rows, all);
    const items = groups ?? rows;
    page = Math.max(0, Math.min(page, Math.ceil(items.length / PAGE) - 1));
    const from = page * PAGE;
    const every = listed().length;
    const drawn = new Set(shown());
    const left = table().left_out;
    const newest = choices().shown === null && every > drawn.size ? " (the newest)" : "";
    setText(count, `${rows.length === every ? "" : `${rows.length} of `}${every} runs${groups ? ` in ${groups.length} groups` : ""}, ${drawn.size} drawn${newest}${left ? `, ${left} files left out` : ""}`);
    pages.hidden = items.length <= PAGE;
    back.disabled = page === 0;
    next.disabled = from + PAGE >= items.length;
    hiddenRuns.hidden = every === table().rows.length;
    setText(hiddenRuns, `Show hidden (${table().rows.length - every})`);
    head.replaceChildren(
      h("th", { scope: "col" }, h("span", { class: "kcb-hidden" }, "drawn")),
      ...all.flatMap(({ key, title, hint }) => {
        const cell = h("th", { scope: "col", ...(sort.by === key && { "aria-sort": sort.down ? "descending" : "ascending" }) }, button(title, { class: "kcb-sort", "data-at": `sort ${key}`, ...(hint && { title: hint }) }, () => {
          sort = { by: key, down: sort.by === key ? !sort.down : false };
          draw();
        }));
        if (key !== "name") return [cell];
        return [cell, h("th", { scope: "col" }, h("span", { class: "kcb-hidden" }, "actions")), h("th", { scope: "col", class: "kcb-reading" }, readingAt || "at cursor")];
      }),
    );
    const lines = groups
      ? groups.slice(from, from + PAGE).flatMap((fold) => [made.group(fold, all, drawn), ...(opened.has(fold.key) ? fold.rows.slice(0, MAX_OPEN).map((row) => made.run(row, all, drawn.has(row.id))) : [])])
      : rows.slice(from, from + PAGE).map((row) => made.run(row, all, drawn.has(row.id)));
    body.replaceChildren(...lines);
  };

  /** The rows are made anew: what had the focus has it again. @param {() => void} change */
  const keepingFocus = (change) => {
    const at = document.activeElement instanceof HTMLElement && element.contains(document.activeElement) ? document.activeElement.dataset.at : undefined;
    change();
    if (at) /** @type {HTMLElement | undefined} */ ([...element.querySelectorAll("[data-at]")].find((each) => /** @type {HTMLElement} */ (each).dataset.at === at))?.focus();
  };

  /** @param {string} id */
  const valueText = (id) => {
    const value = reading?.values.get(id);
    return value === undefined ? "" : formatExact(value);
  };

  /** @param {string} key */
  const groupText = (key) => {
    const found = reading?.groups.get(key);
    return found ? `${formatExact(found.value)}, n=${found.n}` : "";
  };

  const made = createTableRows({
    choices,
    choose,
    limits,
    drawn: drawRuns,
    onHover,
    isolate,
    edit: editor.open,
    remove: deletion.open,
    pinned,
    opened,
    redraw: () => keepingFocus(draw),
    onGone: () => filter.focus(),
    look: (id) => grouped.get(id),
    reading: valueText,
    groupReading: groupText,
  });

  scope.listen(filter, "input", () => {
    page = 0;
    draw();
  });
  return {
    element,
    actions,
    draw: () => keepingFocus(draw),
    toggle: (/** @type {string} */ id) => drawRuns([id], !shown().includes(id)),
    isolate,
    /** @param {import("./curves_decoder.js").Group[]} groups */
    group(groups) {
      const before = grouped.size;
      grouped = new Map(groups.flatMap((each) => each.runs.map((id) => [id, { colour: each.colour, dashes: each.dashes, title: `${each.key}, ${each.runs.length} runs` }])));
      if (before || grouped.size) keepingFocus(draw);
    },
    /** @param {Readings | null} readings @param {string} at */
    readOut(readings, at) {
      reading = readings;
      readingAt = at;
      const cell = head.querySelector(".kcb-reading");
      if (cell) setText(cell, at || "at cursor");
      for (const row of body.rows) setText(/** @type {Element} */ (row.querySelector(".kcb-reading")), row.dataset.group === undefined ? valueText(row.dataset.run ?? "") : groupText(row.dataset.group));
    },
    /** @param {string | null} id */
    highlight(id) {
      const key = table().rows.find((row) => row.id === id)?.group ?? null;
      for (const row of body.rows) {
        const lit = id !== null && (row.dataset.group === undefined ? row.dataset.run === id : row.dataset.group === key);
        row.classList.toggle("kcb-lit", lit);
        setAttribute(row, "data-lit", lit ? "true" : null);
      }
    },
    end: scope.end,
  };
}
