// @ts-check
// Reads the curves that Python sends: float32 on one grid, NaN where a run has no value.

/** @typedef {{run: string, curve: string, raw: (number | null)[], smooth: (number | null)[] | null}} Curve */
/** @typedef {{key: string, curve: string, runs: string[], colour: string, dashes: number[], ends: [number, number][], mean: (number | null)[], low: (number | null)[], high: (number | null)[], count: (number | null)[]}} Group
 * count: the runs that have a value there; ends: where runs drop out, and how many go on */
/** @typedef {{run: string, x: number, text: string}} Change by hand */
/** @typedef {{groups: Group[], marks: Change[], more_marks: boolean, left_out: string[], axes: string[], x: number[], axis: string, align: string | null, metric: string, first: number, last: number, whole: [number, number], curves: Curve[]}} Curves */

/** @param {any} header @param {DataView} buffer @returns {Curves} */
export function decodeCurves(header, buffer) {
  const { first, last, bins } = header;
  const width = (last - first) / bins;
  const x = Array.from({ length: bins }, (_, i) => first + (i + 0.5) * width);
  let at = 0;
  const take = () => {
    const found = Array.from({ length: bins }, (_, i) => {
      const value = buffer.getFloat32(4 * (at + i), true);
      return Number.isFinite(value) ? value : null;
    });
    at += bins;
    return found;
  };
  const curves = header.series.map((/** @type {any} */ each) => ({ run: each.run, curve: each.curve, raw: take(), smooth: each.smooth ? take() : null }));
  const groups = (header.groups ?? []).map((/** @type {any} */ each) => ({ ...each, mean: take(), low: take(), high: take(), count: take() }));
  const { marks, more_marks, left_out, axes, align } = header;
  return { groups, marks, more_marks, left_out, axes, align, x, axis: header.x, metric: header.metric, first, last, whole: header.whole, curves };
}
