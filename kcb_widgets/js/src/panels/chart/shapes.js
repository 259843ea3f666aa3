// @ts-check
// The shapes of marks: each kind has its own, so that colour is never all there is to tell them apart.

/** @typedef {import("../../ui/theme.js").ColorName} ColorName */
/** @typedef {"applied" | "changed" | "held" | "stop" | "rollback" | "evaluated" | "guard" | "paused" | "snapshot" | "best" | "bad"} Kind */
/** @typedef {{color: ColorName, line: number[] | null, hollow?: boolean, bottom?: boolean, open?: boolean, add: (path: Path2D, x: number, y: number, s: number) => void}} Shape
 * line: the dashes of the line through the plot, null for none; open: nothing to fill; add: one more of them to a path; y is the top of the plot, or its bottom */

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
export const SHAPES = {
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
  paused: {
    color: "muted",
    line: null,
    add(path, x, y, s) {
      path.rect(x - 0.9 * s, y, 0.6 * s, 2 * s);
      path.rect(x + 0.3 * s, y, 0.6 * s, 2 * s);
    },
  },
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
