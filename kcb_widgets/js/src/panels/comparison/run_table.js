// @ts-check
// The table of runs: sorted, filtered and paged here; a row shows, isolates, pins, marks the baseline and is edited.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { formatClock, formatExact, formatSetting, toNumber } from "../../ui/format.js";
import { createEditor } from "./editor.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {{key: string, title: string, hint: string, value: (row: Row) => unknown, text: (row: Row) => string, difference?: (row: Row) => number | null}} Column */

const PAGE = 25;

/** @param {unknown} value a metric's @returns {number | null} */
const finite = (value) => {
  const number = toNumber(value);
  return number !== null && Number.isFinite(number) ? number : null;
};

/** @param {{table: () => import("./comparison.js").Table, choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, shown: () => string[],
 *   limits?: import("./comparison.js").Limits, onHover: (id: string | null) => void, edit: (run: string, changes: object) => void}} context */
export function createRunTable({ table, choices, choose, shown, limits, onHover, edit }) {
  const scope = createScope();
  const filter = h("input", { type: "search", placeholder: "filter: name, tag, status or setting", "aria-label": "filter runs" });
  const count = h("span", { class: "kcb-muted", role: "status" });
  const back = button("‹", { "aria-label": "previous page" }, () => turn(-1));
  const next = button("›", { "aria-label": "next page" }, () => turn(1));
  const pages = h("span", { class: "kcb-pages" }, back, next);
  const head = h("tr");
  const body = h("tbody");
  const scroller = h("div", { class: "kcb-scroller kcb-runs", tabindex: 0, role: "region", "aria-label": "table of runs" }, h("table", { class: "kcb-run-table", "aria-label": "runs" }, h("thead", {}, head), body));
  const editor = createEditor(edit);
  const element = h("div", { class: "kcb-run-list" }, h("div", { class: "kcb-line" }, filter, count, pages), editor.element, scroller);
  /** @type {{by: string, down: boolean}} */
  let sort = { by: "", down: true };
  let page = 0;
  /** @type {Set<string>} */
  const pinned = new Set();
  /** @type {string[] | null} what was shown before one run was isolated */
  let before = null;
  /** @type {Map<string, number> | null} */
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

  /** @returns {Column[]} */
  const columns = () => {
    const { metric } = choices();
    const base = baseline();
    /** @type {Column[]} */
    const found = [{ key: "name", title: "run", hint: "press to see this run alone, and again to see the others", value: (row) => row.name.toLowerCase(), text: (row) => row.name }];
    found.push({ key: "status", title: "status", hint: "", value: (row) => row.status, text: (row) => row.status });
    const names = [metric, `val_${metric}`].filter((name) => table().rows.some((row) => row.metrics[name]));
    for (const name of names) {
      for (const part of /** @type {const} */ (["last", "best"])) {
        if (part === "best" && !table().rows.some((row) => row.metrics[name]?.best !== undefined)) continue;
        const of = (/** @type {Row} */ row) => finite(row.metrics[name]?.[part]);
        const than = base && of(base);
        found.push({
          key: `${name} ${part}`,
          title: part === "last" ? name : `best ${name}`,
          hint: part === "last" ? "at the end of the last epoch" : "of all epochs' ends",
          value: of,
          text: (row) => (row.metrics[name]?.[part] === undefined ? "–" : of(row) === null ? formatSetting(row.metrics[name]?.[part]) : formatExact(of(row))),
          difference: than === null || than === undefined ? undefined : (row) => (of(row) === null ? null : Number(of(row)) - than),
        });
      }
    }
    found.push({ key: "epochs", title: "epochs", hint: "that are over", value: (row) => row.epochs, text: (row) => String(row.epochs) });
    found.push({ key: "duration", title: "duration", hint: "", value: (row) => row.duration, text: (row) => formatClock(row.duration) });
    found.push({ key: "steered", title: "steered", hint: "changes that were made by hand", value: (row) => row.steered, text: (row) => (row.steered ? `${row.steered}` : "") });
    table().settings.forEach((name, i) => found.push({ key: name, title: name.replace(/^config\./, ""), hint: name, value: (row) => row.settings[i], text: (row) => (row.settings[i] === null ? "" : formatSetting(row.settings[i])) }));
    if (table().rows.some((row) => row.tags.length)) found.push({ key: "tags", title: "tags", hint: "", value: (row) => row.tags.join(", "), text: (row) => row.tags.join(", ") });
    return found;
  };

  /** @param {Column[]} all @returns {Row[]} */
  const found = (all) => {
    const words = filter.value.toLowerCase().split(/\s+/).filter(Boolean);
    const rows = table().rows.filter((row) => {
      const text = [row.name, row.status, row.notes, ...row.tags, ...table().settings.map((name, i) => `${name}=${row.settings[i]}`)].join("\n").toLowerCase();
      return words.every((word) => text.includes(word));
    });
    const column = all.find((each) => each.key === sort.by);
    if (column) rows.sort((a, b) => compare(column.value(a), column.value(b), sort.down));
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

  const draw = () => {
    const all = columns();
    const rows = found(all);
    page = Math.max(0, Math.min(page, Math.ceil(rows.length / PAGE) - 1));
    const visible = rows.slice(page * PAGE, (page + 1) * PAGE);
    const drawn = new Set(shown());
    const left = table().left_out;
    setText(count, `${rows.length === table().rows.length ? "" : `${rows.length} of `}${table().rows.length} runs, ${drawn.size} drawn${choices().shown === null && table().rows.length > drawn.size ? " (the newest)" : ""}${left ? `, ${left} files left out` : ""}`);
    pages.hidden = rows.length <= PAGE;
    back.disabled = page === 0;
    next.disabled = (page + 1) * PAGE >= rows.length;
    head.replaceChildren(
      h("th", { scope: "col" }, h("span", { class: "kcb-hidden" }, "drawn")),
      ...all.flatMap(({ key, title, hint }) => {
        const cell = h("th", { scope: "col", ...(sort.by === key && { "aria-sort": sort.down ? "descending" : "ascending" }) }, button(title, { class: "kcb-sort", ...(hint && { title: hint }) }, () => {
          sort = { by: key, down: sort.by === key ? !sort.down : false };
          draw();
        }));
        if (key !== "name") return [cell];
        return [cell, h("th", { scope: "col" }, h("span", { class: "kcb-hidden" }, "actions")), h("th", { scope: "col", class: "kcb-reading" }, readingAt || "at cursor")];
      }),
    );
    body.replaceChildren(...visible.map((row) => line(row, all, drawn.has(row.id))));
  };

  /** @param {Row} row @param {Column[]} all @param {boolean} on */
  const line = (row, all, on) => {
    const box = h("input", { type: "checkbox", "aria-label": `draw ${row.name}` });
    box.checked = on;
    if (limits?.runs.includes(row.id)) {
      box.disabled = true;
      setAttribute(box, "title", "This page has no curves of this run");
    }
    box.addEventListener("change", () => toggle(row.id));
    const swatch = h("span", { class: "kcb-swatch", "aria-hidden": "true" });
    const { colour, dashes } = grouped.get(row.id) ?? row;
    swatch.style.borderTopColor = colour;
    swatch.style.borderTopStyle = dashes.length ? (dashes.length > 2 || dashes[0] > 4 ? "dashed" : "dotted") : "solid";
    setAttribute(swatch, "title", grouped.get(row.id)?.title ?? null);
    const base = choices().baseline === row.id;
    const [first, ...cells] = all.map(({ key, text, difference }) => {
      if (key === "name") return h("th", { scope: "row" }, button(row.name, { class: "kcb-sort", title: row.notes || row.name }, () => isolate(row.id)));
      const cell = h("td", { "data-column": key, ...(key === "status" && { title: row.message || row.status, "data-status": row.status }) }, text(row));
      const by = difference && !base ? difference(row) : null;
      if (by) cell.append(" ", h("span", { class: better(row, key, by) }, `${by > 0 ? "+" : "−"}${formatSetting(Number(Math.abs(by).toPrecision(3)))}`));
      return cell;
    });
    const pin = button("⊤", { class: "kcb-quiet", title: "Keep on top", "aria-label": `keep ${row.name} on top`, "aria-pressed": String(pinned.has(row.id)) }, () => {
      if (!pinned.delete(row.id)) pinned.add(row.id);
      draw();
    });
    const mark = button("△", { class: "kcb-quiet", title: base ? "No longer the baseline" : "Compare the others with this run", "aria-label": `${row.name} as baseline`, "aria-pressed": String(base) }, () => choose({ baseline: base ? null : row.id }));
    const change = button("✎", { class: "kcb-quiet", title: "Name, tags and notes", "aria-label": `edit ${row.name}` }, () => editor.open(row));
    change.disabled = !row.file && !row.live;
    if (limits) setAttribute(change, "title", limits.edit);
    const element = h("tr", { "data-run": row.id }, h("td", { class: "kcb-drawn" }, box, swatch), first, h("td", { class: "kcb-row-actions" }, pin, mark, change), h("td", { class: "kcb-reading" }, valueText(row.id)), ...cells);
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
    const value = reading?.get(id);
    return value === undefined ? "" : formatExact(value);
  };

  scope.listen(filter, "input", () => {
    page = 0;
    draw();
  });
  return {
    element,
    draw,
    /** @param {import("./curves_decoder.js").Group[]} groups */
    group(groups) {
      const before = grouped.size;
      grouped = new Map(groups.flatMap((each) => each.runs.map((id) => [id, { colour: each.colour, dashes: each.dashes, title: `${each.key}, ${each.runs.length} runs` }])));
      if (before || grouped.size) draw();
    },
    /** @param {Map<string, number> | null} values @param {string} at */
    readOut(values, at) {
      reading = values;
      readingAt = at;
      const cell = head.querySelector(".kcb-reading");
      if (cell) setText(cell, at || "at cursor");
      for (const row of body.rows) setText(/** @type {Element} */ (row.querySelector(".kcb-reading")), valueText(row.dataset.run ?? ""));
    },
    /** @param {string | null} id */
    highlight(id) {
      for (const row of body.rows) {
        row.classList.toggle("kcb-lit", row.dataset.run === id);
        setAttribute(row, "data-lit", row.dataset.run === id ? "true" : null);
      }
    },
    end: scope.end,
  };
}

/** What is missing stands last whichever way. @param {unknown} a @param {unknown} b @param {boolean} down */
function compare(a, b, down) {
  const missing = (/** @type {unknown} */ value) => value === null || value === undefined || value === "";
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  const sign = down ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return sign * (a - b);
  return sign * String(a).localeCompare(String(b), undefined, { numeric: true });
}
