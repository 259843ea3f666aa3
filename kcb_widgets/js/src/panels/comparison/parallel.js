// @ts-check
// Parallel coordinates: each run is a line over all axes. Dragging along an axis brushes it, dragging its name moves it.
import { createScope, h, setAttribute } from "../../ui/dom.js";
import { createCanvas } from "./canvas.js";
import { drawUprights } from "./draw_uprights.js";
import { TOP, createLayout } from "./parallel_layout.js";

/** @typedef {import("./brush.js").Part} Part */
/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {import("./parallel_layout.js").Upright} Upright */
/** @typedef {{uprights: Upright[], rows: Row[], kept: Set<string>, colour: (row: Row) => string | null, rank: (row: Row) => number}} Lines
 * colour: null: the run has no outcome; rank: those with more are drawn over those with less */

const NEAR = 14; // px from a line
const CLICK = 4; // px that are no drag
const FAINT = 0.14;
const MANY = 150; // lines: more are as thin as the screen can, which is drawn ten times as fast

/** @param {{theme: import("../../ui/theme.js").Theme, onHover: (id: string | null) => void, onBrush: (name: string, parts: Part[] | undefined, done: boolean) => void, onMove: (name: string, to: number) => void}} context */
export function createParallel({ theme, onHover, onBrush, onMove }) {
  const scope = createScope();
  const element = h("div", { class: "kcb-parallel", role: "img" });
  /** @type {Lines} */
  let lines = { uprights: [], rows: [], kept: new Set(), colour: () => null, rank: () => 0 };
  let layout = createLayout([]);
  /** Where each run crosses each axis. @type {Float32Array} */
  let heights = new Float32Array();
  let stale = true;
  /** @type {string | null} */
  let lit = null;
  /** @type {{order: boolean, i: number, from: number, to: number, before: Part[] | undefined} | null} */
  let drag = null;
  const base = document.createElement("canvas"); // all lines: what is lit is drawn over it

  const canvas = createCanvas(element, () => layout.height, (context, width, height, ratio) => {
    if (stale || base.width !== canvas.element.width || base.height !== canvas.element.height) drawBase(width, height, ratio);
    stale = false;
    context.drawImage(base, 0, 0, width, height);
    drawLit(context, width);
    drawUprights(context, lines.uprights, layout, width, theme, drag?.order ? { i: drag.i, x: drag.to } : null);
  });

  /** @param {CanvasRenderingContext2D} context @param {number} row @param {number} width */
  const trace = (context, row, width) => {
    const count = lines.uprights.length;
    context.beginPath();
    for (let i = 0; i < count; i++) context.lineTo(layout.xOf(i, width), heights[row * count + i]);
    if (count === 1) context.lineTo(layout.xOf(0, width) + 12, heights[row]);
    context.stroke();
  };

  /** @param {number} width @param {number} height @param {number} ratio */
  const drawBase = (width, height, ratio) => {
    [base.width, base.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = /** @type {CanvasRenderingContext2D} */ (base.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const numbers = lines.rows.map((_, i) => i);
    const isKept = (/** @type {number} */ i) => lines.kept.has(lines.rows[i].id);
    context.lineWidth = 1 / ratio;
    context.strokeStyle = theme.colors().muted;
    context.globalAlpha = FAINT;
    for (const i of numbers) if (!isKept(i)) trace(context, i, width);
    const kept = numbers.filter(isKept).sort((a, b) => lines.rank(lines.rows[a]) - lines.rank(lines.rows[b]));
    context.lineWidth = kept.length > MANY ? 1 / ratio : 1.4;
    context.globalAlpha = Math.max(0.4, Math.min(0.95, 12 / Math.sqrt(kept.length)));
    for (const i of kept) style(context, i, width);
  };

  /** @param {CanvasRenderingContext2D} context @param {number} row @param {number} width */
  const style = (context, row, width) => {
    const colour = lines.colour(lines.rows[row]);
    context.strokeStyle = colour ?? theme.colors().muted;
    context.setLineDash(colour ? [] : [4, 3]);
    trace(context, row, width);
    context.setLineDash([]);
  };

  /** @param {CanvasRenderingContext2D} context @param {number} width */
  const drawLit = (context, width) => {
    const row = lines.rows.findIndex((each) => each.id === lit);
    if (row < 0) return;
    context.lineWidth = 7;
    context.strokeStyle = theme.colors().bg;
    trace(context, row, width);
    context.lineWidth = 3.5;
    style(context, row, width);
  };

  /** What the drag, or the press, along an axis brushes. @param {boolean} done */
  const brushed = (done) => {
    if (!drag) return;
    const { name, axis, parts } = lines.uprights[drag.i];
    const [high, low] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if (low - high >= CLICK) {
      const found = layout.covered(axis, high, low);
      if (found) onBrush(name, found, done);
      else if (done) onBrush(name, drag.before, true);
    } else if (done) {
      const place = layout.covered(axis, high - 6, low + 6)?.filter((each) => !Array.isArray(each)) ?? [];
      onBrush(name, place.length === 1 && !(parts?.length === 1 && parts[0] === place[0]) ? place : undefined, true);
    }
  };

  /** The run whose line is nearest. @param {number} x @param {number} y @returns {string | null} */
  const nearest = (x, y) => {
    const { width } = canvas.size();
    const count = lines.uprights.length;
    const room = layout.spacing(width);
    const at = layout.along(x, width);
    const i = Math.min(count - 2, Math.max(0, Math.floor(at)));
    if (count < 2 || at < -NEAR / room || at > count - 1 + NEAR / room || y < TOP - NEAR) return null;
    const part = Math.min(1, Math.max(0, at - i));
    let [found, least] = [/** @type {string | null} */ (null), NEAR];
    lines.rows.forEach((row, k) => {
      if (!lines.kept.has(row.id)) return;
      const [a, b] = [heights[k * count + i], heights[k * count + i + 1]];
      const distance = Math.abs(a + part * (b - a) - y) / Math.hypot(1, (b - a) / room);
      if (distance < least) [found, least] = [row.id, distance];
    });
    return found;
  };

  /** @param {string | null} id */
  const highlight = (id) => {
    if (id === lit) return;
    lit = id;
    canvas.draw();
  };

  scope.listen(canvas.element, "pointerdown", (event) => {
    const [x, y] = canvas.at(event);
    const i = layout.uprightAt(x, canvas.size().width);
    const order = y < TOP - 4;
    if (event.button !== 0 || i < 0) return;
    event.preventDefault();
    canvas.element.setPointerCapture(event.pointerId);
    drag = { order, i, from: order ? x : y, to: order ? x : y, before: lines.uprights[i].parts };
  });
  scope.listen(canvas.element, "pointermove", (event) => {
    const [x, y] = canvas.at(event);
    if (!drag) {
      canvas.element.style.cursor = layout.uprightAt(x, canvas.size().width) < 0 ? "default" : y < TOP - 4 ? "grab" : "ns-resize";
      const id = nearest(x, y);
      highlight(id);
      onHover(id);
      return;
    }
    drag.to = drag.order ? x : y;
    if (drag.order) canvas.draw();
    else brushed(false);
  });
  scope.listen(canvas.element, "pointerup", () => {
    if (!drag) return;
    const { order, i, to, from } = drag;
    if (!order) brushed(true);
    drag = null;
    if (order && Math.abs(to - from) >= CLICK) {
      const last = lines.uprights.length - 1;
      onMove(lines.uprights[i].name, Math.min(last, Math.max(0, Math.round(layout.along(to, canvas.size().width)))));
    }
    canvas.draw();
  });
  scope.listen(canvas.element, "pointercancel", () => {
    if (drag && !drag.order) onBrush(lines.uprights[drag.i].name, drag.before, true);
    drag = null;
    canvas.draw();
  });
  scope.listen(canvas.element, "pointerleave", () => {
    if (drag) return;
    highlight(null);
    onHover(null);
  });
  scope.add(canvas.end);
  scope.add(theme.listen(() => {
    stale = true;
    canvas.draw();
  }));

  return {
    element,
    /** @param {Lines} next */
    update(next) {
      if (drag && next.uprights[drag.i]?.name !== lines.uprights[drag.i]?.name) drag = null; // it is another axis now
      lines = next;
      layout = createLayout(next.uprights);
      const count = next.uprights.length;
      heights = new Float32Array(next.rows.length * count);
      next.uprights.forEach(({ axis, of }, i) => next.rows.forEach((row, k) => (heights[k * count + i] = layout.yOf(axis, of(row)))));
      setAttribute(element, "aria-label", `Parallel coordinates of ${next.kept.size} of ${next.rows.length} runs, over ${next.uprights.map(({ title }) => title).join(", ") || "no axis"}. The list of axes does the same by keyboard.`);
      stale = true;
      canvas.draw();
    },
    highlight,
    end: scope.end,
  };
}
