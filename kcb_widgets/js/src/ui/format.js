// @ts-check
// Formats numbers and times as text. Nothing here touches the page.

/** JSON cannot hold non-finite numbers: Python sends them as "nan", "inf", "-inf".
 * @param {unknown} value @returns {number | null} */
export function toNumber(value) {
  if (typeof value === "number") return value;
  if (value === "nan") return NaN;
  if (value === "inf") return Infinity;
  if (value === "-inf") return -Infinity;
  return null;
}

/** @param {number} value @param {number} digits */
function formatNumber(value, digits) {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "∞" : "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) {
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)}e${Number(exponent)}`;
  }
  return String(Number(value.toPrecision(digits)));
}

/** Six significant digits, all of them shown, so that a readout keeps its width.
 * @param {number | null | undefined} value */
export function formatExact(value) {
  if (value === null || value === undefined) return "–";
  if (!Number.isFinite(value) || value === 0) return formatNumber(value, 6);
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return value.toExponential(5).replace("e+", "e");
  return value.toPrecision(6);
}

/** The shortest number that is the same in float32, which is what models hold: 8e-5 and not 7.999999797903001e-5.
 * @param {number} value */
function shortest(value) {
  for (let digits = 1; digits < 9; digits++) {
    if (Math.fround(Number(value.toPrecision(digits))) === Math.fround(value)) return digits;
  }
  return 9;
}

/** The shortest form of a setting.
 * @param {unknown} value */
export function formatSetting(value) {
  const number = toNumber(value);
  if (number !== null) return Number.isFinite(number) ? formatNumber(number, shortest(number)) : formatNumber(number, 7);
  if (typeof value === "boolean") return value ? "on" : "off";
  return value === null || value === undefined ? "–" : String(value);
}

/** @param {number} value */
export const formatTick = (value) => formatNumber(value, 4);

/** Ticks of a step axis: 1500, 20k, 1.25M.
 * @param {number} value */
export function formatStepTick(value) {
  const size = Math.abs(value);
  if (size >= 1e6) return `${Number((value / 1e6).toFixed(3))}M`;
  if (size >= 1e4) return `${Number((value / 1e3).toFixed(3))}k`;
  return String(Number(value.toFixed(3)));
}

/** @param {number} seconds */
export function formatClock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const two = (/** @type {number} */ n) => String(n).padStart(2, "0");
  const minutes = Math.floor(whole / 60) % 60;
  const hours = Math.floor(whole / 3600);
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

/** A time of the run: seconds with four digits at first, a clock from 100 s on.
 * @param {number} seconds */
export function formatMoment(seconds) {
  return Math.abs(seconds) < 100 ? `${Number(seconds.toPrecision(4))} s` : formatClock(seconds);
}

/** A whole number, its digits in groups of three. The browser's own formatter takes a tenth of a millisecond.
 * @param {number} value */
export const formatCount = (value) => String(value).replace(/\B(?=(\d{3})+$)/g, ",");

/** Three digits, never more precise than a measurement deserves.
 * @param {number} value */
export function formatRate(value) {
  if (value >= 1e5) return `${Math.round(value / 1e3)}k`;
  if (value >= 100) return formatCount(Math.round(value));
  return value.toPrecision(3);
}

/** @param {number} ms */
export function formatMilliseconds(ms) {
  return ms >= 1000 ? `${(ms / 1000).toPrecision(3)} s` : `${ms >= 100 ? Math.round(ms) : ms.toPrecision(ms < 1 ? 2 : 3)} ms`;
}

/** @param {unknown} seconds */
export const formatSeconds = (seconds) => (seconds ? formatMilliseconds(1000 * Number(seconds)) : "0 s");

/** What the user typed: 0.01, 1e-4, or 0,01 with a decimal comma. Null when it is no number.
 * @param {string} text @returns {number | null} */
export function parseNumber(text) {
  const plain = text.trim();
  if (!plain) return null;
  const value = Number(/^[^.,]*,[^.,]*$/.test(plain) ? plain.replace(",", ".") : plain);
  return Number.isFinite(value) ? value : null;
}

/** @param {number} value @param {number} digits */
export const roundSignificant = (value, digits) => Number(value.toPrecision(digits));

/** @param {unknown} bytes */
export function formatBytes(bytes) {
  let value = Math.max(0, Number(bytes) || 0);
  const units = ["B", "KB", "MB", "GB", "TB"];
  while (value >= 999.5 && units.length > 1) {
    value /= 1000;
    units.shift();
  }
  return `${units[0] === "B" ? Math.round(value) : value.toPrecision(value < 99.5 ? 2 : 3)} ${units[0]}`;
}

/** A long name keeps its beginning and its end, which tell layers apart.
 * @param {string} text @param {number} most characters */
export function shortenMiddle(text, most) {
  if (text.length <= most) return text;
  const head = Math.ceil((most - 1) / 2);
  return `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
}
