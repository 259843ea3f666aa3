// @ts-check
// Which plots are shown, in which order and how: the user's choices for each group of metrics.

/** @typedef {{log: boolean | null, range: import("./y_range.js").RangeChoice, hidden: boolean, wide: boolean}} PlotChoice log: null is as the toolbar says */
/** @typedef {import("./curves.js").Plot} Plot */

/** @type {PlotChoice} */
const USUAL = { log: null, range: "most", hidden: false, wide: false };
const HEIGHTS = [[2, 190], [4, 160], [Infinity, 130]]; // by the number of plots
const WIDE_HEIGHT = 380;
const STRIP_HEIGHT = 66;

/** @param {import("../../link/link.js").Link} link @param {string} id @returns {PlotChoice} */
export const choiceOf = (link, id) => ({ ...USUAL, ...link.ui.plots[id] });

/** @param {Plot} plot */
export const plotId = ({ group, strip }) => `${strip ? "control" : "metric"}|${group}`;

/** @param {import("../../link/link.js").Link} link @param {string} id @param {Partial<PlotChoice>} change */
export function choose(link, id, change) {
  link.setUi({ plots: { ...link.ui.plots, [id]: { ...link.ui.plots[id], ...change } } });
}

/** The plots in the user's order; those that were never moved keep theirs. @param {import("../../link/link.js").Link} link @param {Plot[]} plots */
export function inOrder(link, plots) {
  const { order } = link.ui;
  const place = (/** @type {Plot} */ plot, /** @type {number} */ i) => (order.includes(plotId(plot)) ? order.indexOf(plotId(plot)) : order.length + i);
  const places = new Map(plots.map((plot, i) => [plot, place(plot, i)]));
  return [...plots].sort((a, b) => Number(a.strip) - Number(b.strip) || Number(places.get(a)) - Number(places.get(b)));
}

/** @param {import("../../link/link.js").Link} link @param {Plot[]} shown in their order @param {string} id @param {-1 | 1} by */
export function move(link, shown, id, by) {
  const ids = shown.map(plotId);
  const from = ids.indexOf(id);
  const to = from + by;
  if (from < 0 || to < 0 || to >= ids.length || shown[from].strip !== shown[to].strip) return;
  [ids[from], ids[to]] = [ids[to], ids[from]];
  link.setUi({ order: [...ids, ...link.ui.order.filter((each) => !ids.includes(each))] });
}

/** CSS pixels. @param {Plot} plot @param {PlotChoice} choice @param {number} count of plots that are no strips */
export function heightOf({ strip }, { wide }, count) {
  if (wide) return strip ? STRIP_HEIGHT * 2 : WIDE_HEIGHT;
  return strip ? STRIP_HEIGHT : Number(HEIGHTS.find(([most]) => count <= most)?.[1]);
}
