// @ts-check
// The style of each kind of curve. Train and validation differ in colour, dash and point shape.
import uPlot from "uplot";
import { ABANDONED_ALPHA, abandonedPaths } from "./branch_lines.js";

/** @typedef {import("./curves.js").Curve} Curve */
/** @typedef {import("../../ui/theme.js").ColorName} ColorName */

/** @param {Pick<Curve, "role" | "metric">} curve @returns {ColorName} */
export function colorOf({ role, metric }) {
  if (role === "control" || role === "plan") return "control";
  if (role === "baseline") return "muted";
  const second = metric % 2 === 1;
  if (role === "val" || role === "eval") return second ? "val2" : "val";
  return second ? "train2" : "train";
}

const FAINT = 0.33;

/** @typedef {"circle" | "diamond" | "triangle"} Point */
/** @type {Record<Curve["role"], {width: number, dash?: number[], alpha?: number, point?: Point}>} */
export const CURVE_STYLES = {
  raw: { width: 1, alpha: FAINT },
  smooth: { width: 2.25 },
  running: { width: 1.75 },
  epoch: { width: 1.25, dash: [1.5, 2.5], point: "circle" },
  val: { width: 1.75, dash: [6, 4], point: "diamond" },
  eval: { width: 0, point: "triangle" },
  control: { width: 1.75 },
  plan: { width: 1.5, dash: [4, 4] },
  best: { width: 1, dash: [3, 3] },
  baseline: { width: 1.25, alpha: 0.75, dash: [2, 2] },
};

const stepped = /** @type {NonNullable<typeof uPlot.paths.stepped>} */ (uPlot.paths.stepped)({ align: 1 });

/** @param {number} size @param {Point} point @returns {uPlot.Series.Points.PathBuilder} */
const shape = (size, point) => (u, index, first, last) => {
  const path = new Path2D();
  const half = (size / 2) * uPlot.pxRatio * (point === "circle" ? 1 : 1.15);
  const column = u.data[index];
  for (let i = first; i <= last; i++) {
    const value = column[i];
    if (value === null || value === undefined) continue;
    const x = u.valToPos(u.data[0][i], "x", true);
    const y = u.valToPos(value, "y", true);
    if (point === "triangle") {
      path.moveTo(x, y - half);
      path.lineTo(x + half, y + 0.8 * half);
      path.lineTo(x - half, y + 0.8 * half);
      path.closePath();
    } else if (point === "diamond") {
      path.moveTo(x, y - half);
      path.lineTo(x + half, y);
      path.lineTo(x, y + half);
      path.lineTo(x - half, y);
      path.closePath();
    } else {
      path.moveTo(x + half, y);
      path.arc(x, y, half, 0, 2 * Math.PI);
    }
  }
  const clip = new Path2D();
  const { left, top, width, height } = u.bbox;
  clip.rect(left - half, top - half, width + 2 * half, height + 2 * half);
  return { stroke: path, fill: path, clip, flags: 3 };
};

/** @param {(number | null | undefined)[]} column @param {number} first @param {number} last @param {number} enough */
function fewer(column, first, last, enough) {
  let count = 0;
  for (let i = first; i <= last; i++) {
    if (column[i] !== null && column[i] !== undefined && ++count >= enough) return false;
  }
  return count > 0;
}

/** @param {Curve} curve @param {() => Record<ColorName, string>} colors
 * @param {(() => Set<number> | undefined) | null} [starts] of the abandoned part of a curve: where its lines begin @returns {uPlot.Series} */
export function seriesOf(curve, colors, starts) {
  const style = CURVE_STYLES[curve.role];
  const hollow = style.point === "diamond" || style.point === "triangle";
  const color = () => colors()[colorOf(curve)];
  return {
    scale: "y",
    label: curve.key,
    stroke: color,
    width: style.width,
    alpha: starts ? ABANDONED_ALPHA : (style.alpha ?? 1),
    dash: style.dash,
    paths: style.width === 0 ? () => null : starts ? abandonedPaths(starts) : curve.role === "control" ? stepped : undefined,
    points: {
      // A line of one point would be invisible; a crowd of points on a line would be a band.
      show: (u, index, first, last) =>
        style.width === 0 ||
        fewer(/** @type {any} */ (u.data[index]), first, last, style.point ? Math.max(20, u.bbox.width / uPlot.pxRatio / 7) : starts ? 1 : 2),
      size: style.point ? 7 : 5,
      width: hollow ? 1.75 : 1,
      stroke: style.point === "circle" ? () => colors().bg : color,
      fill: hollow ? () => colors().bg : color,
      paths: shape(style.point ? 7 : 5, style.point ?? "circle"),
    },
  };
}

const SVG = "http://www.w3.org/2000/svg";

/** The same style in small, for the legend. @param {Pick<Curve, "role" | "metric">} curve */
export function swatch(curve) {
  const style = CURVE_STYLES[curve.role];
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "kcb-swatch");
  svg.setAttribute("viewBox", "0 0 22 10");
  svg.setAttribute("aria-hidden", "true");
  svg.style.color = `var(--kcb-${colorOf(curve)})`;
  /** @param {string} name @param {Record<string, string | number>} attributes */
  const draw = (name, attributes) => {
    const part = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) part.setAttribute(key, String(value));
    svg.append(part);
  };
  const line = { stroke: "currentColor", "stroke-width": style.width, "stroke-opacity": style.alpha ?? 1, fill: "none" };
  if (curve.role === "raw") draw("path", { ...line, d: "M0 6L3 3L6 7L10 2L13 8L17 3L22 6" });
  else if (curve.role === "control") draw("path", { ...line, d: "M0 8H11V2H22" });
  else if (style.width) draw("path", { ...line, d: "M0 5H22", "stroke-dasharray": style.dash ? "5 3" : "none" });
  if (style.point === "circle") draw("circle", { cx: 11, cy: 5, r: 3.5, fill: "currentColor" });
  if (style.point === "diamond" || style.point === "triangle") {
    draw("path", { d: style.point === "diamond" ? "M11 1L15 5L11 9L7 5Z" : "M11 1L15 8L7 8Z", stroke: "currentColor", "stroke-width": 1.5, fill: "var(--kcb-bg)" });
  }
  return svg;
}
