// @ts-check
// Draws the axes of parallel coordinates: names, numbers, places under them, and brushes.
import { lies } from "./brush.js";
import { fitted, written } from "./canvas.js";
import { BOTTOM, RIGHT, SPAN, TOP } from "./parallel_layout.js";

/** @typedef {import("./parallel_layout.js").Upright} Upright */
/** @typedef {import("./parallel_layout.js").Layout} Layout */

const APART = 13; // px between lines of text
const HALF = 7; // of a brush's width

/** @param {CanvasRenderingContext2D} context @param {Upright[]} uprights @param {Layout} layout @param {number} width
 * @param {import("../../ui/theme.js").Theme} theme @param {{i: number, x: number} | null} moved the axis whose name is dragged */
export function drawUprights(context, uprights, layout, width, theme, moved) {
  const { fg, muted, bg, train } = theme.colors();
  const room = layout.spacing(width);
  const last = uprights.length - 1;
  const bold = `600 12px ${theme.font()}`;
  context.font = bold;
  const crowded = uprights.some(({ title }, i) => i < last && context.measureText(title).width > room - 10);
  context.textAlign = "left";
  context.textBaseline = "middle";
  uprights.forEach(({ axis, title, parts }, i) => {
    const x = layout.xOf(i, width);
    context.strokeStyle = moved?.i === i ? train : muted;
    context.lineWidth = 1;
    line(context, x, TOP, x, BOTTOM);
    if (parts) drawBrush(context, axis, parts, layout, x, train);
    context.font = bold;
    context.fillStyle = moved?.i === i ? train : fg;
    const wide = i === last ? RIGHT - 6 : i === last - 1 && crowded ? room + RIGHT / 2 : (crowded ? 2 : 1) * room - 10;
    context.fillText(fitted(context, title, wide), x - 5, crowded && i % 2 ? 26 : 11);
    context.font = `11px ${theme.font()}`;
    context.fillStyle = fg;
    const beside = i === last ? RIGHT - 8 : Math.max(28, room - 10);
    let above = Infinity;
    for (const { at, word } of axis.ticks(6)) {
      const y = BOTTOM - at * SPAN;
      if (above - y < APART) continue; // the words would run into each other
      above = y;
      line(context, x - 3, y, x + 3, y);
      written(context, fitted(context, word, beside), x + 6, y, bg);
    }
    context.fillStyle = muted;
    axis.under.forEach(({ word }, place) => {
      const y = layout.underOf(axis, place);
      context.beginPath();
      context.arc(x, y, 3, 0, 7);
      context.fill();
      written(context, fitted(context, word, beside), x + 6, y, bg);
    });
  });
  context.strokeStyle = train;
  if (moved) line(context, moved.x, 0, moved.x, TOP);
}

/** @param {CanvasRenderingContext2D} context @param {import("./axis.js").Axis} axis @param {import("./brush.js").Part[]} parts @param {Layout} layout @param {number} x @param {string} colour */
function drawBrush(context, axis, parts, layout, x, colour) {
  /** @type {[number, number][]} */
  const spans = [...axis.inside, ...axis.under].filter(({ value }) => lies(parts, value)).map(({ value }) => [layout.yOf(axis, value) - HALF, layout.yOf(axis, value) + HALF]);
  for (const part of axis.numeric ? parts : []) {
    if (Array.isArray(part)) spans.push([end(axis, part[1], TOP, layout), end(axis, part[0], BOTTOM, layout)]);
  }
  context.save();
  context.fillStyle = context.strokeStyle = colour;
  context.lineWidth = 1.5;
  for (const [high, low] of spans) {
    context.globalAlpha = 0.25;
    context.fillRect(x - HALF, high - 1, 2 * HALF, low - high + 2);
    context.globalAlpha = 1;
    context.strokeRect(x - HALF, high - 1, 2 * HALF, low - high + 2);
  }
  context.restore();
}

/** @param {import("./axis.js").Axis} axis @param {number | null} value @param {number} open where it has no end @param {Layout} layout */
function end(axis, value, open, layout) {
  const y = value === null ? open : layout.yOf(axis, value);
  return Number.isNaN(y) ? BOTTOM : Math.min(BOTTOM, Math.max(TOP, y)); // a logarithm of what has none
}

/** @param {CanvasRenderingContext2D} context @param {number} x0 @param {number} y0 @param {number} x1 @param {number} y1 */
function line(context, x0, y0, x1, y1) {
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  context.stroke();
}
