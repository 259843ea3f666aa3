// @ts-check
// The entry point of the comparison's own bundle: a table of runs, and their curves. Python sends what is drawn as messages.
import "uplot/dist/uPlot.min.css";
import "./comparison.css";
import "./relations.css";
import { createScope, h, setText } from "../../ui/dom.js";
import { watchTheme } from "../../ui/theme.js";
import { createChanges } from "./changes.js";
import { createChart } from "./chart.js";
import { createChooser } from "./chooser.js";
import { createColourLegend } from "./colour_legend.js";
import { decodeCurves } from "./curves_decoder.js";
import { createRelations } from "./relations.js";
import { createRunTable } from "./run_table.js";
import { createSideBySide } from "./side_by_side.js";

/** @typedef {{metric: string, which: string, x: string, align: string | null, log: boolean, smoothing: number, shown: string[] | null, group: string | null,
 *   band: string, colour: string | null, hidden: string[], baseline: string | null}} Choices */
/** @typedef {{last?: unknown, best?: unknown, epoch?: number, direction?: string}} Metric */
/** @typedef {{id: string, name: string, status: string, message: string, tags: string[], notes: string, started: number, duration: number, epochs: number, step: number,
 *   steered: number, metrics: Record<string, Metric>, settings: unknown[], colour: string, dashes: number[], group: string | null, file: boolean, live: boolean}} Row */
/** @typedef {{settings: string[], metrics: {name: string, direction: string | null, validation: boolean}[], rows: Row[], left_out: number,
 *   legend?: import("./colour_legend.js").Legend | null}} Table */
/** @typedef {{metrics: string[], groups: string[], colours: string[], aligns: string[], runs: string[], edit: string}} Limits what a page without a kernel has curves of,
 *   what it puts runs together by, colours them by and puts them in line by, the runs that it has no curves of, and why none can be edited */
/** @typedef {{get: (name: string) => any, send: (content: object) => void, on: (name: string, fn: (...args: any[]) => void) => void, off: (name: string, fn: (...args: any[]) => void) => void}} Model */

const HELLO_MS = 3000; // between signs that somebody looks: runs that still train are looked at again
export const FIRST_SHOWN = 20;

