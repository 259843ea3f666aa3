// @ts-check
// The rows of the table of runs: one of a run, with all that can be done with it, and one of a group.
import { button, h, setAttribute } from "../../ui/dom.js";
import { formatExact, formatSetting } from "../../ui/format.js";
import { foldText } from "./columns.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {import("./columns.js").Column} Column */
/** @typedef {import("./columns.js").Fold} Fold */
/** @typedef {{colour: string, dashes: number[], title?: string}} Look */

export const MAX_OPEN = 100; // runs that an opened group shows

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, drawn: (ids: string[], on: boolean) => void, onHover: (id: string | null) => void,
 *   isolate: (id: string) => void, edit: (row: Row) => void, remove: (row: Row) => void, pinned: Set<string>, opened: Set<string>, redraw: () => void, onGone: () => void,
 *   limits?: import("./comparison.js").Limits, look: (id: string) => Look | undefined, reading: (id: string) => string, groupReading: (key: string) => string}} context
 * pinned, opened: runs on top and groups that are open, changed here; onGone: a row that had the focus is about to go; look: of a group that a run is drawn with */
export function createTableRows({ choices, choose, drawn, onHover, isolate, edit, remove, pinned, opened, redraw, onGone, limits, look, reading, groupReading }) {
  /** @param {HTMLElement} element @param {string | null} id */
  const hovered = (element, id) => {
    element.addEventListener("pointerenter", () => onHover(id));
    element.addEventListener("pointerleave", () => onHover(null));
    return element;
  };

  /** @param {string} label @param {string} at @param {string[]} ids @param {number} on how many of them are drawn; a press draws all, or none */
  const box = (label, at, ids, on) => {
    const input = h("input", { type: "checkbox", "aria-label": `draw ${label}`, "data-at": at });
    input.checked = on > 0;
    input.indeterminate = on > 0 && on < ids.length;
    input.addEventListener("change", () => drawn(ids, input.checked || on < ids.length));
    return input;
  };

  /** @param {Row} row @param {boolean} base */
  const actions = (row, base) => {
    const quiet = (/** @type {string} */ sign, /** @type {string} */ title, /** @type {string} */ label, /** @type {string} */ at, /** @type {() => void} */ act) =>
      button(sign, { class: "kcb-quiet", title, "aria-label": label, "data-at": `${at} ${row.id}` }, act);
    const pin = quiet("⊤", "Keep on top", `keep ${row.name} on top`, "pin", () => {
      if (!pinned.delete(row.id)) pinned.add(row.id);
      redraw();
    });
    pin.setAttribute("aria-pressed", String(pinned.has(row.id)));
    const mark = quiet("△", base ? "No longer the baseline" : "Compare the others with this run", `${row.name} as baseline`, "baseline", () => choose({ baseline: base ? null : row.id }));
    mark.setAttribute("aria-pressed", String(base));
    const change = quiet("✎", "Name, tags and notes", `edit ${row.name}`, "edit", () => edit(row));
    change.disabled = !row.file && !row.live;
    if (limits) change.title = limits.edit;
    const hide = quiet("⊖", "Hide: neither here nor drawn, until hidden runs are shown", `hide ${row.name}`, "hide", () => {
      choose({ hidden: [...choices().hidden, row.id] });
      onGone();
    });
    const drop = quiet("✕", limits?.edit ?? "Delete: into the folder .bin", `delete ${row.name}`, "delete", () => remove(row));
    drop.disabled = limits !== undefined;
    return h("td", { class: "kcb-row-actions" }, pin, mark, change, hide, drop);
  };

  return {
    /** @param {Row} row @param {Column[]} all @param {boolean} on */
    run(row, all, on) {
      const own = look(row.id) ?? row;
      const draw = box(row.name, `draw ${row.id}`, [row.id], Number(on));
      if (limits?.runs.includes(row.id)) {
        draw.disabled = true;
        draw.title = "This page has no curves of this run";
      }
      const base = choices().baseline === row.id;
      const [first, ...cells] = all.map(({ key, text, difference }) => {
        if (key === "name") return h("th", { scope: "row" }, button(row.name, { class: "kcb-sort", title: row.notes || row.name, "data-at": `name ${row.id}` }, () => isolate(row.id)));
        const cell = h("td", { "data-column": key, ...(key === "status" && { title: row.message || row.status, "data-status": row.status }) }, text(row));
        const by = difference && !base ? difference(row) : null;
        if (by) cell.append(" ", h("span", { class: better(row, key, by) }, `${by > 0 ? "+" : "−"}${formatSetting(Number(Math.abs(by).toPrecision(3)))}`));
        return cell;
      });
      return hovered(h("tr", { "data-run": row.id, ...(choices().group && { class: "kcb-in-group" }) },
        h("td", { class: "kcb-drawn" }, draw, swatchOf(own)), first, actions(row, base), h("td", { class: "kcb-reading" }, reading(row.id)), ...cells), row.id);
    },
    /** @param {Fold} fold @param {Column[]} all @param {Set<string>} shown */
    group({ key, rows }, all, shown) {
      const open = opened.has(key);
      const on = rows.filter(({ id }) => shown.has(id));
      const own = rows.map(({ id }) => look(id)).find(Boolean);
      const name = button(`${open ? "▾" : "▸"} ${key}`, { class: "kcb-sort", "aria-expanded": String(open), "data-at": `group ${key}`, title: "The runs of this group" }, () => {
        if (!opened.delete(key)) opened.add(key);
        redraw();
      });
      const more = open && rows.length > MAX_OPEN ? `, the first ${MAX_OPEN} here` : "";
      const cells = all.slice(1).map((column) => h("td", { "data-column": column.key }, foldText({ key, rows }, column)));
      return hovered(h("tr", { class: "kcb-group-row", "data-group": key },
        h("td", { class: "kcb-drawn" }, box(key, `draw group ${key}`, rows.map(({ id }) => id), on.length), own ? swatchOf(own) : ""), h("th", { scope: "row" }, name),
        h("td", { class: "kcb-muted" }, `${rows.length} run${rows.length === 1 ? "" : "s"}${more}`), h("td", { class: "kcb-reading" }, groupReading(key)), ...cells), on[0]?.id ?? null);
    },
  };
}

/** @param {Look} look */
function swatchOf({ colour, dashes, title }) {
  const swatch = h("span", { class: "kcb-run-swatch", "aria-hidden": "true" });
  swatch.style.borderTopColor = colour;
  swatch.style.borderTopStyle = dashes.length ? (dashes.length > 2 || dashes[0] > 4 ? "dashed" : "dotted") : "solid";
  setAttribute(swatch, "title", title ?? null);
  return swatch;
}

/** @param {Row} row @param {string} key @param {number} by */
function better(row, key, by) {
  const direction = row.metrics[key.split(" ")[0]]?.direction;
  return !direction ? "kcb-difference" : (direction === "min") === by < 0 ? "kcb-difference kcb-better" : "kcb-difference kcb-worse";
}
