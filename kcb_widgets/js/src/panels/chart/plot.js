// @ts-check
// One uPlot with its heading and legend. The chart tells it what to draw; it reports what the user does.
import uPlot from "uplot";
import { drawBestLines, drawBestPoint } from "./best_lines.js";
import { drawConnectors } from "./branch_lines.js";
import { colorOf, seriesOf } from "./curve_style.js";
import { alignCurves, compared, valueAt } from "./curves.js";
import { button, createScope, h, setAttribute, setHidden, setText } from "../../ui/dom.js";
import { createLegend } from "./legend.js";
import { drawMarks, nearestMark } from "./marks.js";
import { drawNotFinite } from "./not_finite.js";
import { createPlotMenu } from "./plot_menu.js";
import { axesOf } from "./scales.js";
import { createSnapshotButtons, snapshotAt } from "./snapshot_buttons.js";
import { padded, withoutOutliers } from "./y_range.js";

/** @typedef {import("./curves.js").Curve} Curve */
/** @typedef {[Curve, Curve["abandoned"]]} Drawn a curve, and its abandoned part where that is what is drawn */
/** @typedef {ReturnType<typeof createPlot>} PlotView */
/** @typedef {{curves: Curve[], hidden: Set<string>, log: boolean, range: [number, number], marks: import("./marks.js").Mark[], bestLines: import("./best_lines.js").BestLine[],
 *   best: import("./best_lines.js").BestPoint | null, only: number | null, choice: import("./layout.js").PlotChoice, height: number, smoothed: number,
 *   first: boolean, axis: import("./x_axis.js").XAxis}} Scene
 * only: the value of curves that never change; smoothed: batches that the average is over; first: it has the buttons of the snapshots */
/** @typedef {Omit<import("./plot_menu.js").PlotActions, "fullScreen"> & {onCursor: (x: number | null, plot: any) => void, onZoom: (min: number, max: number, axis: import("./x_axis.js").XAxis) => void, onReset: () => void,
 *   onToggle: (key: string) => void, onSnapshot: (id: string) => void}} Actions */

/** In the order of drawing: abandoned parts lie below.
 * @param {Curve[]} curves */
const drawn = (curves) => [
  ...curves.filter((curve) => curve.abandoned).map((/** @returns {Drawn} */ (curve) => [curve, curve.abandoned])),
  ...curves.map((/** @returns {Drawn} */ (curve) => [curve, null])),
];

