// @ts-check
// The curves of all shown runs in one plot.
import uPlot from "uplot";
import { button, createScope, h, setText } from "../../ui/dom.js";
import { formatTick } from "../../ui/format.js";
import { drawMarks, marksAt, marksOf } from "./marks.js";
import { valueNear, xText } from "./x_text.js";

/** @typedef {import("./curves_decoder.js").Curves} Curves */
/** @typedef {import("./curves_decoder.js").Curve} Curve */
/** @typedef {import("./curves_decoder.js").Group} Group */

const HEIGHT = 320;
const FAINT = 0.22;
const OTHERS = 0.28; // of the runs that are not the one in question
const NEAR_PX = 24;
const BAND = 0.16;
const EMPTY = "No run that is shown has this metric.";

/** @param {string} hex @param {number} alpha */
const faded = (hex, alpha) => `${hex}${Math.round(alpha * 255).toString(16).padStart(2, "0")}`;

/** @param {{theme: import("../../ui/theme.js").Theme, choices: () => import("./comparison.js").Choices, rows: () => import("./comparison.js").Row[],
 *   onZoom: (first: number, last: number) => void, onReset: () => void, onCursor: (readings: import("./run_table.js").Readings | null, x: string) => void, onNear: (id: string | null) => void}} context */
export function createChart({ theme, choices, rows, onZoom, onReset, onCursor, onNear }) {
  const scope = createScope();
  const holder = h("div", { class: "kcb-canvas", tabindex: 0, role: "group", "aria-label": "curves. Drag to zoom, arrow keys move the cursor, 0 shows everything." });
  const reset = button("Show all", { hidden: true, title: "Zoom out (double click)" }, () => onReset());
  const empty = h("p", { class: "kcb-muted", hidden: true }, EMPTY);
  const where = h("span", { class: "kcb-muted" });
  const told = h("span", { class: "kcb-told", role: "status" });
  const left = h("p", { class: "kcb-muted" });
  const element = h("figure", { class: "kcb-compared" }, h("figcaption", {}, where, reset, told), holder, empty, left);
  holder.style.minHeight = `${HEIGHT}px`;
  /** @type {uPlot | null} */
  let u = null;
  /** @type {Curves | null} */
  let curves = null;
  /** @type {{curve: Curve, raw: boolean}[]} what each series of the plot is */
  let lines = [];
  /** @type {import("./marks.js").Mark[]} */
  let marks = [];
  let builtFor = "";
  /** @type {string | null} */
  let lit = null;
  let pointer = false;

  const rowOf = (/** @type {string} */ id) => rows().find((row) => row.id === id);

  /** @param {Curve} curve @param {boolean} raw */
  const strokeOf = (curve, raw) => {
    const colour = rowOf(curve.run)?.colour ?? "#808080";
    const alpha = (raw && curve.smooth ? FAINT : 1) * (lit && lit !== curve.run ? OTHERS : 1);
    return faded(colour, alpha);
  };

  /** A group is its mean and the two edges of its band. @param {Group} group @returns {uPlot.Series[]} */
  const seriesOfGroup = (group) => {
    const stroke = () => faded(group.colour, lit && !group.runs.includes(lit) ? OTHERS : 1);
    const edge = { stroke: "transparent", width: 0, spanGaps: true, points: { show: false } };
    return [{ stroke, width: 2, dash: group.curve === "validation" ? [2, 2] : group.dashes, spanGaps: true, points: { show: false } }, edge, edge];
  };

  /** The bands of groups, by the numbers of their series. @param {Curves} next @returns {uPlot.Band[]} */
  const bandsOf = (next) => next.groups.map((group, i) => ({ series: [3 * i + 3, 3 * i + 2], fill: () => faded(group.colour, lit && !group.runs.includes(lit) ? BAND / 4 : BAND) }));

  /** @param {Curves} next @returns {uPlot.Series[]} */
  const seriesOf = (next) => {
    if (next.groups.length) {
      lines = [];
      return next.groups.flatMap(seriesOfGroup);
    }
    lines = next.curves.flatMap((curve) => (curve.smooth ? [{ curve, raw: true }, { curve, raw: false }] : [{ curve, raw: true }]));
    return lines.map(({ curve, raw }) => ({
      label: `${rowOf(curve.run)?.name ?? curve.run} ${curve.curve}`,
      stroke: () => strokeOf(curve, raw),
      width: raw && curve.smooth ? 1 : 1.5,
      dash: curve.curve === "validation" ? [2, 2] : (rowOf(curve.run)?.dashes ?? []),
      spanGaps: true,
      points: { show: curve.curve === "validation" && curve.raw.filter((value) => value !== null).length < 60, size: 4, fill: () => strokeOf(curve, raw) },
    }));
  };

  const atCursor = () => {
    if (!u || !curves || u.cursor.idx == null || !pointer) {
      onCursor(null, "");
      setText(told, "");
      return;
    }
    const idx = u.cursor.idx;
    /** @type {Map<string, number>} */
    const values = new Map();
    let near = null;
    let least = NEAR_PX;
    lines.forEach(({ curve, raw }, i) => {
      const value = valueNear(curve.raw, idx);
      if (value === null) return;
      if (raw && (curve.curve === "train" || !values.has(curve.run))) values.set(curve.run, value);
      const drawn = valueNear(raw || !curve.smooth ? curve.raw : curve.smooth, idx);
      const distance = drawn === null || !u ? Infinity : Math.abs(u.valToPos(drawn, "y") - (u.cursor.top ?? -1000));
      if (distance < least && u?.series[i + 1].show) [near, least] = [curve.run, distance];
    });
    /** @type {Map<string, {value: number, n: number}>} */
    const groups = new Map();
    for (const group of curves.groups) {
      const value = group.mean[idx]; // no line goes on here once its last run has dropped out
      if (value === null || value === undefined) continue;
      if (group.curve === "train" || !groups.has(group.key)) groups.set(group.key, { value, n: group.count[idx] ?? 0 });
      for (const run of group.runs) if (group.curve === "train" || !values.has(run)) values.set(run, value);
      const distance = Math.abs(u.valToPos(value, "y") - (u.cursor.top ?? -1000));
      if (distance < least) [near, least] = [group.runs[0], distance];
    }
    onCursor({ values, groups }, `at ${xText(curves.x[idx], curves)}`);
    setText(told, marksAt(u, marks));
    onNear(near);
    light(near);
  };

  /** @param {string | null} id */
  const light = (id) => {
    if (id === lit) return;
    lit = id;
    u?.redraw(false);
  };

  const size = () => ({ width: Math.max(160, Math.floor(holder.clientWidth)), height: HEIGHT });

  /** @param {Curves} next */
  const build = (next) => {
    u?.destroy();
    const { colors, font } = theme;
    const line = { stroke: () => colors().muted, font: `11px ${font()}`, grid: { stroke: () => colors().grid, width: 1 }, ticks: { stroke: () => colors().grid, width: 1, size: 4 } };
    u = new uPlot(
      {
        ...size(),
        padding: [8, 16, 0, 0],
        legend: { show: false },
        scales: { x: { time: false, range: () => [curves?.first ?? 0, curves?.last ?? 1] }, y: { distr: choices().log ? 3 : 1 } },
        axes: [
          { ...line, size: 26, gap: 3, space: 70, values: (_, splits) => splits.map((value) => xText(value, curves)) },
          { ...line, size: 54, gap: 4, values: (_, splits) => splits.map((value) => (value == null ? "" : formatTick(value))) },
        ],
        series: [{}, ...seriesOf(next)],
        bands: bandsOf(next),
        cursor: {
          points: { show: false },
          y: false,
          drag: { x: true, y: false, setScale: false, dist: 4 },
          bind: { dblclick: () => () => (onReset(), null) },
        },
        hooks: {
          setCursor: [atCursor],
          draw: [(self) => drawMarks(self, marks, colors().bg, (run) => !!lit && lit !== run && !curves?.groups.some((group) => group.runs.includes(run) && group.runs.includes(lit ?? "")))],
          setSelect: [
            (self) => {
              const { left, width } = self.select;
              self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              if (width >= 4) onZoom(self.posToVal(left, "x"), self.posToVal(left + width, "x"));
            },
          ],
        },
      },
      dataOf(next),
      holder,
    );
  };

  const keyOf = (/** @type {Curves} */ next) => JSON.stringify([next.curves.map((each) => [each.run, each.curve, !!each.smooth]), next.groups.map((each) => [each.key, each.curve]), choices().log]);

  const redraw = () => {
    if (!curves) return;
    marks = marksOf(curves, rowOf);
    empty.hidden = curves.curves.length + curves.groups.length > 0;
    if (keyOf(curves) !== builtFor || !u) {
      builtFor = keyOf(curves);
      build(curves);
    } else u.setData(dataOf(curves));
  };

  scope.listen(holder, "pointerenter", () => (pointer = true));
  scope.listen(holder, "pointerleave", () => {
    pointer = false;
    onCursor(null, "");
    onNear(null);
    light(null);
    setText(told, "");
  });
  scope.listen(holder, "keydown", (event) => {
    if (!u || !curves) return;
    const step = event.shiftKey ? 10 : 1;
    if (event.key === "ArrowLeft" || event.key === "ArrowRight") {
      const idx = Math.min(curves.x.length - 1, Math.max(0, (u.cursor.idx ?? 0) + (event.key === "ArrowLeft" ? -step : step)));
      pointer = true;
      u.setCursor({ left: u.valToPos(curves.x[idx], "x"), top: -10 });
    } else if (event.key === "0") onReset();
    else return;
    event.preventDefault();
  });
  const resized = new ResizeObserver(() => u && u.width !== size().width && u.setSize(size()));
  resized.observe(holder);
  scope.add(() => resized.disconnect());
  scope.add(theme.listen(() => u?.redraw(false)));
  scope.add(() => u?.destroy());

  return {
    element,
    /** @param {Curves} next @param {boolean} zoomed */
    update(next, zoomed) {
      curves = next;
      reset.hidden = !zoomed;
      setText(where, `${next.metric}${zoomed ? `, ${xText(next.first, next)} to ${xText(next.last, next)}` : ""}`);
      setText(left, next.left_out.join("; "));
      redraw();
    },
    redraw,
    highlight: light,
    end: scope.end,
  };
}

/** @param {Curves} next @returns {uPlot.AlignedData} */
function dataOf(next) {
  return /** @type {any} */ ([next.x, ...next.curves.flatMap((curve) => (curve.smooth ? [curve.raw, curve.smooth] : [curve.raw])), ...next.groups.flatMap((group) => [group.mean, group.low, group.high])]);
}
