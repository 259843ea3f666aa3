// @ts-check
// One of what can be chosen; a page without a kernel has not all of them.
import { h } from "../../ui/dom.js";

const ABSENT = "not in this page";

/** @param {string} value @param {string} text @param {string[] | undefined} known those that there are; undefined: all */
export function option(value, text, known) {
  const absent = known !== undefined && value !== "" && !known.includes(value);
  return h("option", { value, disabled: absent }, absent ? `${text} (${ABSENT})` : text);
}
