// @ts-check
// What happened, drawn over the curves: a line and a shape for each kind of event, a cross where a value was not a number.
import { sentence, snapshotWords } from "../../ui/sentence.js";
import { SHAPES } from "./shapes.js";

/** @typedef {import("../../link/link.js").Link} Link */
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

/** One path for all of a kind, and of those in one place one: a thousand cost little more than ten.
 * @param {import("uplot")} u @param {Mark[]} marks @param {Record<import("../../ui/theme.js").ColorName, string>} colors @param {number} ratio device pixels per CSS pixel */
export function drawMarks(u, marks, colors, ratio) {
  const { ctx, bbox } = u;
  const { left, top, width, height } = bbox;
  /** @type {Map<import("./shapes.js").Kind, number[]>} */
  const places = new Map();
  let visible = 0;
  for (const { x, kind } of marks) {
    const at = Math.round(u.valToPos(x, "x", true));
    if (!(at >= left - 1 && at <= left + width + 1)) continue;
    const there = places.get(kind) ?? [];
    places.set(kind, there);
    visible++;
    // A run of values that are not numbers is one row of crosses, not a blot.
    if (!there.length || at - there[there.length - 1] >= (kind === "bad" ? 10 * ratio : 1)) there.push(at);
  }
  ctx.save();
  for (const [kind, there] of places) {
    const shape = SHAPES[kind];
    const size = 4 * ratio;
    ctx.strokeStyle = ctx.fillStyle = colors[shape.color];
    ctx.lineWidth = 1.25 * ratio;
    if (shape.line) {
      const end = top + (visible > CROWDED && shape.line.length ? 3 * size : height);
      const lines = new Path2D();
      for (const at of there) {
        lines.moveTo(at, top);
        lines.lineTo(at, end);
      }
      ctx.setLineDash(shape.line.map((dash) => dash * ratio));
      ctx.globalAlpha = 0.75;
      ctx.stroke(lines);
      ctx.globalAlpha = 1;
      ctx.setLineDash([]);
    }
    const path = new Path2D();
    for (const at of there) shape.add(path, at, shape.bottom ? top + height - ratio : top, shape.bottom && !shape.open ? 1.25 * size : size);
    if (shape.hollow) ctx.fillStyle = colors.bg;
    if (shape.open) ctx.lineWidth = 2 * ratio;
    else ctx.fill(path);
    if (shape.hollow || shape.bottom) ctx.stroke(path);
  }
  ctx.restore();
}
