// @ts-check
// Puts what stands in a comparison's page on the axis that is chosen, as kcb_widgets/panels/comparison/axes.py does.

/** @typedef {{samples: number | null, origins: Record<string, number[]>, marks: [number, number, number, number, string][], more: boolean}} Places of a run: its batch size,
 *   where its markers are on each of AXES, and where its changes are, and what; more: whether there are more changes */
/** @typedef {{samples: string, nouns: Record<string, string>}} Words why a run is not drawn */
/** @typedef {import("./compared_curves.js").Choices} Choices */

const AXES = ["step", "epoch", "time", "clock"];
const MAX_MARKS = 500;

/** Which row of the points an axis is, by how much it is scaled, and what is its zero. @param {Places | undefined} places @param {string} axis @param {string | null} align
 * @returns {{row: number, scale: number, zero: number} | null} null: nothing tells */
export function placesOf(places, axis, align) {
  const row = axis === "samples" ? 0 : AXES.indexOf(axis);
  const scale = axis === "samples" ? places?.samples : 1;
  const origin = align === null ? 0 : places?.origins[align]?.[row];
  return row < 0 || !scale || origin === undefined ? null : { row, scale, zero: origin * scale };
}

/** What was changed by hand, in some runs. @param {Record<string, Places>} places @param {string[]} runs @param {Choices} choices */
export function changesOf(places, runs, { x, align }) {
  const every = runs.flatMap((run) => {
    const place = placesOf(places[run], x, align);
    return place ? places[run]?.marks.map((mark) => ({ run, x: Number(mark[place.row]) * place.scale - place.zero, text: mark[4] })) ?? [] : [];
  });
  return { marks: every.slice(0, MAX_MARKS), more_marks: every.length > MAX_MARKS || runs.some((run) => places[run]?.more) };
}

/** How many runs the axis leaves out, and why. @param {{places: Record<string, Places>, words: Words}} shipped @param {string[]} runs those without a curve @param {Choices} choices */
export function reasonsOf({ places, words }, runs, { x, align }) {
  /** @type {Map<string, number>} */
  const reasons = new Map();
  for (const run of runs) {
    if (!places[run]) continue;
    const why = x === "samples" && !places[run].samples ? words.samples : align !== null && words.nouns[align] && !places[run].origins[align] ? `no ${words.nouns[align]}` : "";
    if (why) reasons.set(why, (reasons.get(why) ?? 0) + 1);
  }
  return [...reasons].map(([why, n]) => `${n} run${n > 1 ? "s are" : " is"} not drawn: ${why}`);
}
