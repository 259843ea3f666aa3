// @ts-check
// Cuts a range of steps out of a picture: the arrays stay as they are, and a new header says where its rows begin in them.

/** @typedef {import("../link/wire.js").SeriesHeader} SeriesHeader */
/** @typedef {import("../link/wire.js").SeriesTable} SeriesTable */

/** @param {DataView} picture @returns {{header: SeriesHeader, start: number}} start: of the arrays */
function headerOf(picture) {
  const size = picture.getUint32(0, true);
  const text = new Uint8Array(picture.buffer, picture.byteOffset + 4, size);
  return { header: JSON.parse(new TextDecoder().decode(text)), start: Math.ceil((4 + size) / 8) * 8 };
}

/** The rows between two steps, and one more on either side. @param {DataView} picture @param {number} start @param {SeriesTable} table
 * @param {number} first @param {number} last @returns {[number, number]} the first, and the one after the last */
function rowsBetween(picture, start, table, first, last) {
  const at = (/** @type {number} */ offset, /** @type {number} */ row) => picture.getFloat64(start + offset + 8 * row, true);
  let from = 0;
  while (from < table.length && at(table.x.end, from) < first) from++;
  let to = from;
  while (to < table.length && at(table.x.step, to) <= last) to++;
  return [Math.max(0, from - 1), Math.min(table.length, to + 1)];
}

/** @param {SeriesTable} table @param {number} from @param {number} to @returns {SeriesTable} */
function rowsOf(table, from, to) {
  const { step, end, epoch, time } = table.x;
  return {
    ...table,
    length: to - from,
    rows: to === table.length ? table.rows - from * table.per_bucket : (to - from) * table.per_bucket,
    x: { step: step + 8 * from, end: end + 8 * from, epoch: epoch + 8 * from, time: time + 8 * from },
    series: table.series.map((one) => ({
      ...one,
      mean: one.mean + 4 * from,
      ...(one.min !== undefined && { min: one.min + 4 * from }),
      ...(one.max !== undefined && { max: one.max + 4 * from }),
      ...(one.order !== undefined && { order: one.order + from }),
    })),
  };
}

/** @param {DataView} picture @param {number} first @param {number} last steps @returns {{picture: DataView, longest: number}} longest: rows of the longest table */
function cut(picture, first, last) {
  const { header, start } = headerOf(picture);
  const tables = header.tables.map((table) => rowsOf(table, ...rowsBetween(picture, start, table, first, last)));
  const head = new TextEncoder().encode(JSON.stringify({ ...header, tables, first, last }));
  const begin = Math.ceil((4 + head.length) / 8) * 8;
  const made = new Uint8Array(begin + picture.byteLength - start);
  new DataView(made.buffer).setUint32(0, head.length, true);
  made.set(head, 4);
  made.set(new Uint8Array(picture.buffer, picture.byteOffset + start), begin);
  return { picture: new DataView(made.buffer), longest: Math.max(0, ...tables.map((table) => table.length)) };
}

/** The finest picture of a range that has about as many rows as were asked for.
 * @param {DataView[]} levels from coarse to fine @param {number} first @param {number} last steps @param {number} points @returns {DataView | null} null: there is none */
export function windowOf(levels, first, last, points) {
  let found = null;
  for (const level of levels) {
    const made = cut(level, first, last);
    if (found && made.longest > 2 * points) break;
    found = made.picture;
  }
  return found;
}
