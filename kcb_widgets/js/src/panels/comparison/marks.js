// @ts-check
// Marks on the curves: a triangle where something was changed by hand, a stroke across a mean where runs drop out.
import { valueNear, xText } from "./x_text.js";

/** @typedef {import("./curves_decoder.js").Curves} Curves */
/** @typedef {{x: number, y: number, colour: string, text: string, dropOut: boolean, run: string}} Mark */

const SIZE = 5; // CSS pixels from the middle
const NEAR_PX = 9;

/** @param {Curves} curves @param {number} x */
const binOf = (curves, x) => Math.min(curves.x.length - 1, Math.floor(((x - curves.first) / (curves.last - curves.first)) * curves.x.length));

/** The marks that are in view, each on its line.
 * @param {Curves} curves @param {(run: string) => {name: string, colour: string} | undefined} rowOf @returns {Mark[]} */
export function marksOf(curves, rowOf) {
  /** @type {Mark[]} */
  const found = [];
  /** @param {number} x @param {(number | null)[]} line @param {Omit<Mark, "x" | "y">} more */
  const put = (x, line, more) => {
    if (!(x >= curves.first && x <= curves.last)) return;
    const bin = binOf(curves, x);
    const y = valueNear(line, bin) ?? line.find((value) => value !== null) ?? null;
    if (y !== null) found.push({ x, y, ...more });
  };
  for (const group of curves.groups) {
    for (const [x, left] of group.ends) {
      put(x, group.mean, { run: group.runs[0], colour: group.colour, dropOut: true, text: `${group.key}: ${left} of ${group.runs.length} runs go on after ${xText(x, curves)}` });
    }
  }
  for (const { run, x, text } of curves.marks) {
    const own = curves.curves.find((curve) => curve.run === run);
    const group = curves.groups.find((each) => each.runs.includes(run));
    const line = own ? (own.smooth ?? own.raw) : group?.mean;
    const row = rowOf(run);
    if (line) put(x, line, { run, colour: group?.colour ?? row?.colour ?? "#808080", dropOut: false, text: `${row?.name ?? run}, ${text}` });
  }
  return found;
}

/** @param {import("uplot")} u @param {Mark[]} marks @param {string} edge the colour around them @param {(run: string) => boolean} faint */
export function drawMarks(u, marks, edge, faint) {
  const { ctx } = u;
  const size = SIZE * devicePixelRatio;
  ctx.save();
  for (const mark of marks) {
    const x = u.valToPos(mark.x, "x", true);
    const y = u.valToPos(mark.y, "y", true);
    if (!Number.isFinite(x) || !Number.isFinite(y)) continue; // below zero, on a logarithmic axis
    ctx.globalAlpha = faint(mark.run) ? 0.3 : 1;
    ctx.beginPath();
    if (mark.dropOut) {
      ctx.moveTo(x, y - 1.6 * size);
      ctx.lineTo(x, y + 1.6 * size);
      ctx.strokeStyle = mark.colour;
      ctx.lineWidth = 2 * devicePixelRatio;
      ctx.stroke();
      continue;
    }
    ctx.moveTo(x, y - size);
    ctx.lineTo(x + size, y + size);
    ctx.lineTo(x - size, y + size);
    ctx.closePath();
    ctx.fillStyle = mark.colour;
    ctx.strokeStyle = edge;
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.fill();
    ctx.stroke();
  }
  ctx.restore();
}

/** What the marks at the cursor say; a cursor that was moved by keys has no height.
 * @param {import("uplot")} u @param {Mark[]} marks @returns {string} */
export function marksAt(u, marks) {
  const left = u.cursor.left ?? -1000;
  const top = u.cursor.top ?? -1;
  const near = marks.filter((mark) => Math.abs(u.valToPos(mark.x, "x") - left) <= NEAR_PX && (top < 0 || Math.abs(u.valToPos(mark.y, "y") - top) <= 2 * NEAR_PX));
  return near.slice(0, 3).map((mark) => mark.text).join("; ") + (near.length > 3 ? `; and ${near.length - 3} more` : "");
}
