// @ts-check
// The plot of a group's fits: each a faint line, the one on the board a stronger one, their mean, and a band.
import { createScope, h } from "../../ui/dom.js";
import { formatExact, formatStepTick, formatTick } from "../../ui/format.js";

/** @typedef {{axis: "epoch" | "step", fits: number[], x: number[], lines: (number | null)[][], mean: (number | null)[], low: (number | null)[], high: (number | null)[], count: (number | null)[]}} FitCurves */

const HEIGHT = 260;
const FAINT = "80";
const BAND = "30";
const NEAR_PX = 20;

/** @param {string} color as CSS gives it @param {string} alpha two hexadecimal digits */
const faded = (color, alpha) => (/^#[0-9a-f]{6}$/i.test(color) ? color + alpha : color);

/** @param {{uPlot: typeof import("uplot"), theme: import("../../ui/theme.js").Theme, onRead: (text: string) => void, look: (number: number) => void}} context */
export function createFitsPlot({ uPlot, theme, onRead, look }) {
  const scope = createScope();
  const holder = h("div", { class: "kcb-canvas", tabindex: 0, role: "group", "aria-label": "curves of the fits. Arrow keys move the cursor." });
  holder.style.minHeight = `${HEIGHT}px`;
  /** @type {import("uplot") | null} */
  let u = null;
  /** @type {FitCurves | null} */
  let curves = null;
  let marked = 0;
  let near = 0;
  let builtFor = "";

  const size = () => ({ width: Math.max(160, Math.floor(holder.clientWidth)), height: HEIGHT });
  const data = (/** @type {FitCurves} */ { x, lines, mean, low, high }) => /** @type {import("uplot").AlignedData} */ ([x, ...lines, mean, low, high]);

  /** @param {FitCurves} now */
  const build = (now) => {
    u?.destroy();
    const { colors, font } = theme;
    const axis = { stroke: () => colors().muted, font: `11px ${font()}`, grid: { stroke: () => colors().grid, width: 1 }, ticks: { stroke: () => colors().grid, width: 1, size: 4 } };
    const points = { show: now.x.length === 1, size: 6 };
    const strong = (/** @type {number} */ i) => now.fits[i] === (near || marked);
    const lines = now.fits.map((_, i) => ({ stroke: () => (strong(i) ? colors().val : faded(colors().train, FAINT)), width: strong(i) ? 1.8 : 1, spanGaps: true, points }));
    const edge = { stroke: "transparent", width: 0, points: { show: false } };
    const at = now.fits.length + 1;
    u = new uPlot(
      {
        ...size(),
        padding: [8, 16, 0, 0],
        legend: { show: false },
        scales: { x: { time: false, ...(now.x.length === 1 && { range: [now.x[0] - 1, now.x[0] + 1] }) } },
        axes: [
          { ...axis, size: 26, gap: 3, space: 60, incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 1e4, 2e4, 5e4, 1e5, 1e6, 1e7], values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((value) => (now.axis === "epoch" ? formatTick(value) : formatStepTick(value))) },
          { ...axis, size: 54, gap: 4, values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map((value) => formatTick(value)) },
        ],
        series: [{}, ...lines, { stroke: () => colors().train, width: 2.4, points }, edge, edge],
        bands: [{ series: [at + 2, at + 1], fill: () => faded(colors().train, BAND) }],
        cursor: { points: { show: false }, y: false, drag: { x: false, y: false } },
        hooks: { setCursor: [read] },
      },
      data(now),
      holder,
    );
  };

  const read = () => {
    if (!u || !curves || u.cursor.idx == null) {
      near = 0;
      onRead("");
      return;
    }
    const i = u.cursor.idx;
    const { axis, x, mean, low, count, fits, lines } = curves;
    const middle = mean[i];
    const spread = middle !== null && low[i] !== null ? ` ± ${formatExact(middle - Number(low[i]))}` : "";
    let least = NEAR_PX;
    const before = near;
    near = 0;
    fits.forEach((number, n) => {
      const value = lines[n][i];
      const distance = value === null || !u ? Infinity : Math.abs(u.valToPos(value, "y") - (u.cursor.top ?? -1000));
      if (distance < least) [near, least] = [number, distance];
    });
    const own = near || marked;
    const value = lines[fits.indexOf(own)]?.[i] ?? null;
    const there = `${axis === "epoch" ? "epoch" : "step"} ${axis === "epoch" ? formatTick(x[i]) : formatStepTick(Math.round(x[i]))}`;
    onRead(`${there}: mean ${middle === null ? "–" : formatExact(middle)}${spread} of ${count[i] ?? 0}${value === null ? "" : `, fit ${own} ${formatExact(value)}`}`);
    if (near !== before) u.redraw(false);
  };

  scope.listen(holder, "click", () => near && look(near));
  scope.listen(holder, "keydown", (event) => {
    const by = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1 })[event.key];
    if (!u || !curves || !by) return;
    event.preventDefault();
    const i = Math.min(curves.x.length - 1, Math.max(0, (u.cursor.idx ?? 0) + by));
    u.setCursor({ left: u.valToPos(curves.x[i], "x"), top: -10 });
  });
  const resized = new ResizeObserver(() => u && u.width !== size().width && u.setSize(size()));
  resized.observe(holder);
  scope.add(() => resized.disconnect());
  scope.add(theme.listen(() => u?.redraw(false)));
  scope.add(() => u?.destroy());

  return {
    element: h("figure", { class: "kcb-plot" }, holder),
    /** @param {FitCurves} next */
    update(next) {
      const key = JSON.stringify([next.fits, next.axis, next.x.length === 1]);
      curves = next;
      if (key !== builtFor || !u) {
        builtFor = key;
        build(next);
      } else u.setData(data(next));
    },
    /** The fit that is on the board. @param {number} number */
    mark(number) {
      if (number === marked) return;
      marked = number;
      u?.redraw(false);
    },
    end: scope.end,
  };
}
