// @ts-check
// One control of any kind.
import { createChoice } from "./choice.js";
import { createFlag } from "./flag.js";
import { createNumber } from "./number.js";

/** @typedef {import("../../link/link.js").Control} Control */

/** What a row is made for. Where one of these changes the row is made anew.
 * @param {Control} control @param {string} text */
export const madeFor = (control, text) => {
  const { name, kind, scale, min, max, integer, nullable, choices, rebuild, of } = control;
  return JSON.stringify([name, text, kind, scale, min, max, integer, nullable, choices, rebuild, of]);
};

/** @param {import("../../link/link.js").Link} link @param {Control} control @param {string} text @returns {import("./row.js").Row} */
export function createControl(link, control, text) {
  if (control.kind === "flag") return createFlag(link, control, text);
  if (control.kind === "choice") return createChoice(link, control, text);
  return createNumber(link, control, text);
}
