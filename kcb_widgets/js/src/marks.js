// @ts-check
// What happened, drawn over the curves: a line and a shape for each kind of event, a cross where a value was not a number.
import { sentence } from "./format.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./axis.js").XAxis} XAxis */
/** @typedef {{x: number, kind: "applied" | "changed" | "stop" | "bad", text: string, group: string | null}} Mark group: null is every plot */

const DRAWN = new Set(["applied", "changed", "stop", "error"]);
const CROWDED = 60;

/** @param {Link} link @param {XAxis} axis @returns {Mark[]} */
export function collectMarks(link, axis) {
  /** @type {Mark[]} */
  const marks = [];
  for (const event of link.events()) {
    if (!DRAWN.has(event.kind) || typeof event.step !== "number") continue;
    const kind = event.kind === "error" ? "stop" : event.kind;
    marks.push({ x: axis.toX(event.step), kind, text: sentence(event), group: null });
  }
  for (const bad of link.picture().bad) {
    if (!Number.isFinite(bad.step)) continue;
    marks.push({ x: axis.toX(bad.step), kind: "bad", text: `step ${bad.step} · ${bad.name} is ${bad.value}`, group: bad.group });
  }
  return marks.sort((a, b) => a.x - b.x);
}

/** @param {Mark[]} marks @param {string} group */
export const marksOf = (marks, group) => marks.filter((mark) => mark.group === null || mark.group === group);

/** @param {Mark[]} marks @param {number} x @param {number} reach in units of x @returns {Mark | null} */
export function nearest(marks, x, reach) {
  /** @type {Mark | null} */
  let best = null;
  for (const mark of marks) {
    const distance = Math.abs(mark.x - x);
    if (distance > reach) continue;
    // The latest of those in one place wins.
    if (!best || distance <= Math.abs(best.x - x)) best = mark;
  }
  return best;
}

/** @param {import("uplot")} u @param {Mark[]} marks @param {Record<import("./theme.js").ColorName, string>} colors @param {number} ratio device pixels per CSS pixel */
export function drawMarks(u, marks, colors, ratio) {
  const { ctx, bbox } = u;
  const { left, top, width, height } = bbox;
  const visible = marks.filter(({ x }) => {
    const at = u.valToPos(x, "x", true);
    return at >= left - 1 && at <= left + width + 1;
  });
  const crowded = visible.length > CROWDED;
  let lastBad = -Infinity;
  ctx.save();
  for (const { x, kind } of visible) {
    const at = Math.round(u.valToPos(x, "x", true));
    const size = 4 * ratio;
    ctx.lineWidth = 1.25 * ratio;
    ctx.setLineDash([]);
    ctx.strokeStyle = ctx.fillStyle = kind === "bad" || kind === "stop" ? colors.bad : colors.event;
    if (kind === "bad") {
      // A run of them is one row of crosses, not a blot.
      if (at - lastBad < 2.5 * size) continue;
      lastBad = at;
      const bottom = top + height - size - ratio;
      ctx.lineWidth = 2 * ratio;
      ctx.beginPath();
      ctx.moveTo(at - size, bottom - size);
      ctx.lineTo(at + size, bottom + size);
      ctx.moveTo(at - size, bottom + size);
      ctx.lineTo(at + size, bottom - size);
      ctx.stroke();
      continue;
    }
    if (kind === "changed") ctx.setLineDash([2 * ratio, 4 * ratio]);
    ctx.globalAlpha = 0.75;
    ctx.beginPath();
    ctx.moveTo(at, top);
    ctx.lineTo(at, top + (crowded && kind === "changed" ? 3 * size : height));
    ctx.stroke();
    ctx.globalAlpha = 1;
    ctx.setLineDash([]);
    ctx.beginPath();
    if (kind === "applied") {
      ctx.moveTo(at - size, top);
      ctx.lineTo(at + size, top);
      ctx.lineTo(at, top + 1.6 * size);
      ctx.closePath();
      ctx.fill();
    } else if (kind === "changed") {
      ctx.moveTo(at, top);
      ctx.lineTo(at + size, top + size);
      ctx.lineTo(at, top + 2 * size);
      ctx.lineTo(at - size, top + size);
      ctx.closePath();
      ctx.fillStyle = colors.bg;
      ctx.fill();
      ctx.stroke();
    } else ctx.fillRect(at - size, top, 2 * size, 2 * size);
  }
  ctx.restore();
}
