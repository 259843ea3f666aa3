// @ts-check
// The best values: a ring at the best epoch, and lines at what callbacks saw, with the band that a better value must leave.
import { colorOf } from "./curve_style.js";
import { formatExact, formatTick, toNumber } from "../../ui/format.js";

/** @typedef {{x: number, value: number, bands: number[], ids: string[], key: string, label: string, color: import("../../ui/theme.js").ColorName}} BestLine
 * ids: the callbacks that agree on it; bands: how much better, above or below, they want another to be */

/** @param {import("../../link/wire.js").Card[]} cards @param {import("./curves.js").Curve[]} curves of one plot @param {import("./x_axis.js").XAxis} axis */
export function bestLinesOf(cards, curves, axis) {
  /** @type {Map<string, BestLine>} one line where several agree */
  const lines = new Map();
  for (const { id, best, facts } of cards) {
    // Of a metric's curves, the one by epoch is what callbacks see.
    const measured = curves.filter((each) => best && each.role !== "baseline" && each.key.startsWith(`${best.metric}|`));
    const curve = measured.find((each) => each.role === "epoch") ?? measured[0];
    const value = toNumber(best?.value);
    if (!best || !curve || value === null || !Number.isFinite(value)) continue;
    const up = facts.some((each) => each.label === "mode" && each.value === "max");
    const size = Math.abs(toNumber(best.band) ?? 0) || 0;
    const x = best.step === null ? axis.min : axis.toX(best.step);
    const place = `${best.metric} ${value} ${x}`;
    const line = lines.get(place) ?? { x, value, bands: [], ids: [], key: curve.key, label: `best ${best.metric}`, color: colorOf(curve) };
    lines.set(place, line);
    line.ids.push(id);
    if (size) line.bands.push(up ? size : -size);
  }
  return [...lines.values()];
}

/** @typedef {{x: number, value: number, key: string, color: import("../../ui/theme.js").ColorName, text: string, title: string}} BestPoint */

/** The best value of a plot's metric: of that on other data than what is trained on, where there is one.
 * @param {import("../../link/wire.js").MetricBest[]} bests @param {string} group @param {import("./curves.js").Curve[]} curves
 * @param {import("./x_axis.js").XAxis} axis @param {BestLine[]} lines what callbacks saw @returns {BestPoint | null} */
export function bestPointOf(bests, group, curves, axis, lines) {
  const best = bests.find((each) => each.metric === `val_${group}`) ?? bests.find((each) => each.metric === group);
  const measured = curves.filter((each) => best && each.role !== "baseline" && each.key.startsWith(`${best.metric}|`));
  const curve = measured.find((each) => each.role === "epoch") ?? measured[0];
  if (!best || !curve) return null;
  const seen = lines.map((each) => `${each.label} ${formatExact(each.value)}, as ${each.ids.join(" and ")} saw it`);
  const title = [`the ${best.direction === "max" ? "greatest" : "least"} ${best.metric} at the end of an epoch: ${formatExact(best.value)} in epoch ${best.epoch + 1}, step ${best.step}`, ...seen].join("; ");
  const name = best.metric === group ? "best" : `best ${best.metric}`;
  return { x: axis.toX(best.step), value: best.value, key: curve.key, color: colorOf(curve), text: `${name} ${formatTick(best.value)} · epoch ${best.epoch + 1}`, title };
}

/** A ring around the best point. @param {import("uplot")} u @param {BestPoint} best @param {Record<import("../../ui/theme.js").ColorName, string>} colors @param {number} ratio */
export function drawBestPoint(u, { x, value, color }, colors, ratio) {
  const { ctx, bbox } = u;
  const [at, y] = [u.valToPos(x, "x", true), u.valToPos(value, "y", true)];
  if (!(at >= bbox.left - 1 && at <= bbox.left + bbox.width + 1 && y >= bbox.top - 1 && y <= bbox.top + bbox.height + 1)) return;
  ctx.save();
  for (const [style, width] of /** @type {const} */ ([["bg", 5], [color, 2]])) {
    ctx.strokeStyle = colors[style];
    ctx.lineWidth = width * ratio;
    ctx.beginPath();
    ctx.arc(at, y, 6.5 * ratio, 0, 2 * Math.PI);
    ctx.stroke();
  }
  ctx.restore();
}

/** @param {import("uplot")} u @param {BestLine[]} lines @param {Record<import("../../ui/theme.js").ColorName, string>} colors @param {number} ratio */
export function drawBestLines(u, lines, colors, ratio) {
  if (!lines.length) return;
  const { ctx, bbox } = u;
  const right = bbox.left + bbox.width;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  for (const { x, value, bands, color } of lines) {
    const at = u.valToPos(x, "x", true);
    const y = u.valToPos(value, "y", true);
    if (!Number.isFinite(at + y)) continue;
    ctx.strokeStyle = ctx.fillStyle = colors[color];
    ctx.globalAlpha = 0.15;
    for (const band of bands) {
      const better = u.valToPos(value + band, "y", true);
      // A logarithmic axis has no place for zero and below.
      ctx.fillRect(at, y, right - at, (Number.isFinite(better) ? better : bbox.top + bbox.height) - y);
    }
    ctx.globalAlpha = 1;
    ctx.lineWidth = ratio;
    ctx.setLineDash([3 * ratio, 3 * ratio]);
    ctx.beginPath();
    ctx.moveTo(at, Math.round(y) + 0.5);
    ctx.lineTo(right, Math.round(y) + 0.5);
    ctx.stroke();
  }
  ctx.restore();
}
