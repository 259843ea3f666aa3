// @ts-check
// The table of runs: sorted, filtered, paged and folded here; a row shows, isolates, pins, marks the baseline, is edited, hidden and deleted.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { formatExact, formatSetting } from "../../ui/format.js";
import { columnsOf, foldsOf, foldText, foldValue, inOrder } from "./columns.js";
import { createDeletion } from "./deletion.js";
import { createEditor } from "./editor.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./columns.js").Fold} Fold */
/** @typedef {{values: Map<string, number>, groups: Map<string, {value: number, n: number}>}} Readings what stands at the cursor, by run and by group */

const PAGE = 25;
const MAX_OPEN = 100; // runs that an opened group shows

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
  const scroller = h("div", { class: "kcb-scroller kcb-runs", tabindex: 0, role: "region", "aria-label": "table of runs" }, h("table", { class: "kcb-run-table", "aria-label": "runs" }, h("thead", {}, head), body));
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

  /** What stands for each run on the plot, where it is drawn with others. @type {Map<string, {colour: string, dashes: number[], title: string}>} */
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

  /** @param {string} id */
  const toggle = (id) => {
    before = null;
    const now = shown();
    choose({ shown: now.includes(id) ? now.filter((each) => each !== id) : [...now, id] });
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
    const made = foldsOf(rows);
    const column = all.find((each) => each.key === sort.by);
    return column ? made.sort((a, b) => inOrder(foldValue(a, column), foldValue(b, column), sort.down)) : made;
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
      ? groups.slice(from, from + PAGE).flatMap((fold) => [group(fold, all, drawn), ...(opened.has(fold.key) ? fold.rows.slice(0, MAX_OPEN).map((row) => line(row, all, drawn.has(row.id))) : [])])
      : rows.slice(from, from + PAGE).map((row) => line(row, all, drawn.has(row.id)));
    body.replaceChildren(...lines);
  };

  /** The rows are made anew: what had the focus has it again. @param {() => void} change */
  const keepingFocus = (change) => {
    const at = document.activeElement instanceof HTMLElement && element.contains(document.activeElement) ? document.activeElement.dataset.at : undefined;
    change();
    if (at) /** @type {HTMLElement | undefined} */ ([...element.querySelectorAll("[data-at]")].find((each) => /** @type {HTMLElement} */ (each).dataset.at === at))?.focus();
  };

  /** @param {string} key @param {Row[]} rows @param {Set<string>} drawn a group's box draws all its runs, or none */
  const groupBox = (key, rows, drawn) => {
    const box = h("input", { type: "checkbox", "aria-label": `draw ${key}`, "data-at": `draw group ${key}` });
    const ids = rows.map((row) => row.id);
    const on = ids.filter((id) => drawn.has(id)).length;
    box.checked = on > 0;
    box.indeterminate = on > 0 && on < ids.length;
    box.addEventListener("change", () => {
      before = null;
      const others = shown().filter((id) => !ids.includes(id));
      choose({ shown: box.checked || on < ids.length ? [...others, ...ids] : others });
    });
    return box;
  };

  /** @param {Fold} fold @param {Column[]} all @param {Set<string>} drawn */
  const group = (fold, all, drawn) => {
    const open = opened.has(fold.key);
    const look = fold.rows.map((row) => grouped.get(row.id)).find(Boolean);
    const name = button(`${open ? "▾" : "▸"} ${fold.key}`, { class: "kcb-sort", "aria-expanded": String(open), "data-at": `group ${fold.key}`, title: "The runs of this group" }, () => {
      if (!opened.delete(fold.key)) opened.add(fold.key);
      keepingFocus(draw);
    });
    const more = open && fold.rows.length > MAX_OPEN ? `, the first ${MAX_OPEN} here` : "";
    const cells = all.slice(1).map((column) => h("td", { "data-column": column.key }, foldText(fold, column)));
    const element = h("tr", { class: "kcb-group-row", "data-group": fold.key },
      h("td", { class: "kcb-drawn" }, groupBox(fold.key, fold.rows, drawn), look ? swatchOf(look) : ""), h("th", { scope: "row" }, name),
      h("td", { class: "kcb-muted" }, `${fold.rows.length} run${fold.rows.length === 1 ? "" : "s"}${more}`), h("td", { class: "kcb-reading" }, groupText(fold.key)), ...cells);
    element.addEventListener("pointerenter", () => onHover(fold.rows.find((row) => drawn.has(row.id))?.id ?? null));
    element.addEventListener("pointerleave", () => onHover(null));
    return element;
  };

  /** @param {{colour: string, dashes: number[], title?: string}} look */
  const swatchOf = ({ colour, dashes, title }) => {
    const swatch = h("span", { class: "kcb-swatch", "aria-hidden": "true" });
    swatch.style.borderTopColor = colour;
    swatch.style.borderTopStyle = dashes.length ? (dashes.length > 2 || dashes[0] > 4 ? "dashed" : "dotted") : "solid";
    setAttribute(swatch, "title", title ?? null);
    return swatch;
  };

  /** @param {Row} row @param {Column[]} all @param {boolean} on */
  const line = (row, all, on) => {
    const box = h("input", { type: "checkbox", "aria-label": `draw ${row.name}`, "data-at": `draw ${row.id}` });
    box.checked = on;
    if (limits?.runs.includes(row.id)) {
      box.disabled = true;
      setAttribute(box, "title", "This page has no curves of this run");
    }
    box.addEventListener("change", () => toggle(row.id));
    const look = grouped.get(row.id);
    const swatch = swatchOf({ colour: look?.colour ?? row.colour, dashes: look?.dashes ?? row.dashes, title: look?.title });
    const base = choices().baseline === row.id;
    const [first, ...cells] = all.map(({ key, text, difference }) => {
      if (key === "name") return h("th", { scope: "row" }, button(row.name, { class: "kcb-sort", title: row.notes || row.name, "data-at": `name ${row.id}` }, () => isolate(row.id)));
      const cell = h("td", { "data-column": key, ...(key === "status" && { title: row.message || row.status, "data-status": row.status }) }, text(row));
      const by = difference && !base ? difference(row) : null;
      if (by) cell.append(" ", h("span", { class: better(row, key, by) }, `${by > 0 ? "+" : "−"}${formatSetting(Number(Math.abs(by).toPrecision(3)))}`));
      return cell;
    });
    const pin = button("⊤", { class: "kcb-quiet", title: "Keep on top", "aria-label": `keep ${row.name} on top`, "data-at": `pin ${row.id}`, "aria-pressed": String(pinned.has(row.id)) }, () => {
      if (!pinned.delete(row.id)) pinned.add(row.id);
      keepingFocus(draw);
    });
    const mark = button("△", { class: "kcb-quiet", title: base ? "No longer the baseline" : "Compare the others with this run", "aria-label": `${row.name} as baseline`, "data-at": `baseline ${row.id}`, "aria-pressed": String(base) }, () => choose({ baseline: base ? null : row.id }));
    const change = button("✎", { class: "kcb-quiet", title: "Name, tags and notes", "aria-label": `edit ${row.name}`, "data-at": `edit ${row.id}` }, () => editor.open(row));
    change.disabled = !row.file && !row.live;
    if (limits) setAttribute(change, "title", limits.edit);
    const hide = button("⊖", { class: "kcb-quiet", title: "Hide: neither here nor drawn, until hidden runs are shown", "aria-label": `hide ${row.name}` }, () => {
      choose({ hidden: [...choices().hidden, row.id] });
      filter.focus(); // the row goes
    });
    const drop = button("✕", { class: "kcb-quiet", title: limits?.edit ?? "Delete: into the folder .bin", "aria-label": `delete ${row.name}`, "data-at": `delete ${row.id}` }, () => deletion.open(row));
    drop.disabled = limits !== undefined;
    const element = h("tr", { "data-run": row.id, ...(choices().group && { class: "kcb-in-group" }) }, h("td", { class: "kcb-drawn" }, box, swatch), first, h("td", { class: "kcb-row-actions" }, pin, mark, change, hide, drop), h("td", { class: "kcb-reading" }, valueText(row.id)), ...cells);
    element.addEventListener("pointerenter", () => onHover(row.id));
    element.addEventListener("pointerleave", () => onHover(null));
    return element;
  };

  /** @param {Row} row @param {string} key @param {number} by */
  const better = (row, key, by) => {
    const name = key.split(" ")[0];
    const direction = row.metrics[name]?.direction;
    return !direction ? "kcb-difference" : (direction === "min") === by < 0 ? "kcb-difference kcb-better" : "kcb-difference kcb-worse";
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

  scope.listen(filter, "input", () => {
    page = 0;
    draw();
  });
  return {
    element,
    actions,
    draw: () => keepingFocus(draw),
    toggle,
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
