// @ts-check
// A place on the horizontal axis as text.
import { formatClock, formatStepTick, formatTick } from "../../ui/format.js";

/** Seconds before the marker that runs are in line by are below zero. @param {number} seconds */
const clock = (seconds) => `${seconds < 0 ? "−" : ""}${formatClock(Math.abs(seconds))}`;

/** @param {number} value @param {import("./curves_decoder.js").Curves | null} curves */
export function xText(value, curves) {
  if (curves?.axis === "clock" && !curves.align) return formatClock(value - curves.whole[0]);
  if (curves?.axis === "clock" || curves?.axis === "time") return clock(value);
  return curves && curves.axis !== "step" && curves.axis !== "samples" ? formatTick(value) : formatStepTick(value);
}

/** The value at a place, or the nearest one before it: epochs end here and there. @param {(number | null)[]} values @param {number} idx */
export function valueNear(values, idx) {
  for (let i = Math.min(idx, values.length - 1); i >= 0; i--) if (values[i] !== null) return values[i];
  return null;
}
