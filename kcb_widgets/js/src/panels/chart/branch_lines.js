// @ts-check
// Draws branches: faint lines for abandoned ones, dotted connectors from the point rolled back to.

export const ABANDONED_ALPHA = 0.25;

/** A line like uPlot's own that also breaks where a new line starts.
 * @param {() => Set<number> | undefined} starts @returns {import("uplot").Series.PathBuilder} */
export const abandonedPaths = (starts) => (u, index, first, last) => {
  const path = new Path2D();
  const breaks = starts();
  const [xs, ys] = [u.data[0], u.data[index]];
  let pen = false;
  for (let i = first; i <= last; i++) {
    const y = ys[i];
    if (y === null) pen = false;
    if (y === null || y === undefined) {
      if (breaks?.has(xs[i])) pen = false;
      continue;
    }
    const at = /** @type {const} */ ([u.valToPos(xs[i], "x", true), u.valToPos(y, "y", true)]);
    if (pen && !breaks?.has(xs[i])) path.lineTo(...at);
    else path.moveTo(...at);
    pen = true;
  }
  const clip = new Path2D();
  clip.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
  return { stroke: path, fill: null, clip, band: null, gaps: [], flags: 1 };
};

/** @param {import("uplot")} u @param {import("./branches.js").Connector[]} connectors @param {string} color @param {number} ratio */
export function drawConnectors(u, connectors, color, ratio) {
  const { ctx, bbox } = u;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.strokeStyle = color;
  ctx.lineWidth = 1.5 * ratio;
  ctx.lineCap = "round";
  ctx.setLineDash([0.5 * ratio, 4 * ratio]);
  for (const { x0, y0, x1, y1, live } of connectors) {
    const corners = [u.valToPos(x0, "x", true), u.valToPos(y0, "y", true), u.valToPos(x1, "x", true), u.valToPos(y1, "y", true)];
    if (!corners.every(Number.isFinite)) continue;
    ctx.globalAlpha = live ? 1 : ABANDONED_ALPHA;
    ctx.beginPath();
    ctx.moveTo(corners[0], corners[1]);
    ctx.lineTo(corners[2], corners[3]);
    ctx.stroke();
  }
  ctx.restore();
}
