// @ts-check
// Puts curves of runs together, as kcb_widgets/panels/comparison/groups.py does.

/** @typedef {{groups: {key: string, colour: string, dashes: number[]}[], of: number[]}} Together what groups there are, and the number of each run's */
/** @typedef {import("./compared_curves.js").Binned} Binned */

/** A line without gaps between its first and last values. @param {Float64Array} line */
function filled(line) {
  const made = line.slice();
  let before = -1;
  for (let i = 0; i < line.length; i++) {
    if (!Number.isFinite(line[i])) continue;
    if (before >= 0) for (let k = before + 1; k < i; k++) made[k] = line[before] + ((line[i] - line[before]) * (k - before)) / (i - before);
    before = i;
  }
  return made;
}

/** @param {number[]} sorted not empty @param {number} part */
function quantile(sorted, part) {
  const at = part * (sorted.length - 1);
  const low = Math.floor(at);
  return sorted[low] + (at - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
}

/** The edges of a band. @param {number[]} there finite @param {number} mean @param {string} band @returns {[number, number]} */
function edges(there, mean, band) {
  if (!there.length) return [NaN, NaN];
  if (band === "range" || band === "quartiles") {
    const sorted = [...there].sort((a, b) => a - b);
    return band === "range" ? [sorted[0], sorted[sorted.length - 1]] : [quantile(sorted, 0.25), quantile(sorted, 0.75)];
  }
  const deviation = Math.sqrt(there.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, there.length - 1));
  const spread = band === "error" ? deviation / Math.sqrt(there.length) : deviation;
  return [mean - spread, mean + spread];
}

/** The mean of lines on one grid, a band, and how many have a value. @param {Float64Array[]} lines @param {string} band */
function together(lines, band) {
  const bins = lines[0].length;
  const [mean, low, high, count] = [0, 1, 2, 3].map(() => new Float64Array(bins));
  for (let i = 0; i < bins; i++) {
    const there = lines.map((line) => line[i]).filter(Number.isFinite);
    mean[i] = there.reduce((sum, each) => sum + each, 0) / there.length;
    [low[i], high[i]] = edges(there, mean[i], band);
    count[i] = there.length;
  }
  return [mean, low, high, count];
}

/** Where runs drop out while others go on, and how many do. @param {number[]} lasts where each run's last value is @returns {[number, number][]} */
function endings(lasts) {
  const at = [...new Set(lasts)].sort((a, b) => a - b);
  return at.slice(0, -1).map((x) => [x, lasts.filter((each) => each > x).length]);
}

/** @param {import("./compared_curves.js").Shipped} shipped @param {Binned[]} lines @param {import("./compared_curves.js").Choices} choices @param {string} by
 * @param {{points: import("./compared_curves.js").Points}[]} every the same lines, before they were on a grid */
export function grouped({ ids, together: known, colours }, lines, { band, colour }, by, every) {
  /** @type {Map<string, {group: number, curve: string, runs: string[], lines: Float64Array[], lasts: number[]}>} */
  const found = new Map();
  const { groups, of } = known[by] ?? { groups: [], of: [] };
  lines.forEach(({ run, curve, raw, smooth }, n) => {
    const group = of[ids.indexOf(run)];
    if (!groups[group]) return;
    const key = `${group} ${curve}`;
    if (!found.has(key)) found.set(key, { group, curve, runs: [], lines: [], lasts: [] });
    const each = found.get(key);
    const { x } = every[n].points;
    each?.runs.push(run);
    each?.lines.push(filled(smooth ?? raw));
    if (x.length) each?.lasts.push(x[x.length - 1]);
  });
  const scale = colour === null ? undefined : colours[colour];
  return [...found.values()].map((each) => {
    const own = new Set(scale ? each.runs.map((run) => scale.of[ids.indexOf(run)]) : []);
    const look = { ...groups[each.group], ...(scale && own.size === 1 && { colour: scale.colours[[...own][0]] }) };
    return { described: { ...look, curve: each.curve, runs: each.runs, ends: endings(each.lasts) }, parts: together(each.lines, band) };
  });
}
