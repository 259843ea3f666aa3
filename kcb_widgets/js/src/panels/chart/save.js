// @ts-check
// Saves what the chart shows, made in the browser: a PNG of its canvases, an SVG of its curves, or a CSV of its values.
import { colorOf, CURVE_STYLES } from "./curve_style.js";
import { alignCurves } from "./curves.js";
import { csv, download, fileName } from "../../ui/download.js";
import { formatTick } from "../../ui/format.js";

/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {{plots: ReturnType<import("./plot.js").PlotView["drawn"]>, range: [number, number], axis: import("./x_axis.js").XAxis, grid: HTMLElement, theme: import("../../ui/theme.js").Theme}} Shown */

/** @param {Link} link @param {string} extension */
const nameOf = (link, extension) => `${fileName(String(link.state().title ?? "run"))}.${extension}`;

/** @param {Link} link @param {Shown} shown */
export function savePng(link, { grid, theme }) {
  const outer = grid.getBoundingClientRect();
  const ratio = Math.max(2, devicePixelRatio);
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [Math.ceil(outer.width * ratio), Math.ceil(outer.height * ratio)];
  const context = canvas.getContext("2d");
  if (!context) return;
  const colors = theme.colors();
  context.scale(ratio, ratio);
  context.fillStyle = colors.bg;
  context.fillRect(0, 0, outer.width, outer.height);
  for (const figure of grid.querySelectorAll("figure")) {
    const words = [...figure.querySelectorAll(".kcb-plot-title, .kcb-plot-best, .kcb-key, .kcb-value")];
    for (const each of words) {
      const { left, top, height } = each.getBoundingClientRect();
      if (!(/** @type {HTMLElement} */ (each).checkVisibility())) continue;
      const symbol = each.querySelector("svg");
      context.fillStyle = symbol ? getComputedStyle(symbol).color : colors.fg;
      if (symbol) context.fillRect(left - outer.left, top - outer.top + height / 2 - 1, 14, 2);
      context.fillStyle = colors.fg;
      context.font = `${each.classList.contains("kcb-plot-title") ? "600 13" : "12"}px ${theme.font()}`;
      context.textBaseline = "middle";
      context.fillText(each.textContent ?? "", left - outer.left + (symbol ? 18 : 0), top - outer.top + height / 2);
    }
    for (const part of figure.querySelectorAll("canvas")) {
      const { left, top, width, height } = part.getBoundingClientRect();
      context.drawImage(part, left - outer.left, top - outer.top, width, height);
    }
  }
  canvas.toBlob((blob) => blob && download(nameOf(link, "png"), blob), "image/png");
}

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (each) => `&#${each.charCodeAt(0)};`);

/** @param {Link} link @param {Shown} shown */
export function saveSvg(link, { plots, range: [from, to], axis, theme }) {
  const colors = theme.colors();
  const [width, height, left, top, across, down] = [460, 240, 56, 34, 394, 182]; // of a plot, and of what is within its axes
  const parts = plots.map(({ group, log, y: [low, high], curves }, n) => {
    const place = (/** @type {number} */ y) => (log ? Math.log10(y) : y);
    const X = (/** @type {number} */ x) => ((x - from) / (to - from || 1)) * across;
    const Y = (/** @type {number} */ y) => down * (1 - (place(y) - place(low)) / (place(high) - place(low) || 1));
    const lines = curves.map((curve) => {
      const style = CURVE_STYLES[curve.role];
      let path = "";
      let pen = false;
      curve.xs.forEach((x, i) => {
        const y = curve.ys[i];
        if (y === undefined) return;
        if (y === null || (log && y <= 0)) pen = false;
        else {
          const [px, py] = [X(x).toFixed(1), Y(y).toFixed(1)];
          path += !pen ? `M${px} ${py}` : curve.role === "control" ? `H${px}V${py}` : `L${px} ${py}`;
          pen = true;
        }
      });
      const dash = style.dash ? ` stroke-dasharray="${style.dash.join(" ")}"` : "";
      return `<path d="${path}" fill="none" stroke="${colors[colorOf(curve)]}" stroke-width="${style.width || 1}" stroke-opacity="${style.alpha ?? 1}"${dash}><title>${escaped(curve.label)}</title></path>`;
    });
    const texts = [low, high].map((y) => `<text x="50" y="${top + 4 + Y(y)}" text-anchor="end">${escaped(formatTick(y))}</text>`);
    const ends = /** @type {const} */ ([["start", from], ["end", to]]).map(([anchor, x]) => `<text x="${left + X(x)}" y="${height - 8}" text-anchor="${anchor}">${escaped(axis.tick(Math.max(axis.min, Math.min(axis.max, x)), to))}</text>`);
    return `<g transform="translate(${(n % 2) * width} ${Math.floor(n / 2) * height})"><text x="${left}" y="18" font-weight="600">${escaped(group)}</text>
<path d="M${left} ${top}v${down}h${across}" fill="none" stroke="${colors.muted}"/>${texts.join("")}${ends.join("")}<svg x="${left}" y="${top}" width="${across}" height="${down}">${lines.join("\n")}</svg></g>`;
  });
  const rows = Math.ceil(plots.length / 2) || 1;
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${2 * width} ${rows * height}" font-family="sans-serif" font-size="11" fill="${colors.fg}">
<rect width="100%" height="100%" fill="${colors.bg}"/>${parts.join("\n")}</svg>\n`;
  download(nameOf(link, "svg"), new Blob([svg], { type: "image/svg+xml" }));
}

/** Every curve that is shown, at every place in sight where it has a value. @param {Link} link @param {Shown} shown */
export function saveCsv(link, { plots, range: [from, to], axis }) {
  const curves = plots.flatMap((plot) => plot.curves);
  const [xs, ...columns] = alignCurves(curves, false);
  const rows = xs.flatMap((x, i) => (x >= from && x <= to ? [[x, ...columns.map((column) => column[i])]] : []));
  const unit = { step: "step", epoch: "epochs done", time: "seconds" }[axis.mode];
  download(nameOf(link, "csv"), new Blob([csv([[unit, ...curves.map((curve) => curve.label)], ...rows])], { type: "text/csv" }));
}
