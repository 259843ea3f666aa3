// @ts-check
// Marks of events over the curves. Each kind has its own shape and line, so that colour alone tells nothing apart.
import { eventText, mergeDrags, snapshotLabel } from "../../ui/event_text.js";

/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {import("./x_axis.js").XAxis} XAxis */
/** @typedef {{x: number, kind: Kind, text: string, group: string | null, snapshot: string}} Mark
 * group: null is every plot; snapshot: its id, for those that can be opened */
/** @typedef {import("../../ui/theme.js").ColorName} ColorName */
/** @typedef {"applied" | "changed" | "held" | "stop" | "rollback" | "evaluated" | "guard" | "alert" | "paused" | "restart" | "snapshot" | "best" | "bad"} Kind */
/** @typedef {{color: ColorName, line: number[] | null, hollow?: boolean, bottom?: boolean, open?: boolean, add: (path: Path2D, x: number, y: number, s: number) => void}} Shape
 * line: the dashes of the line through the plot, null for none; open: nothing to fill; add: adds one to a path; y is the top of the plot, or its bottom */

const DRAWN = new Set(["applied", "changed", "held", "stop", "error", "rollback", "evaluated", "guard", "alert", "paused"]);
const CROWDED = 60;

/** @param {Path2D} path @param {...[number, number]} corners */
function closed(path, ...corners) {
  corners.forEach(([x, y], i) => (i ? path.lineTo(x, y) : path.moveTo(x, y)));
  path.closePath();
}

/** @type {Shape["add"]} */
const down = (path, x, y, s) => closed(path, [x - s, y], [x + s, y], [x, y + 1.6 * s]);
/** @type {Shape["add"]} */
const house = (path, x, y, s) => closed(path, [x - s, y], [x - s, y - 1.1 * s], [x, y - 2.2 * s], [x + s, y - 1.1 * s], [x + s, y]);

/** @type {Record<Kind, Shape>} */
const SHAPES = {
  applied: { color: "event", line: [], add: down },
  changed: { color: "event", line: [2, 4], hollow: true, add: (path, x, y, s) => closed(path, [x, y], [x + s, y + s], [x, y + 2 * s], [x - s, y + s]) },
  held: { color: "event", line: [2, 4], hollow: true, add: (path, x, y, s) => down(path, x, y + 1, s) },
  stop: { color: "bad", line: [], add: (path, x, y, s) => path.rect(x - s, y, 2 * s, 2 * s) },
  rollback: { color: "event", line: [7, 3], add: (path, x, y, s) => closed(path, [x - 1.4 * s, y + s], [x + s, y], [x + s, y + 2 * s]) },
  evaluated: { color: "val", line: null, hollow: true, add: (path, x, y, s) => closed(path, [x, y + 1], [x + s, y + 1.8 * s], [x - s, y + 1.8 * s]) },
  guard: {
    color: "bad",
    line: [7, 3],
    hollow: true,
    add: (path, x, y, s) => closed(path, [x - s, y + 1], [x + s, y + 1], [x + s, y + 1.2 * s], [x, y + 2.2 * s], [x - s, y + 1.2 * s]),
  },
  alert: {
    color: "bad",
    line: [1, 4],
    add(path, x, y, s) {
      path.rect(x - 0.4 * s, y, 0.8 * s, 1.5 * s);
      path.rect(x - 0.4 * s, y + 1.9 * s, 0.8 * s, 0.7 * s);
    },
  },
  paused: {
    color: "muted",
    line: null,
    add(path, x, y, s) {
      path.rect(x - 0.9 * s, y, 0.6 * s, 2 * s);
      path.rect(x + 0.3 * s, y, 0.6 * s, 2 * s);
    },
  },
  restart: { color: "muted", line: [2, 2], add: (path, x, y, s) => closed(path, [x - s, y], [x + 1.2 * s, y + s], [x - s, y + 2 * s]) },
  snapshot: { color: "fg", line: null, hollow: true, bottom: true, add: house },
  best: { color: "fg", line: null, bottom: true, add: house },
  bad: {
    color: "bad",
    line: null,
    bottom: true,
    open: true,
    add(path, x, y, s) {
      path.moveTo(x - s, y - 2 * s);
      path.lineTo(x + s, y);
      path.moveTo(x - s, y);
      path.lineTo(x + s, y - 2 * s);
    },
  },
};

