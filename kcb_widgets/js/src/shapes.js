// @ts-check
// The shapes of marks: each kind has its own, so that colour is never all there is to tell them apart.

/** @typedef {import("./theme.js").ColorName} ColorName */
/** @typedef {"applied" | "changed" | "held" | "stop" | "rollback" | "evaluated" | "guard" | "paused" | "snapshot" | "best" | "bad"} Kind */
/** @typedef {{color: ColorName, line: number[] | null, hollow?: boolean, bottom?: boolean, path: (x: number, y: number, s: number) => Path2D}} Shape
 * line: the dashes of the line through the plot, null for none; y is the top of the plot, or its bottom */

/** @param {...[number, number]} corners */
function closed(...corners) {
  const path = new Path2D();
  for (const [x, y] of corners) path.lineTo(x, y);
  path.closePath();
  return path;
}

const down = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ s) => closed([x - s, y], [x + s, y], [x, y + 1.6 * s]);
const house = (/** @type {number} */ x, /** @type {number} */ y, /** @type {number} */ s) =>
  closed([x - s, y], [x - s, y - 1.1 * s], [x, y - 2.2 * s], [x + s, y - 1.1 * s], [x + s, y]);

/** @type {Record<Exclude<Kind, "bad">, Shape>} */
export const SHAPES = {
  applied: { color: "event", line: [], path: down },
  changed: { color: "event", line: [2, 4], hollow: true, path: (x, y, s) => closed([x, y], [x + s, y + s], [x, y + 2 * s], [x - s, y + s]) },
  held: { color: "event", line: [2, 4], hollow: true, path: (x, y, s) => down(x, y + 1, s) },
  stop: { color: "bad", line: [], path: (x, y, s) => closed([x - s, y], [x + s, y], [x + s, y + 2 * s], [x - s, y + 2 * s]) },
  rollback: { color: "event", line: [7, 3], path: (x, y, s) => closed([x - 1.4 * s, y + s], [x + s, y], [x + s, y + 2 * s]) },
  evaluated: { color: "val", line: null, hollow: true, path: (x, y, s) => closed([x, y + 1], [x + s, y + 1.8 * s], [x - s, y + 1.8 * s]) },
  guard: {
    color: "bad",
    line: [7, 3],
    hollow: true,
    path: (x, y, s) => closed([x - s, y + 1], [x + s, y + 1], [x + s, y + 1.2 * s], [x, y + 2.2 * s], [x - s, y + 1.2 * s]),
  },
  paused: {
    color: "muted",
    line: null,
    path(x, y, s) {
      const path = new Path2D();
      path.rect(x - 0.9 * s, y, 0.6 * s, 2 * s);
      path.rect(x + 0.3 * s, y, 0.6 * s, 2 * s);
      return path;
    },
  },
  snapshot: { color: "fg", line: null, hollow: true, bottom: true, path: house },
  best: { color: "fg", line: null, bottom: true, path: house },
};

/** @param {CanvasRenderingContext2D} ctx @param {number} x @param {number} y @param {number} size */
export function drawCross(ctx, x, y, size) {
  ctx.beginPath();
  ctx.moveTo(x - size, y - size);
  ctx.lineTo(x + size, y + size);
  ctx.moveTo(x - size, y + size);
  ctx.lineTo(x + size, y - size);
  ctx.stroke();
}
