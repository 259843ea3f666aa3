// @ts-check
// Selects and their options.
import { h } from "../../ui/dom.js";
import { option } from "./option.js";

/** @typedef {{value: string, text: string, title?: string, group?: string, absent?: boolean}} Option group: options of more than one group are parted by headings; absent: a page has it not */

/** @param {string} label @param {Record<string, string>} [options] texts by their values @param {string[]} [known] those that there are; left out: all */
export function select(label, options = {}, known) {
  return h("select", { "aria-label": label }, ...Object.entries(options).map(([value, text]) => option(value, text, known)));
}

/** Options, of which a page has some only. @param {Option[]} options @param {string[] | undefined} known undefined: all @returns {Option[]} */
export const within = (options, known) => options.map((each) => ({ ...each, absent: known !== undefined && each.value !== "" && !known.includes(each.value) }));

/** Fills a select. Its options are made anew only where they are others, or an open list would close.
 * @param {HTMLSelectElement} element @param {Option[]} options @param {string} chosen */
export function fill(element, options, chosen) {
  const key = JSON.stringify(options);
  if (element.dataset.options !== key) {
    element.dataset.options = key;
    const groups = [...new Set(options.map((each) => each.group ?? ""))];
    const made = (/** @type {Option[]} */ some) => some.map(({ value, text, title, absent }) => {
      const one = option(value, text, absent ? [] : undefined);
      if (title) one.title = title;
      return one;
    });
    element.replaceChildren(...(groups.length < 2 ? made(options) : groups.flatMap((label) => {
      const some = made(options.filter((each) => (each.group ?? "") === label));
      return label ? [h("optgroup", { label }, ...some)] : some;
    })));
  }
  element.value = chosen;
}

/** What a setting is called where there is little room. @param {string} name */
export const titleOf = (name) => name.replace(/^config\./, "");

/** Options of settings, and of the one that is chosen though no run has it. @param {string[]} settings @param {string | null} chosen @param {string} before words @returns {Option[]} */
export function ofSettings(settings, chosen, before) {
  const names = chosen && !settings.includes(chosen) ? [...settings, chosen] : settings;
  return names.map((name) => ({ value: name, text: `${before} ${titleOf(name)}` }));
}

/** Options of quantities, settings and results apart. @param {Iterable<import("./quantities.js").Quantity>} quantities @returns {Option[]} */
export const ofQuantities = (quantities) => [...quantities].sort((a, b) => Number(a.kind === "result") - Number(b.kind === "result")).map(({ name, title, kind }) => ({ value: name, text: title, title: name, group: `${kind}s` }));