/** @param {Link} link @param {XAxis} axis @returns {Mark[]} */
export function collectMarks(link, axis) {
  /** @type {Mark[]} */
  const marks = [];
  for (const event of mergeDrags(link.events())) {
    const restart = event.kind === "resumed" && event.name === "run";
    if (!(restart || DRAWN.has(event.kind)) || typeof event.step !== "number") continue;
    const kind = /** @type {Kind} */ (restart ? "restart" : event.kind === "error" ? "stop" : event.kind);
    marks.push({ x: axis.toX(event.step), kind, text: eventText(event), group: null, snapshot: "" });
  }
  for (const bad of link.picture().bad) {
    if (!Number.isFinite(bad.step)) continue;
    marks.push({ x: axis.toX(bad.step), kind: "bad", text: `step ${bad.step} · ${bad.name} is ${bad.value}`, group: bad.group, snapshot: "" });
  }
  for (const each of link.snapshots()) {
    const text = [`snapshot at step ${each.step}`, snapshotLabel(each)].filter(Boolean).join(" · ");
    marks.push({ x: axis.toX(each.step), kind: each.kind === "best" ? "best" : "snapshot", text, group: null, snapshot: each.id });
  }
  return marks.sort((a, b) => a.x - b.x);
}

/** @param {Mark[]} marks @param {string} group */
export const marksOf = (marks, group) => marks.filter((mark) => mark.group === null || mark.group === group);

/** The marks that stand where the nearest one does, that one last. @param {Mark[]} marks @param {number} x @param {number} within in units of x */
export function marksNear(marks, x, within) {
  const nearest = nearestMark(marks, x, within);
  return nearest ? [...marks.filter((mark) => mark !== nearest && Math.abs(mark.x - nearest.x) <= within / 2), nearest] : [];
}

/** @param {Mark[]} marks @param {number} x @param {number} within in units of x @returns {Mark | null} */
export function nearestMark(marks, x, within) {
  /** @type {Mark | null} */
  let best = null;
  for (const mark of marks) {
    const distance = Math.abs(mark.x - x);
    if (distance > within) continue;
    // The latest of those in one place wins.
    if (!best || distance <= Math.abs(best.x - x)) best = mark;
  }
  return best;
}

/** Draws one path for each kind, and one mark for each pixel: a thousand marks cost little more than ten.
 * @param {import("uplot")} u @param {Mark[]} marks @param {Record<ColorName, string>} colors @param {number} ratio device pixels per CSS pixel */
export function drawMarks(u, marks, colors, ratio) {
  const { ctx, bbox } = u;
  const { left, top, width, height } = bbox;
  /** @type {Map<Kind, number[]>} */
  const places = new Map();
  let visible = 0;
  for (const { x, kind } of marks) {
    const at = Math.round(u.valToPos(x, "x", true));
    if (!(at >= left - 1 && at <= left + width + 1)) continue;
    const there = places.get(kind) ?? [];
    places.set(kind, there);
    visible++;
    // Consecutive NaN values make a row of separate crosses.
    if (!there.length || at - there[there.length - 1] >= (kind === "bad" ? 10 * ratio : 1)) there.push(at);
  }
  // Where snapshots stand, crosses stand above them.
  const raised = places.has("snapshot") || places.has("best") ? 14 * ratio : 0;
  ctx.save();
  for (const [kind, there] of places) {
    const shape = SHAPES[kind];
    const y = shape.bottom ? top + height - ratio - (shape.open ? raised : 0) : top;
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
    for (const at of there) shape.add(path, at, y, shape.bottom && !shape.open ? 1.25 * size : size);
    if (shape.hollow) ctx.fillStyle = colors.bg;
    if (shape.open) ctx.lineWidth = 2 * ratio;
    else ctx.fill(path);
    if (shape.hollow || shape.bottom) ctx.stroke(path);
  }
  ctx.restore();
}
