// @ts-check
// The entry point of the comparison's own bundle: a table of runs, and their curves. Python sends what is drawn as messages.
import "uplot/dist/uPlot.min.css";
import "./comparison.css";
import { createScope, h, setText } from "../../ui/dom.js";
import { watchTheme } from "../../ui/theme.js";
import { createChart } from "./chart.js";
import { createChooser } from "./chooser.js";
import { decodeCurves } from "./curves_decoder.js";
import { createRunTable } from "./run_table.js";

/** @typedef {{metric: string, which: string, x: string, log: boolean, smoothing: number, shown: string[] | null, group: string | null, baseline: string | null}} Choices */
/** @typedef {{last?: unknown, best?: unknown, epoch?: number, direction?: string}} Metric */
/** @typedef {{id: string, name: string, status: string, message: string, tags: string[], notes: string, started: number, duration: number, epochs: number, step: number,
 *   steered: number, metrics: Record<string, Metric>, settings: unknown[], colour: string, dashes: number[], file: boolean, live: boolean}} Row */
/** @typedef {{settings: string[], metrics: {name: string, direction: string | null, validation: boolean}[], rows: Row[], left_out: number}} Table */
/** @typedef {{metrics: string[], groups: string[], runs: string[], edit: string}} Limits what a page without a kernel has curves of, what it puts runs
 *   together by, the runs that it has no curves of, and why none can be edited */
/** @typedef {{get: (name: string) => any, send: (content: object) => void, on: (name: string, fn: (...args: any[]) => void) => void, off: (name: string, fn: (...args: any[]) => void) => void}} Model */

const HELLO_MS = 3000; // between signs that somebody looks: runs that still train are looked at again
export const FIRST_SHOWN = 20;

/** @param {Model} model @param {HTMLElement} el @returns {() => void} */
function mount(model, el) {
  const scope = createScope();
  const view = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
  const root = h("div", { class: "kcb-board kcb-comparison", "data-lm-suppress-shortcuts": "true" });
  el.append(root);
  scope.add(() => root.remove());
  scope.listen(root, "keydown", (event) => event.stopPropagation());
  const theme = watchTheme(root);
  scope.add(theme.end);

  /** @type {Table} */
  let table = { settings: [], metrics: [], rows: [], left_out: 0 };
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
  const shown = () => choices().shown ?? table.rows.slice(0, FIRST_SHOWN).map((row) => row.id);

  const said = h("p", { class: "kcb-said", role: "status" });
  const look = () => zoom && send({ kind: "window", request: ++request, first: zoom[0], last: zoom[1] });
  const chooser = createChooser({ choices, choose, metrics: () => table.metrics, settings: () => table.settings, limits });
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
    onNear: (id) => runs.highlight(id),
  });
  const runs = createRunTable({
    table: () => table,
    choices,
    choose,
    shown,
    limits,
    onHover: (id) => chart.highlight(id),
    edit: (run, changes) => send({ kind: "edit", run, changes }),
  });
  scope.add(chart.end);
  root.append(chooser.element, chart.element, said, runs.element);

  const draw = () => {
    chooser.draw();
    runs.draw();
    chart.redraw();
  };
  let axis = "";
  /** @param {any} content @param {DataView[]} buffers */
  const receive = (content, buffers) => {
    if (content?.kind === "table" && Array.isArray(content.rows)) {
      table = content;
      draw();
    } else if (content?.kind === "curves" && buffers?.[0]) {
      const own = content.view !== "";
      if (own && (content.view !== view || content.request !== request)) return; // meant for another view, or late
      if (axis !== content.x) zoom = null;
      axis = content.x;
      if (!own && zoom) look(); // there is news, of what this view does not look at
      else {
        const curves = decodeCurves(content, buffers[0]);
        chart.update(curves, own);
        runs.group(curves.groups);
      }
      setText(said, "");
    } else if (content?.kind === "refused") setText(said, String(content.message));
  };
  model.on("msg:custom", receive);
  model.on("change:chosen", draw);
  scope.add(() => model.off("msg:custom", receive));
  scope.add(() => model.off("change:chosen", draw));
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
