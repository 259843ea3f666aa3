// @ts-check
// Which runs of a comparison's page are drawn, and the table with the colours and groups that are chosen.

/** @typedef {{legend: import("../panels/comparison/colour_legend.js").Legend, colours: string[], of: number[]}} Colours what they stand for, and the number of each run's */
/** @typedef {import("../panels/comparison/comparison.js").Choices} Choices */

const FIRST_SHOWN = 20;
const MAX_DRAWN = 200;

/** @param {string[]} ids all runs @param {Choices} choices @returns {string[]} */
export function drawnOf(ids, { shown, hidden }) {
  const away = new Set(hidden);
  const listed = ids.filter((id) => !away.has(id));
  if (shown === null) return listed.slice(0, FIRST_SHOWN);
  const known = new Set(listed);
  return shown.filter((id) => known.has(id)).slice(0, MAX_DRAWN);
}

/** @param {import("../panels/comparison/comparison.js").Table} table @param {import("./compared_curves.js").Shipped} shipped @param {Choices} choices */
export function tableOf(table, { together, colours }, { group, colour }) {
  const scale = colour === null ? undefined : colours[colour];
  const groups = group === null ? undefined : together[group];
  const rows = table.rows.map((row, i) => ({ ...row, colour: scale ? scale.colours[scale.of[i]] : row.colour, group: groups ? groups.groups[groups.of[i]].key : null }));
  return { ...table, rows, legend: scale?.legend ?? null };
}
