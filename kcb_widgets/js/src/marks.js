// @ts-check
// What happened, drawn over the curves: a line and a shape for each kind of event, a cross where a value was not a number.
import { sentence, snapshotWords } from "./sentence.js";
import { SHAPES, drawCross } from "./shapes.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./axis.js").XAxis} XAxis */
/** @typedef {{x: number, kind: import("./shapes.js").Kind, text: string, group: string | null, snapshot: string}} Mark
 * group: null is every plot; snapshot: its id, for those that can be opened */

const DRAWN = new Set(["applied", "changed", "held", "stop", "error", "rollback", "evaluated", "guard", "paused"]);
const CROWDED = 60;

/** @param {Link} link @param {XAxis} axis @returns {Mark[]} */
export function collectMarks(link, axis) {
  /** @type {Mark[]} */
  const marks = [];
  for (const event of link.events()) {
    if (!DRAWN.has(event.kind) || typeof event.step !== "number") continue;
    const kind = event.kind === "error" ? "stop" : event.kind;
    marks.push({ x: axis.toX(event.step), kind, text: sentence(event), group: null, snapshot: "" });
  }
  for (const bad of link.picture().bad) {
    if (!Number.isFinite(bad.step)) continue;
    marks.push({ x: axis.toX(bad.step), kind: "bad", text: `step ${bad.step} · ${bad.name} is ${bad.value}`, group: bad.group, snapshot: "" });
  }
  for (const each of link.snapshots()) {
    const text = [`snapshot at step ${each.step}`, snapshotWords(each)].filter(Boolean).join(" · ");
    marks.push({ x: axis.toX(each.step), kind: each.kind === "best" ? "best" : "snapshot", text, group: null, snapshot: each.id });
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
    ctx.setLineDash([]);
    if (kind === "bad") {
      // A run of them is one row of crosses, not a blot.
      if (at - lastBad < 2.5 * size) continue;
      lastBad = at;
      ctx.lineWidth = 2 * ratio;
      ctx.strokeStyle = colors.bad;
      drawCross(ctx, at, top + height - size - ratio, size);
      continue;
    }
    const shape = SHAPES[kind];
    ctx.lineWidth = 1.25 * ratio;
    ctx.strokeStyle = ctx.fillStyle = colors[shape.color];
    if (shape.line) {
      ctx.setLineDash(shape.line.map((dash) => dash * ratio));
      ctx.globalAlpha = 0.75;
      ctx.beginPath();
      ctx.moveTo(at, top);
      ctx.lineTo(at, top + (crowded && shape.line.length ? 3 * size : height));
      ctx.stroke();
      ctx.globalAlpha = 1;
      ctx.setLineDash([]);
    }
    const path = shape.path(at, shape.bottom ? top + height - ratio : top, shape.bottom ? 1.25 * size : size);
    if (shape.hollow) ctx.fillStyle = colors.bg;
    ctx.fill(path);
    if (shape.hollow || shape.bottom) ctx.stroke(path);
  }
  ctx.restore();
}