/** @param {Model} model @param {HTMLElement} el @returns {() => void} */
function mount(model, el) {
  const scope = createScope();
  const view = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  const root = h("div", { class: "kcb-board", "data-lm-suppress-shortcuts": "true" });
  const whole = h("div", { class: "kcb-comparison" }, root); // what its stylesheet holds for; see build.mjs
  el.append(whole);
  scope.add(() => whole.remove());
  scope.listen(root, "keydown", (event) => event.stopPropagation());
  const theme = watchTheme(root);
  scope.add(theme.end);

  /** @type {Table} */
  let table = { settings: [], metrics: [], rows: [], left_out: 0 };
  /** @type {string[]} series that can be the axis */
  let axes = [];
  let request = 0;
  /** @type {[number, number] | null} what this view looks at; null: everything */
  let zoom = null;
  const choices = () => /** @type {Choices} */ (model.get("chosen"));
  /** @type {Limits | undefined} */
  const limits = model.get("limits");
  /** @param {object} content */
  const send = (content) => model.send({ view, ...content });
  /** @param {Partial<Choices>} changed */
  const choose = (changed) => send({ kind: "choose", choices: changed });
  const rowOf = (/** @type {string} */ id) => table.rows.find((row) => row.id === id);
  /** The runs that are not hidden. */
  const listed = () => {
    const { hidden } = choices();
    return hidden.length ? table.rows.filter((row) => !hidden.includes(row.id)) : table.rows;
  };
  const shown = () => {
    const { shown, hidden } = choices();
    return shown ? shown.filter((id) => !hidden.includes(id)) : listed().slice(0, FIRST_SHOWN).map((row) => row.id);
  };

  const said = h("p", { class: "kcb-answer", role: "status" });
  const look = () => zoom && send({ kind: "window", request: ++request, first: zoom[0], last: zoom[1] });
  const chooser = createChooser({ choices, choose, metrics: () => table.metrics, settings: () => table.settings, axes: () => axes, limits });
  const legend = createColourLegend();
  const changes = createChanges(rowOf);
  const changesPlace = h("div", {}, changes.element); // hidden with the curves; what is in it while nothing was changed
  const sideBySide = createSideBySide(() => send({ kind: "side_by_side" }), rowOf);
  scope.add(chooser.end);
  scope.add(changes.end);
  scope.add(sideBySide.end);
  const chart = createChart({
    theme,
    choices,
    rows: () => table.rows,
    onZoom: (first, last) => {
      zoom = [first, last];
      look();
    },
    onReset: () => {
      zoom = null;
      request++;
      choose({});
    },
    onCursor: (values, x) => runs.readOut(values, x),
    onNear: (id) => {
      runs.highlight(id);
      relations.highlight(id);
    },
  });
  const runs = createRunTable({
    table: () => table,
    choices,
    choose,
    shown,
    limits,
    onHover: (id) => {
      chart.highlight(id);
      relations.highlight(id);
    },
    keeps: (row) => relations.keeps(row),
    edit: (run, changes) => send({ kind: "edit", run, changes }),
    remove: (run) => send({ kind: "delete", run }),
  });
  const relations = createRelations({
    theme,
    table: () => ({ ...table, rows: listed() }),
    choices,
    choose,
    shown,
    curves: [chooser.element, chart.element, changesPlace],
    onHover: (id) => {
      chart.highlight(id);
      runs.highlight(id);
    },
    onKept: () => runs.draw(),
    onIsolate: (id) => runs.isolate(id),
    onToggle: (id) => runs.toggle(id),
  });
  scope.add(chart.end);
  scope.add(runs.end);
  scope.add(relations.end);
  runs.actions.append(sideBySide.opener);
  root.append(relations.strip, chooser.element, legend.element, chart.element, changesPlace, relations.element, said, runs.element, sideBySide.element);

  const draw = () => {
    relations.draw();
    chooser.draw();
    legend.draw(table.legend);
    runs.draw();
    chart.redraw();
    if (shown().join() === besides) return;
    besides = shown().join();
    sideBySide.refresh();
  };
  let besides = ""; // the runs that stood side by side
  let axis = "";
  /** @param {any} content @param {DataView[]} buffers */
  const receive = (content, buffers) => {
    if (content?.kind === "table" && Array.isArray(content.rows)) {
      table = content;
      draw();
      sideBySide.refresh();
    } else if (content?.kind === "curves" && buffers?.[0]) {
      const own = content.view !== "";
      if (own && (content.view !== view || content.request !== request)) return; // meant for another view, or late
      if (axis !== `${content.x} ${content.align}`) zoom = null;
      axis = `${content.x} ${content.align}`;
      if (!own && zoom) look(); // there is news, of what this view does not look at
      else {
        const curves = decodeCurves(content, buffers[0]);
        axes = curves.axes;
        chart.update(curves, own);
        runs.group(curves.groups);
        changes.update(curves.marks, curves.more_marks);
        chooser.draw();
      }
      setText(said, "");
    } else if (content?.kind === "side_by_side" && content.view === view) sideBySide.update(content);
    else if (content?.kind === "refused" || content?.kind === "said") {
      setText(said, String(content.message));
      if (content.kind === "refused") relations.refused();
    }
  };
  const chosen = () => {
    relations.confirmed();
    draw();
  };
  model.on("msg:custom", receive);
  model.on("change:chosen", chosen);
  scope.add(() => model.off("msg:custom", receive));
  scope.add(() => model.off("change:chosen", chosen));
  scope.every(() => document.hidden || send({ kind: "hello" }), HELLO_MS);
  draw();
  send({ kind: "hello", first: true });
  return scope.end;
}

export default {
  /** @param {{model: Model, el: HTMLElement}} context */
  render({ model, el }) {
    return mount(model, el);
  },
};
