// @ts-check
// The chart panel: a plot for each group of metrics, a strip for each setting. All share one x axis and one cursor.
import { bestLinesOf, bestPointOf } from "./best_lines.js";
import { bestsOf } from "../controls/best.js";
import { buildPlots } from "./curves.js";
import { createScope, h, setHidden, setText } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { choiceOf, choose, heightOf, inOrder, move, plotId } from "./layout.js";
import { collectMarks, marksNear, marksOf } from "./marks.js";
import { splice } from "../../link/series_decoder.js";
import { createPlot } from "./plot.js";
import { createRollbackConfirmation } from "./rollback_confirmation.js";
import { batchesSmoothed } from "./smoothing.js";
import { createToolbar } from "./toolbar.js";
import { createXAxis } from "./x_axis.js";
import { createZoom } from "./zoom.js";

/** @typedef {import("./plot.js").PlotView} PlotView */

const X_MARGIN = 0.008;
const MAX_POINTS = 1600;
const FRAME_BUDGET_MS = 1.5; // per frame; style, layout, paint and the canvas take as long again

/** The one value that curves have, and null where they have several. @param {import("./curves.js").Curve[]} curves */
function onlyValue(curves) {
  /** @type {number | null} */
  let only = null;
  for (const { ys } of curves) {
    for (const y of ys) {
      if (y == null) continue;
      if (only !== null && Math.abs(y - only) > 1e-9 * Math.abs(only)) return null;
      only ??= y;
    }
  }
  return only;
}

