// @ts-check
// A plot's axes: their ticks, and how far y reaches.
import { tick } from "../../ui/format.js";
import { logTicks } from "./ticks.js";

const GUTTER = 54;

/** @param {import("../../ui/theme.js").Theme} theme @param {boolean} strip @param {import("./plot.js").Scene} next
 * @param {() => import("./plot.js").Scene | null} scene the one on show @returns {import("uplot").Axis[]} */
export function axesOf({ colors, font }, strip, next, scene) {
  const grid = { stroke: () => colors().grid, width: 1 };
  const ticks = { stroke: () => colors().grid, width: 1, size: 4 };
  const common = { stroke: () => colors().muted, font: `11px ${font()}`, grid, ticks };
  const increments = next.axis.increments(next.range[1]);
  return [
    {
      ...common,
      size: 26,
      gap: 3,
      space: 60,
      ...(increments && { incrs: increments }),
      values: (_, splits) => splits.map((value) => scene()?.axis.tick(value, scene()?.range[1] ?? 1) ?? ""),
    },
    {
      ...common,
      size: GUTTER,
      ...(next.log && { splits: (_, __, min, max) => logTicks(min, max, strip ? 3 : 6), filter: (_, splits) => splits }),
      gap: 4,
      space: strip ? 22 : 30,
      values: (_, splits) => splits.map((value) => (value === null ? "" : tick(value))),
    },
  ];
}

/** @param {number | null} min @param {number | null} max @param {boolean} log @param {boolean} roomy marks stand at the top of a low plot @returns {[number, number]} */
export function yRange(min, max, log, roomy) {
  if (min === null || max === null || !Number.isFinite(min) || !Number.isFinite(max)) return log ? [0.1, 1] : [0, 1];
  if (log) {
    if (min <= 0) return [0.1, 1];
    const pad = Math.max(1.1, (max / min) ** 0.05) * (roomy ? 1.3 : 1);
    return [min / pad, max * pad ** (roomy ? 2 : 1)];
  }
  if (min === max) return min === 0 ? [-1, 1] : [min - Math.abs(min) * 0.1, max + Math.abs(max) * 0.1];
  const pad = (max - min) * 0.06;
  return [min >= 0 && min - pad < 0 ? 0 : min - pad, max + pad];
}
