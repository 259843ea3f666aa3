// @ts-check
// A scatter: any quantity against any other, one point for each run in the run's colour.
import { createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createCanvas, fitted, written } from "./canvas.js";
import { isNumber, wordOf } from "./quantities.js";
import { rankCorrelation } from "./rank_correlation.js";

/** @typedef {import("./quantities.js").Quantity} Quantity */
/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {{quantity: Quantity, axis: import("./axis.js").Axis}} Side */
/** @typedef {{x: Side | null, y: Side | null, rows: Row[], kept: Set<string>, shown: Set<string>}} Points */
/** @typedef {{row: Row, x: number, y: number}} Point */

const HEIGHT = 320;
const LEFT = 66;
const BOTTOM = 44;
const TOP = 12;
const RIGHT = 18;
const INSET = 10; // points at the ends are whole
const RADIUS = 5;
const NEAR = 16; // px from a point
const FAINT = 0.25;

/** @param {{theme: import("../../ui/theme.js").Theme, onHover: (id: string | null) => void, onIsolate: (id: string) => void, onToggle: (id: string) => void}} context */
export function createScatter({ theme, onHover, onIsolate, onToggle }) {
  const scope = createScope();
  const holder = h("div", { class: "kcb-canvas kcb-scatter", tabindex: 0, role: "group" });
  const missing = h("p", { class: "kcb-muted kcb-absent" });
  const related = h("p", { class: "kcb-related" });
  const read = h("p", { class: "kcb-reading-out", role: "status" });
  const element = h("div", {}, holder, read, related, missing);
  /** @type {Points} */
  let points = { x: null, y: null, rows: [], kept: new Set(), shown: new Set() };
  /** @type {string | null} */
  let lit = null;

  const canvas = createCanvas(holder, () => HEIGHT, (context, width, height) => {
    const { x, y } = points;
    if (!x || !y) return;
    drawAxes(context, width, height, x, y);
    const placed = place(width, height);
    for (const kept of [false, true]) {
      for (const point of placed) if (points.kept.has(point.row.id) === kept) drawPoint(context, point, kept ? 1 : FAINT);
    }
    const over = placed.find(({ row }) => row.id === lit);
    if (!over) return;
    context.strokeStyle = theme.colors().fg;
    context.lineWidth = 2;
    ring(context, over, RADIUS + 3).stroke();
  });

  const across = (/** @type {number} */ at, /** @type {number} */ width) => LEFT + INSET + at * (width - LEFT - RIGHT - 2 * INSET);
  const up = (/** @type {number} */ at, /** @type {number} */ height) => height - BOTTOM - INSET - at * (height - BOTTOM - TOP - 2 * INSET);

  /** The runs that have both values. @param {number} width @param {number} height @returns {Point[]} */
  const place = (width, height) => {
    const { x, y, rows } = points;
    return rows.flatMap((row) => {
      const [a, b] = [x?.axis.spot(x.quantity.of(row)), y?.axis.spot(y.quantity.of(row))];
      return a && b && "at" in a && "at" in b ? [{ row, x: across(a.at, width), y: up(b.at, height) }] : [];
    });
  };

  /** @param {CanvasRenderingContext2D} context @param {{x: number, y: number}} point @param {number} radius */
  const ring = (context, { x, y }, radius) => {
    context.beginPath();
    context.arc(x, y, radius, 0, 7);
    return context;
  };

  /** A run that is drawn as a curve is a full point, another a ring. @param {CanvasRenderingContext2D} context @param {Point} point @param {number} alpha */
  const drawPoint = (context, point, alpha) => {
    context.globalAlpha = alpha * (lit && lit !== point.row.id ? 0.6 : 1);
    context.fillStyle = context.strokeStyle = point.row.colour;
    context.lineWidth = 1.6;
    if (points.shown.has(point.row.id)) ring(context, point, RADIUS).fill();
    else ring(context, point, RADIUS - 0.8).stroke();
    context.globalAlpha = 1;
  };

  /** @param {CanvasRenderingContext2D} context @param {number} width @param {number} height @param {Side} x @param {Side} y */
  const drawAxes = (context, width, height, x, y) => {
    const { fg, muted, grid, bg } = theme.colors();
    context.font = `11px ${theme.font()}`;
    context.textBaseline = "middle";
    context.lineWidth = 1;
    const mark = (/** @type {number[]} */ [x0, y0, x1, y1]) => {
      context.strokeStyle = grid;
      context.beginPath();
      context.moveTo(x0, y0);
      context.lineTo(x1, y1);
      context.stroke();
    };
    context.fillStyle = muted;
    context.textAlign = "center";
    let before = -Infinity;
    for (const { at, word } of x.axis.ticks(Math.max(2, Math.floor(width / 90)))) {
      const here = across(at, width);
      mark([here, TOP, here, height - BOTTOM]);
      const text = fitted(context, word, Math.max(40, (width - LEFT) / Math.max(1, x.axis.inside.length) - 6));
      const half = context.measureText(text).width / 2;
      if (here - half < before + 6) continue; // the words would run into each other
      before = here + half;
      written(context, text, Math.min(here, width - half - 2), height - BOTTOM + 12, bg);
    }
    context.textAlign = "right";
    let above = Infinity;
    for (const { at, word } of y.axis.ticks(6)) {
      const here = up(at, height);
      mark([LEFT, here, width - RIGHT, here]);
      if (above - here < 13) continue;
      above = here;
      written(context, fitted(context, word, LEFT - 24), LEFT - 6, here, bg);
    }
    context.fillStyle = fg;
    context.font = `600 12px ${theme.font()}`;
    context.textAlign = "center";
    const named = (/** @type {Side} */ { quantity, axis }) => `${quantity.title}${axis.kind === "log" ? " (log)" : ""}`;
    context.fillText(fitted(context, named(x), width - LEFT - RIGHT), (LEFT + width - RIGHT) / 2, height - 12);
    context.save();
    context.translate(10, (TOP + height - BOTTOM) / 2);
    context.rotate(-Math.PI / 2);
    context.fillText(fitted(context, named(y), height - BOTTOM - TOP), 0, 0);
    context.restore();
  };

  // -- words --

  /** What the points tell together, of the runs within the brushes. */
  const say = () => {
    const { x, y, rows, kept } = points;
    const within = rows.filter((row) => kept.has(row.id));
    if (!x || !y) {
      setText(related, "");
      setText(missing, "Choose what x and y are.");
      return;
    }
    const pairs = within.map((row) => [x.quantity.of(row), y.quantity.of(row)]).filter((pair) => pair.every(isNumber));
    const found = rankCorrelation(pairs.map(([a]) => Number(a)), pairs.map(([, b]) => Number(b)));
    const of = within.length < rows.length ? " within the brushes" : "";
    setText(related, found === null ? "" : `Spearman's rank correlation ${found.toFixed(2).replace("-", "−")} (n = ${pairs.length} runs${of})`);
    setText(missing, [absent(within, x), absent(within, y)].filter(Boolean).join("; "));
    setAttribute(holder, "aria-label", `${y.quantity.title} against ${x.quantity.title}, one point for each run. Arrow keys go from run to run, Enter shows one alone, Space draws its curve or not.`);
  };

  /** @param {string | null} id */
  const highlight = (id) => {
    if (id === lit) return;
    lit = id;
    const row = points.rows.find((each) => each.id === id);
    const value = (/** @type {Side | null} */ side) => (side && row ? `${side.quantity.title} ${wordOf(side.quantity.of(row))}` : "");
    setText(read, row ? `${row.name}: ${[value(points.x), value(points.y)].filter(Boolean).join(", ")}` : "");
    canvas.draw();
  };

  // -- pointer and keys --

  /** @param {PointerEvent} event @returns {string | null} */
  const at = (event) => {
    const [x, y] = canvas.at(event);
    const { width, height } = canvas.size();
    let [found, least] = [/** @type {string | null} */ (null), NEAR];
    for (const point of place(width, height)) {
      const distance = Math.hypot(point.x - x, point.y - y) + (points.kept.has(point.row.id) ? 0 : NEAR / 2);
      if (distance < least) [found, least] = [point.row.id, distance];
    }
    return found;
  };
  scope.listen(canvas.element, "pointermove", (event) => {
    const id = at(event);
    canvas.element.style.cursor = id ? "pointer" : "default";
    highlight(id);
    onHover(id);
  });
  scope.listen(canvas.element, "pointerleave", () => {
    highlight(null);
    onHover(null);
  });
  scope.listen(canvas.element, "click", (event) => {
    const id = at(event);
    if (!id) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) onToggle(id);
    else onIsolate(id);
  });
  scope.listen(holder, "keydown", (event) => {
    const steps = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 });
    const { width, height } = canvas.size();
    if (event.key in steps) {
      const order = place(width, height).filter(({ row }) => points.kept.has(row.id)).sort((a, b) => a.x - b.x || b.y - a.y);
      if (!order.length) return;
      const i = order.findIndex(({ row }) => row.id === lit);
      const next = order[i < 0 ? 0 : (i + steps[event.key] + order.length) % order.length].row.id;
      highlight(next);
      onHover(next);
    } else if (event.key === "Enter" && lit) onIsolate(lit);
    else if (event.key === " " && lit) onToggle(lit);
    else return;
    event.preventDefault();
  });
  scope.listen(holder, "blur", () => {
    highlight(null);
    onHover(null);
  });
  scope.add(canvas.end);
  scope.add(theme.listen(canvas.draw));

  return {
    element,
    /** @param {Points} next */
    update(next) {
      points = next;
      say();
      canvas.draw();
    },
    highlight,
    end: scope.end,
  };
}

/** How many runs have no point, and why. @param {Row[]} rows @param {Side} side */
function absent(rows, { quantity, axis }) {
  const values = rows.map((row) => quantity.of(row));
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const value of values) {
    const spot = axis.spot(value);
    if (spot && "at" in spot) continue;
    const why = value === null ? `no ${quantity.title}` : `${wordOf(value)} for ${quantity.title}`;
    counts.set(why, (counts.get(why) ?? 0) + 1);
  }
  return [...counts].map(([why, count]) => `${count} ${count === 1 ? "run has" : "runs have"} ${why}`).join("; ");
}