/** @type {import("../../view.js").Panel} */
export function chartPanel(body, { link, heartbeat: heartbeat, theme, guard }) {
  const scope = createScope();
  const { ui } = link;
  const grid = h("div", { class: "kcb-grid" });
  const empty = h("p", { class: "kcb-empty" });
  const problem = h("p", { class: "kcb-error", role: "alert" });
  /** @type {import("./curves.js").Plot[]} what is drawn, in its order */
  let shown = [];
  const zoom = createZoom(link, heartbeat.view, () => Math.min(MAX_POINTS, Math.max(200, Math.round(grid.clientWidth))));
  const toolbar = createToolbar(link, { onReset: zoom.reset, shown: () => ({ plots: plots.all().flatMap((each) => each.drawn()), range: range(), axis, grid, theme }) });
  scope.add(toolbar.end);
  scope.add(zoom.end);
  const confirmation = createRollbackConfirmation(link);
  scope.add(confirmation.end);
  body.append(toolbar.element, confirmation.element, problem, empty, grid);

  /** @type {ReturnType<typeof createKeyedList<PlotView>>} */
  const plots = createKeyedList(grid);
  scope.add(plots.end);
  let axis = createXAxis(link.picture(), ui.x);
  /** @type {number | null} */
  let cursor = null;
  let aloud = false;
  /** @type {PlotView | null} */
  let source = null;

  /** @returns {[number, number]} */
  const range = () => {
    if (ui.zoom) {
      const [min, max] = [axis.toX(ui.zoom.first), axis.toX(ui.zoom.last)];
      if (max > min) return [min, max];
    }
    const margin = (axis.max - axis.min) * X_MARGIN || 0.5;
    return [axis.min - margin, axis.max + margin];
  };

  const actions = {
    /** @param {number | null} x @param {PlotView} plot */
    onCursor: guard((/** @type {number | null} */ x, /** @type {PlotView} */ plot) => {
      cursor = x;
      source = x === null ? null : plot;
      aloud = x !== null && plot.holder === document.activeElement;
      for (const each of plots.all()) each.setCursor(x);
      drawReadout();
    }),
    /** @param {number} min @param {number} max @param {import("./x_axis.js").XAxis} axis what the plot shows, which may lag behind */
    onZoom(min, max, axis) {
      const first = Math.max(axis.toStep(axis.min), axis.toStep(min));
      const last = Math.min(axis.toStep(axis.max), axis.toStep(max));
      if (last <= axis.toStep(axis.min) || last - first < 1e-6) return;
      if (first <= axis.toStep(axis.min) && last >= axis.toStep(axis.max)) zoom.reset();
      else zoom.set(first, last);
    },
    onReset: zoom.reset,
    onSnapshot: confirmation.open,
    /** @param {string} key */
    onToggle(key) {
      const hidden = new Set(ui.hidden);
      if (!hidden.delete(key)) hidden.add(key);
      link.setUi({ hidden });
    },
  };

  const drawReadout = () => {
    for (const plot of plots.all()) plot.readout(cursor);
    const near = cursor !== null && source ? marksNear(source.marks(), cursor, source.xWidth(6)) : [];
    const mark = near[near.length - 1] ?? null;
    const place = cursor === null ? "" : axis.place(cursor);
    toolbar.say(mark ? [mark.text, near.length > 1 ? `and ${near.length - 1} more here` : ""].filter(Boolean).join(" · ") : place, near.map((each) => each.text).join("\n"), aloud);
    toolbar.element.classList.toggle("kcb-on-mark", mark !== null);
  };

  const draw = () => {
    const picture = splice(link.picture(), ui.zoom ? ui.fine : null);
    axis = createXAxis(picture, ui.x);
    const total = picture.tables.find((each) => each.name === "batches")?.rows ?? 0;
    const rows = ui.zoom ? Math.min(total, ui.zoom.last - ui.zoom.first) : total;
    const built = buildPlots(picture, ui.x, { amount: ui.smoothing, rows });
    // Before the first metric there is nothing that a setting could be compared with.
    const all = built.some((each) => !each.strip) ? inOrder(link, built) : [];
    shown = all.filter((each) => !choiceOf(link, plotId(each)).hidden);
    const metrics = shown.filter((each) => !each.strip).length;
    const marks = collectMarks(link, axis);
    const [cards, bests] = [link.cards(), bestsOf(link)];
    const smoothed = batchesSmoothed(ui.smoothing, rows);
    plots.draw(
      shown,
      plotId,
      (plot) => {
        const [{ group, strip }, id] = [plot, plotId(plot)];
        const own = {
          change: (/** @type {Partial<import("./layout.js").PlotChoice>} */ choice) => choose(link, id, choice),
          move: (/** @type {-1 | 1} */ by) => move(link, shown, id, by),
        };
        const view = createPlot({ group, strip, height: heightOf(plot, choiceOf(link, id), metrics), theme, actions: { ...actions, ...own } });
        resizes.observe(view.holder);
        return view;
      },
      (view, plot) => {
        const { group, strip, curves } = plot;
        const choice = choiceOf(link, plotId(plot));
        // A setting with a log scale has a logarithmic strip where all its values are positive.
        const logScale = link.controls().find((each) => each.name === group)?.scale !== "linear";
        const usual = strip ? logScale && curves.every((curve) => curve.ys.every((y) => y == null || y > 0)) : ui.log;
        const first = view.element === grid.firstElementChild;
        view.element.classList.toggle("kcb-first-strip", strip && !view.element.previousElementSibling?.classList.contains("kcb-strip"));
        const bestLines = bestLinesOf(cards, curves, axis);
        const scene = {
          curves,
          hidden: ui.hidden,
          log: choice.log ?? usual,
          range: range(),
          marks: marksOf(marks, group),
          bestLines,
          best: strip ? null : bestPointOf(bests, group, curves, axis, bestLines),
          only: onlyValue(curves),
          choice,
          height: heightOf(plot, choice, metrics),
          smoothed,
          first,
          axis,
        };
        waiting.push(() => view.update(scene));
      },
    );
    setHidden(empty, all.length > 0);
    setText(empty, link.over() ? "No batch was trained." : "The curves begin with the first batch.");
    toolbar.hidden(all.filter((each) => !shown.includes(each)), smoothed);
    setText(problem, link.problem());
    toolbar.draw();
  };

  // At most one repaint per animation frame, and none while the chart is out of sight. A frame draws plots until its budget is
  // spent; the next frame draws the rest before anything newer. Typing and scrolling go between.
  /** @type {(() => void)[]} */
  const waiting = [];
  let dirty = false;
  let drawAll = false; // the user changed something: one frame draws all plots
  let onScreen = false; // until the browser says so
  let frame = 0;
  const paint = guard(() => {
    frame = 0;
    if (!onScreen || document.hidden) return;
    const began = performance.now();
    if (drawAll) waiting.length = 0;
    if (!waiting.length && dirty) {
      dirty = false;
      draw();
    }
    while (waiting.length && (drawAll || performance.now() - began < FRAME_BUDGET_MS)) waiting.shift()?.();
    drawAll = false;
    if (!waiting.length) drawReadout();
    if (waiting.length || dirty) frame ||= requestAnimationFrame(paint);
  });
  const repaint = () => {
    dirty = true;
    if (onScreen) frame ||= requestAnimationFrame(paint);
  };
  scope.add(() => cancelAnimationFrame(frame));

  const resizes = new ResizeObserver(
    guard(() => {
      for (const plot of plots.all()) plot.resize();
    }),
  );
  scope.add(() => resizes.disconnect());
  const sight = new IntersectionObserver((entries) => {
    onScreen = entries[entries.length - 1].isIntersecting;
    if (onScreen && (dirty || waiting.length)) repaint();
  });
  sight.observe(body);
  scope.add(() => sight.disconnect());
  scope.listen(document, "visibilitychange", () => (dirty || waiting.length) && repaint());
  scope.add(theme.listen(() => plots.all().forEach((plot) => plot.redraw())));
  let lastKept = "";
  scope.add(
    link.listen((topic) => {
      if (topic === "ui") {
        toolbar.draw();
        drawAll = true;
      }
      if (topic === "state" || topic === "alive" || topic === "callbacks") {
        guard(confirmation.draw)();
        const now = JSON.stringify([link.snapshots().map((each) => each.id), link.cards().map((each) => each.best), link.state().bests, link.state().not_finite, link.over()]);
        if (now !== lastKept) repaint();
        lastKept = now;
      }
      if (topic === "picture" || topic === "events" || topic === "ui") repaint();
    }),
  );
  repaint();
  return scope.end;
}