/** @param {{group: string, strip: boolean, height: number, theme: import("../../ui/theme.js").Theme, actions: Actions}} options */
export function createPlot({ group, strip, height: firstHeight, theme, actions }) {
  const scope = createScope();
  const legend = createLegend(group, actions.onToggle);
  const snapshotButtons = createSnapshotButtons(actions.onSnapshot);
  const holder = h("div", {
    class: "kcb-canvas",
    tabindex: 0,
    role: "group",
    "aria-label": `${group} plot. Arrow keys move the cursor, plus and minus zoom, 0 shows everything.`,
  });
  const best = h("span", { class: "kcb-plot-best" });
  // Its place is kept until it is drawn, which may be when it comes in sight.
  holder.style.minHeight = `${firstHeight}px`;
  const cut = button("outliers cut", { class: "kcb-cut", title: "Some values lie far outside; press to show them all", hidden: true }, () => actions.change({ range: "all" }));
  const element = h("figure", { class: strip ? "kcb-plot kcb-strip" : "kcb-plot", "data-group": group });
  const menu = createPlotMenu(group, { change: actions.change, move: actions.move, fullScreen: () => void element.requestFullscreen?.().catch(() => {}) });
  scope.add(menu.end);
  element.append(h("figcaption", {}, h("span", { class: "kcb-plot-head" }, h("span", { class: "kcb-plot-title", title: group }, group), best, cut, menu.element), legend.element), holder);
  /** @type {uPlot | null} */
  let u = null;
  /** @type {Scene | null} */
  let scene = null;
  let builtFor = "";
  let pointerInside = false;
  /** @type {number | null} */
  let cursor = null;

  const size = () => {
    const fullScreen = document.fullscreenElement === element;
    const height = fullScreen ? element.clientHeight - holder.offsetTop - 8 : (scene?.height ?? firstHeight);
    return { width: Math.max(120, Math.floor(holder.clientWidth)), height: Math.max(40, height) };
  };

  /** The range of y, and whether values lie outside of it. @param {uPlot} self @param {number | null} min @param {number | null} max @returns {[number, number]} */
  const yRange = (self, min, max) => {
    const range = scene?.choice.range ?? "all";
    let within = null;
    if (Array.isArray(range) && (!scene?.log || range[0] > 0)) within = range;
    else if (range === "most" && !scene?.log) {
      const [first, last] = self.series[0].idxs ?? [0, self.data[0].length - 1];
      within = withoutOutliers(/** @type {any[]} */ (self.data).filter((_, i) => i && self.series[i].show), first, last, Number(min), Number(max));
    }
    setHidden(cut, range !== "most" || !within);
    return Array.isArray(range) && within ? within : padded(within?.[0] ?? min, within?.[1] ?? max, !!scene?.log, strip);
  };

  /** @param {Scene} next @returns {uPlot.Options} */
  const options = (next) => {
    const colors = theme.colors;
    return {
      ...size(),
      padding: [8, 16, 0, 0], // half of a label may stand beyond the end of x
      legend: { show: false },
      scales: {
        x: { time: false, range: () => scene?.range ?? [0, 1] },
        y: { distr: next.log ? 3 : 1, range: yRange },
      },
      axes: axesOf(theme, strip, next, () => scene),
      series: [
        {},
        ...drawn(next.curves).map(([curve, abandoned]) => {
          const index = next.curves.indexOf(curve);
          return seriesOf(curve, colors, abandoned && (() => scene?.curves[index]?.abandoned?.starts));
        }),
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false, dist: 4 },
        bind: {
          dblclick: () => () => {
            actions.onReset();
            return null;
          },
        },
      },
      hooks: {
        setCursor: [
          (self) => {
            // Data that moves under a resting pointer counts; a cursor that we set does not.
            if (pointerInside) actions.onCursor(self.cursor.idx == null ? null : /** @type {number} */ (self.data[0][self.cursor.idx]), view);
          },
        ],
        setSelect: [
          (self) => {
            const { left, width } = self.select;
            self.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            if (pointerInside && scene && width >= 4) actions.onZoom(self.posToVal(left, "x"), self.posToVal(left + width, "x"), scene.axis);
          },
        ],
        draw: [
          (self) => {
            if (!scene) return;
            drawNotFinite(self, scene.curves.filter(({ key }) => !scene?.hidden.has(key)), colors(), uPlot.pxRatio);
            for (const curve of scene.curves) {
              if (curve.connectors?.length && !scene.hidden.has(curve.key)) drawConnectors(self, curve.connectors, colors()[colorOf(curve)], uPlot.pxRatio);
            }
            drawBestLines(self, scene.bestLines.filter(({ key }) => !scene?.hidden.has(key)), colors(), uPlot.pxRatio);
            if (scene.best && !scene.hidden.has(scene.best.key)) drawBestPoint(self, scene.best, colors(), uPlot.pxRatio);
            drawMarks(self, scene.marks, colors(), uPlot.pxRatio);
            snapshotButtons.draw(self, scene.first ? scene.marks : []);
          },
        ],
      },
    };
  };

  const destroy = () => {
    u?.destroy();
    u = null;
    builtFor = "";
  };

  /** @param {Drawn[]} lines @param {Set<string>} hidden */
  const show = (lines, hidden) =>
    lines.forEach(([curve], i) => {
      const shown = !hidden.has(curve.key);
      if (u && u.series[i + 1].show !== shown) u.setSeries(i + 1, { show: shown }, false);
    });

  /** @param {Scene} next */
  const update = (next) => {
    scene = next;
    holder.style.minHeight = `${next.height}px`;
    const lines = drawn(next.curves);
    const want = JSON.stringify([next.log, next.axis.increments(next.range[1]) ? next.axis.mode : "", next.curves.map((curve) => [curve.key, curve.metric, !!curve.abandoned])]);
    const data = /** @type {uPlot.AlignedData} */ (alignCurves(lines.map(([curve, abandoned]) => abandoned ?? curve), next.log));
    if (!u || builtFor !== want) {
      destroy();
      legend.build(next.curves);
      u = new uPlot(options(next), data, holder);
      builtFor = want;
      show(lines, next.hidden);
    } else {
      const plot = u;
      // Drawn now and not in a microtask: the chart looks at the clock.
      plot.batch(() => {
        plot.setData(data, true);
        show(lines, next.hidden);
      });
    }
    view.resize();
    legend.setHidden(next.hidden);
    legend.setSmoothing(next.smoothed);
    menu.draw(next.choice, next.log);
    element.classList.toggle("kcb-wide", next.choice.wide);
    setText(best, next.best?.text ?? "");
    setAttribute(best, "title", next.best?.title ?? null);
    if (!pointerInside) setCursor(cursor);
  };

  /** @param {number | null} x */
  const setCursor = (x) => {
    cursor = x;
    if (!u || pointerInside) return;
    const left = x === null ? -10 : u.valToPos(x, "x");
    u.setCursor({ left: left < 0 || left > u.over.clientWidth ? -10 : left, top: 10 }, false);
  };

  /** @param {number} by @returns {number | null} the x of the point `by` points on, among those in sight */
  const neighbour = (by) => {
    if (!u || !scene) return null;
    const [min, max] = scene.range;
    const xs = /** @type {number[]} */ (u.data[0]).filter((x) => x >= min && x <= max);
    if (!xs.length) return null;
    const from = cursor;
    if (by === -Infinity || (from === null && by > 0 && by !== Infinity)) return xs[0];
    if (by === Infinity || from === null) return xs[xs.length - 1];
    let i = xs.findIndex((x) => x >= from);
    if (i < 0) i = xs.length - 1;
    return xs[Math.min(xs.length - 1, Math.max(0, i + by))];
  };

  scope.listen(holder, "pointermove", (event) => {
    if (u && scene) u.over.style.cursor = snapshotAt(u, scene.marks, event) ? "pointer" : "";
  });
  // uPlot swallows the click that ends a drag.
  scope.listen(holder, "click", (event) => {
    const mark = u && scene && event.detail < 2 && u.over === event.target ? snapshotAt(u, scene.marks, event) : null;
    if (mark) actions.onSnapshot(mark.snapshot);
  });
  for (const type of ["pointerenter", "pointermove"]) scope.listen(holder, type, () => (pointerInside = true), { capture: true });
  scope.listen(holder, "pointerleave", () => {
    pointerInside = false;
    actions.onCursor(null, view);
  });
  scope.listen(holder, "keydown", (event) => {
    if (!scene || event.ctrlKey || event.metaKey || event.altKey) return;
    const [min, max] = scene.range;
    const step = event.shiftKey ? 10 : 1;
    const moves = /** @type {Record<string, number>} */ ({ ArrowLeft: -step, ArrowRight: step, Home: -Infinity, End: Infinity });
    if (event.key in moves) {
      const x = neighbour(moves[event.key]);
      pointerInside = false;
      actions.onCursor(x, view);
    } else if (event.key === "Enter" && event.target === holder && cursor !== null) {
      const mark = nearestMark(scene.marks.filter((each) => each.snapshot), cursor, view.xWidth(8));
      if (mark) actions.onSnapshot(mark.snapshot);
    } else if (event.key === "Escape") actions.onCursor(null, view);
    else if (event.key === "+" || event.key === "-") {
      const middle = cursor ?? (min + max) / 2;
      const half = ((max - min) / 2) * (event.key === "+" ? 0.5 : 2);
      actions.onZoom(middle - half, middle + half, scene.axis);
    } else if (event.key === "0") actions.onReset();
    else return;
    event.preventDefault();
  });
  scope.listen(holder, "blur", () => pointerInside || actions.onCursor(null, view));
  scope.listen(document, "fullscreenchange", () => view.resize());
  scope.add(destroy);
  scope.add(() => element.remove());

  const view = {
    element,
    holder,
    update,
    setCursor,
    resize() {
      const wanted = size();
      if (u && (u.width !== wanted.width || u.height !== wanted.height)) u.setSize(wanted);
    },
    redraw: () => u?.redraw(false, true),
    /** @param {number | null} x */
    readout(x) {
      const now = scene;
      if (now) legend.setValues(now.curves.map((curve) => (curve.role === "baseline" ? compared(curve, now.curves, x, now.axis.now) : { value: valueAt(curve, x), by: null })));
    },
    /** The width of so many pixels in units of x. @param {number} pixels */
    xWidth: (pixels) => (u && scene ? ((scene.range[1] - scene.range[0]) * pixels) / Math.max(1, u.over.clientWidth) : 0),
    marks: () => scene?.marks ?? [],
    /** What is to be seen, for saving it; nothing before it is drawn. */
    drawn: () => (u && scene ? [{ group, log: scene.log, y: [u.scales.y.min ?? 0, u.scales.y.max ?? 1], curves: scene.curves.filter(({ key }) => !scene?.hidden.has(key)) }] : []),
    end: scope.end,
  };
  return view;
}
