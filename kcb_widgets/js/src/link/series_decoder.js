// @ts-check
// The bounded picture of a run: tables of at most a fixed length. Decodes their bytes, and splices a finer piece into them.

/** @typedef {{step: Float64Array, end: Float64Array, epoch: Float64Array, time: Float64Array}} Axes */
/** @typedef {{name: string, group: string, kind: string, label: string, mean: Float32Array,
 *   min: Float32Array | null, max: Float32Array | null, order: Uint8Array | null}} Series */
/** @typedef {{name: string, length: number, rows: number, perBucket: number, weight: Float64Array, x: Axes, series: Series[]}} Table */
/** @typedef {Pick<import("./wire.js").NonFinite, "name" | "group" | "step" | "value">} Bad */
/** @typedef {{tables: Table[], bad: Bad[], branches: import("./wire.js").Branch[]}} Picture */

/** @type {Picture} */
export const EMPTY = { tables: [], bad: [], branches: [] };

const MAX_BUCKETS = 1 << 20;

/** Hosts pass a DataView, a typed array or a buffer, sometimes not aligned, so the bytes are copied.
 * @param {unknown} data @returns {Uint8Array<ArrayBuffer>} */
function bytesOf(data) {
  if (data instanceof ArrayBuffer) return new Uint8Array(data.slice(0));
  if (ArrayBuffer.isView(data)) {
    return new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  }
  throw new Error("the picture is not binary");
}

/** @param {unknown} data @returns {Picture} throws an Error that says what is wrong */
export function decode(data) {
  if (data === null || data === undefined) return EMPTY;
  const bytes = bytesOf(data);
  if (bytes.length === 0) return EMPTY;
  if (bytes.length < 4) throw new Error("the picture is cut short");
  const size = new DataView(bytes.buffer).getUint32(0, true);
  if (4 + size > bytes.length) throw new Error("the picture's header is cut short");
  /** @type {Partial<import("./wire.js").SeriesHeader>} */
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(4, 4 + size)));
  const start = Math.ceil((4 + size) / 8) * 8;

  /** @template T @param {{new (buffer: ArrayBuffer, offset: number, length: number): T, BYTES_PER_ELEMENT: number}} type
   * @param {unknown} offset @param {number} length @returns {T} */
  const take = (type, offset, length) => {
    const at = start + Number(offset);
    if (!Number.isInteger(at) || at < start || at % type.BYTES_PER_ELEMENT || at + length * type.BYTES_PER_ELEMENT > bytes.length) {
      throw new Error(`the picture has no data at ${String(offset)}`);
    }
    return new type(bytes.buffer, at, length);
  };
  /** @param {number | undefined} offset @param {number} length */
  const floats = (offset, length) => (offset === undefined || offset === null ? null : take(Float32Array, offset, length));

  /** @param {import("./wire.js").SeriesTable} table @returns {Table} */
  const decodeTable = (table) => {
    const length = Number(table.length);
    if (!Number.isInteger(length) || length < 0 || length > MAX_BUCKETS) throw new Error("the picture has a table of no length");
    const perBucket = Math.max(1, Number(table.per_bucket) || 1);
    const weight = new Float64Array(length).fill(perBucket);
    if (length) weight[length - 1] = Math.min(perBucket, Math.max(1, Number(table.rows) - (length - 1) * perBucket || perBucket));
    const x = { step: table.x.step, end: table.x.end, epoch: table.x.epoch, time: table.x.time };
    return {
      name: String(table.name),
      length,
      rows: weight.reduce((sum, each) => sum + each, 0),
      perBucket,
      weight,
      x: /** @type {Axes} */ (Object.fromEntries(Object.entries(x).map(([name, at]) => [name, take(Float64Array, at, length)]))),
      series: list(table.series).map((one) => ({
        name: String(one.name),
        group: String(one.group ?? one.name),
        kind: String(one.kind),
        label: String(one.label ?? one.name),
        mean: take(Float32Array, one.mean, length),
        min: floats(one.min, length),
        max: floats(one.max, length),
        order: one.order === undefined || one.order === null ? null : take(Uint8Array, one.order, length),
      })),
    };
  };

  return {
    tables: list(header.tables).map(decodeTable),
    bad: list(header.bad).map((bad) => ({
      name: String(bad.name),
      group: String(bad.group ?? bad.name),
      step: Number(bad.step),
      value: String(bad.value),
    })),
    branches: list(header.branches)
      .map((branch) => ({ from: Number(branch?.from), to: Number(branch?.to) }))
      .filter(({ from, to }) => from <= to),
  };
}

/** @template T @param {T[] | undefined} value @returns {T[]} */
const list = (value) => (Array.isArray(value) ? value : []);

/** The whole table with its middle replaced by the finer one.
 * @param {Table} whole @param {Table | undefined} fine @returns {Table} */
function spliceTable(whole, fine) {
  if (!fine || !fine.length || !whole.length || fine.perBucket >= whole.perBucket) return whole;
  let head = 0;
  while (head < whole.length && whole.x.end[head] < fine.x.step[0]) head++;
  let tail = whole.length;
  while (tail > head && whole.x.step[tail - 1] > fine.x.end[fine.length - 1]) tail--;
  const length = head + fine.length + whole.length - tail;

  /** @template {Float64Array | Float32Array | Uint8Array} A @param {A} a @param {A | null | undefined} b @param {number} [missing] @returns {A} */
  const join = (a, b, missing = 0) => {
    const out = new /** @type {any} */ (a.constructor)(length);
    out.set(a.subarray(0, head), 0);
    if (b) out.set(b, head);
    else out.fill(missing, head, head + fine.length);
    out.set(a.subarray(tail), head + fine.length);
    return out;
  };

  return {
    ...whole,
    length,
    weight: join(whole.weight, fine.weight),
    x: {
      step: join(whole.x.step, fine.x.step),
      end: join(whole.x.end, fine.x.end),
      epoch: join(whole.x.epoch, fine.x.epoch),
      time: join(whole.x.time, fine.x.time),
    },
    series: whole.series.map((one) => {
      const other = fine.series.find((each) => each.name === one.name && each.kind === one.kind);
      return {
        ...one,
        mean: join(one.mean, other?.mean, NaN),
        min: one.min && join(one.min, other?.min ?? other?.mean, NaN),
        max: one.max && join(one.max, other?.max ?? other?.mean, NaN),
        order: one.order && join(one.order, other?.order),
      };
    }),
  };
}

/** @param {Picture} whole @param {Picture | null} fine @returns {Picture} */
export function splice(whole, fine) {
  if (!fine) return whole;
  const tables = whole.tables.map((table) => spliceTable(table, fine.tables.find((each) => each.name === table.name)));
  return { ...whole, tables };
}
