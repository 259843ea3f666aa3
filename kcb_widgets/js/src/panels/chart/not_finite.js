// @ts-check
// Bands where a curve has no finite values: nothing could be drawn there, and nothing would be noticed.

/** @param {import("uplot")} u @param {import("./curves.js").Curve[]} curves @param {Record<import("../../ui/theme.js").ColorName, string>} colors @param {number} ratio */
export function drawNotFinite(u, curves, colors, ratio) {
  if (!curves.some((each) => each.wrong?.length)) return;
  const { ctx, bbox } = u;
  const { left, top, width, height } = bbox;
  const right = left + width;
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  ctx.fillStyle = ctx.strokeStyle = colors.bad;
  ctx.font = `600 ${11 * ratio}px sans-serif`;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  let covered = -Infinity;
  // The mean of an epoch is not finite where a batch of it was not: a stretch within another is told with that.
  for (const { from, to, last } of curves.flatMap(({ wrong }) => wrong ?? []).sort((a, b) => a.from - b.from || b.to - a.to)) {
    const until = last ? Infinity : to;
    if (until <= covered) continue;
    covered = until;
    const start = Math.round(Math.max(left, u.valToPos(from, "x", true)));
    const end = last ? right : Math.min(right, Math.max(start + 3 * ratio, u.valToPos(to, "x", true)));
    if (start > right || end < left) continue;
    ctx.globalAlpha = 0.13;
    ctx.fillRect(start, top, end - start, height);
    ctx.globalAlpha = 1;
    ctx.lineWidth = 2 * ratio;
    ctx.beginPath();
    ctx.moveTo(start, top);
    ctx.lineTo(start, top + height);
    ctx.stroke();
    if (end - start > 40 * ratio) ctx.fillText("NaN", start + 5 * ratio, top + 16 * ratio);
  }
  ctx.restore();
}
