// @ts-check
// Parallel coordinates: each run is a line over all axes. Dragging along an axis brushes it, dragging its name moves it.
import { createScope, h, setAttribute } from "../../ui/dom.js";
import { createCanvas, fitted, written } from "./canvas.js";

/** @typedef {import("./axis.js").Axis} Axis */
/** @typedef {import("./brush.js").Part} Part */
/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {{name: string, title: string, of: (row: Row) => import("./quantities.js").Value, axis: Axis, parts: Part[] | undefined}} Upright */
/** @typedef {{uprights: Upright[], rows: Row[], kept: Set<string>, colour: (row: Row) => string | null, rank: (row: Row) => number}} Lines
 * colour: null: the run has no outcome; rank: those with more are drawn over those with less */

const TOP = 42;
const SPAN = 236; // of an axis
const PLACE = 18; // for each place under it
const GAP = 12;
const LEFT = 14;
const RIGHT = 96; // for what is written beside the last axis
const REACH = 22; // px from an axis that still mean it
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
  /** Where each run crosses each axis. @type {Float32Array} */
  let heights = new Float32Array();
  let deepest = 0; // places under an axis
  let stale = true;
  /** @type {string | null} */
  let lit = null;
  /** @type {{order: boolean, i: number, from: number, to: number, before: Part[] | undefined} | null} */
  let drag = null;
  const base = document.createElement("canvas"); // all lines: what is lit is drawn over it

  const bottom = TOP + SPAN;
  const canvas = createCanvas(element, () => bottom + GAP + PLACE * Math.max(1, deepest), (context, width, height, ratio) => {
    if (stale || base.width !== canvas.element.width || base.height !== canvas.element.height) drawBase(width, height, ratio);
    stale = false;
    context.drawImage(base, 0, 0, width, height);
    drawLit(context, width);
    drawUprights(context, width);
  });

  const spacing = (/** @type {number} */ width) => (width - LEFT - RIGHT) / Math.max(1, lines.uprights.length - 1);
  const xOf = (/** @type {number} */ i, /** @type {number} */ width) => LEFT + i * spacing(width);
  /** What is missing stands lowest on every axis. @param {Axis} axis @param {number} place */
  const underOf = (axis, place) => bottom + GAP + PLACE * ((axis.under[place].value === null ? deepest - 1 : place) + 0.5);
  /** @param {Axis} axis @param {import("./axis.js").Spot | null} spot */
  const yOf = (axis, spot) => (!spot ? NaN : "at" in spot ? bottom - spot.at * SPAN : underOf(axis, spot.under));

  /** @param {CanvasRenderingContext2D} context @param {number} row @param {number} width */
  const trace = (context, row, width) => {
    const count = lines.uprights.length;
    context.beginPath();
    for (let i = 0; i < count; i++) context.lineTo(xOf(i, width), heights[row * count + i]);
    if (count === 1) context.lineTo(xOf(0, width) + 12, heights[row]);
    context.stroke();
  };

  /** @param {number} width @param {number} height @param {number} ratio */
  const drawBase = (width, height, ratio) => {
    [base.width, base.height] = [Math.round(width * ratio), Math.round(height * ratio)];
    const context = /** @type {CanvasRenderingContext2D} */ (base.getContext("2d"));
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    const { muted } = theme.colors();
    const numbers = lines.rows.map((_, i) => i);
    const isKept = (/** @type {number} */ i) => lines.kept.has(lines.rows[i].id);
    context.lineWidth = 1 / ratio;
    context.strokeStyle = muted;
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

  /** @param {CanvasRenderingContext2D} context @param {number} width */
  const drawUprights = (context, width) => {
    const { fg, muted, bg, train } = theme.colors();
    const room = spacing(width);
    context.font = `600 12px ${theme.font()}`;
    const crowded = lines.uprights.some((each, i) => i < lines.uprights.length - 1 && context.measureText(each.title).width > room - 10);
    lines.uprights.forEach(({ axis, title, parts }, i) => {
      const x = xOf(i, width);
      const moved = drag?.order && drag.i === i;
      context.strokeStyle = moved ? train : muted;
      context.lineWidth = 1;
      line(context, x, TOP, x, bottom);
      if (parts) drawBrush(context, axis, parts, x);
      context.font = `600 12px ${theme.font()}`;
      context.textAlign = "left";
      context.textBaseline = "middle";
      context.fillStyle = moved ? train : fg;
      const wide = i === lines.uprights.length - 1 ? RIGHT - 6 : i === lines.uprights.length - 2 && crowded ? room + RIGHT / 2 : (crowded ? 2 : 1) * room - 10;
      context.fillText(fitted(context, title, wide), x - 5, crowded && i % 2 ? 26 : 11);
      context.font = `11px ${theme.font()}`;
      context.fillStyle = fg;
      const beside = i === lines.uprights.length - 1 ? RIGHT - 8 : Math.max(28, room - 10);
      let above = Infinity;
      for (const { at, word } of axis.ticks(6)) {
        const y = bottom - at * SPAN;
        if (above - y < 13) continue; // the words would run into each other
        above = y;
        line(context, x - 3, y, x + 3, y);
        written(context, fitted(context, word, beside), x + 6, y, bg);
      }
      context.fillStyle = muted;
      axis.under.forEach(({ word }, place) => {
        const y = underOf(axis, place);
        context.beginPath();
        context.arc(x, y, 3, 0, 7);
        context.fill();
        written(context, fitted(context, word, beside), x + 6, y, bg);
      });
    });
    if (drag?.order) line(context, drag.to, 0, drag.to, TOP);
  };

  /** @param {CanvasRenderingContext2D} context @param {Axis} axis @param {Part[]} parts @param {number} x */
  const drawBrush = (context, axis, parts, x) => {
    context.save();
    context.fillStyle = context.strokeStyle = theme.colors().train;
    for (const part of parts) {
      const ends = Array.isArray(part) ? part.map((end, k) => clamp(end === null ? bottom - k * SPAN : yOf(axis, axis.spot(end)))) : null;
      const y = ends ? NaN : yOf(axis, axis.spot(/** @type {any} */ (part)));
      const [high, low] = ends ? [ends[1], ends[0]] : [y - 7, y + 7];
      if (Number.isNaN(high) || (ends && !axis.numeric)) continue;
      context.globalAlpha = 0.25;
      context.fillRect(x - 7, high - 1, 14, low - high + 2);
      context.globalAlpha = 1;
      context.lineWidth = 1.5;
      context.strokeRect(x - 7, high - 1, 14, low - high + 2);
    }
    context.restore();
  };
  const clamp = (/** @type {number} */ y) => (Number.isNaN(y) ? bottom : Math.min(bottom, Math.max(TOP, y))); // a logarithm of what has none

  // -- the pointer --

  /** @param {number} x @returns {number} the axis meant, or -1 */
  const uprightAt = (x) => {
    const { width } = canvas.size();
    const i = Math.round((x - LEFT) / spacing(width));
    return i >= 0 && i < lines.uprights.length && Math.abs(x - xOf(i, width)) <= Math.min(REACH, Math.max(8, spacing(width) / 2)) ? i : -1;
  };

  /** What a span of an axis covers; null: nothing. @param {Axis} axis @param {number} high @param {number} low @returns {Part[] | null} */
  const covered = (axis, high, low) => {
    /** @type {Part[]} */
    const parts = [];
    const at = (/** @type {number} */ y) => (bottom - y) / SPAN;
    if (axis.numeric && low >= TOP && high <= bottom) {
      const end = (/** @type {number} */ part) => axis.number(part, 1 / SPAN);
      parts.push(axis.high > axis.low ? [at(low) <= 0 ? null : end(at(low)), at(high) >= 1 ? null : end(at(high))] : [null, null]);
    }
    const places = [...axis.inside.map(({ value }) => /** @type {const} */ ([value, yOf(axis, axis.spot(value))])), ...axis.under.map(({ value }, i) => /** @type {const} */ ([value, underOf(axis, i)]))];
    for (const [value, y] of places) if (high - 3 <= y && y <= low + 3) parts.push(value);
    return parts.length ? parts : null;
  };

  const brushed = (/** @type {boolean} */ done) => {
    if (!drag) return;
    const { name, axis, parts } = lines.uprights[drag.i];
    const [high, low] = [Math.min(drag.from, drag.to), Math.max(drag.from, drag.to)];
    if (low - high >= CLICK) {
      const found = covered(axis, high, low);
      if (found) onBrush(name, found, done);
      else if (done) onBrush(name, drag.before, true);
    } else if (done) {
      const place = covered(axis, high - 6, low + 6)?.filter((each) => !Array.isArray(each)) ?? [];
      onBrush(name, place.length === 1 && !(parts?.length === 1 && parts[0] === place[0]) ? place : undefined, true);
    }
  };

  /** @param {number} x @param {number} y @returns {string | null} */
  const nearest = (x, y) => {
    const { width } = canvas.size();
    const count = lines.uprights.length;
    const i = Math.min(count - 2, Math.max(0, Math.floor((x - LEFT) / spacing(width))));
    if (count < 2 || x < LEFT - REACH || x > xOf(count - 1, width) + REACH || y < TOP - NEAR) return null;
    const part = Math.min(1, Math.max(0, (x - xOf(i, width)) / spacing(width)));
    let [found, least] = [/** @type {string | null} */ (null), NEAR];
    lines.rows.forEach((row, k) => {
      if (!lines.kept.has(row.id)) return;
      const [a, b] = [heights[k * count + i], heights[k * count + i + 1]];
      const slope = (b - a) / spacing(width);
      const distance = Math.abs(a + part * (b - a) - y) / Math.hypot(1, slope);
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
    const i = uprightAt(x);
    const order = y < TOP - 4;
    if (event.button !== 0 || i < 0) return;
    event.preventDefault();
    canvas.element.setPointerCapture(event.pointerId);
    drag = { order, i, from: order ? x : y, to: order ? x : y, before: lines.uprights[i].parts };
  });
  scope.listen(canvas.element, "pointermove", (event) => {
    const [x, y] = canvas.at(event);
    if (!drag) {
      canvas.element.style.cursor = uprightAt(x) < 0 ? "default" : y < TOP - 4 ? "grab" : "ns-resize";
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
    else if (Math.abs(to - from) >= CLICK) {
      const { width } = canvas.size();
      onMove(lines.uprights[i].name, Math.min(lines.uprights.length - 1, Math.max(0, Math.round((to - LEFT) / spacing(width)))));
    }
    drag = null;
    canvas.draw();
  });
  scope.listen(canvas.element, "pointercancel", () => {
    if (drag && !drag.order) onBrush(lines.uprights[drag.i].name, drag.before, true);
    drag = null;
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
      const moved = drag && next.uprights[drag.i]?.name !== lines.uprights[drag.i]?.name;
      if (moved) drag = null;
      lines = next;
      setAttribute(element, "aria-label", `Parallel coordinates of ${next.kept.size} of ${next.rows.length} runs, over ${next.uprights.map(({ title }) => title).join(", ") || "no axis"}. The list of axes does the same by keyboard.`);
      deepest = Math.max(0, ...next.uprights.map(({ axis }) => axis.under.length));
      const count = next.uprights.length;
      heights = new Float32Array(next.rows.length * count);
      next.uprights.forEach(({ axis, of }, i) => next.rows.forEach((row, k) => (heights[k * count + i] = yOf(axis, axis.spot(of(row))))));
      stale = true;
      canvas.draw();
    },
    highlight,
    end: scope.end,
  };
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
