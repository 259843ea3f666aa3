// @ts-check
// What x and y of the scatter are, and whether they are logarithmic.
import { createScope, h } from "../../ui/dom.js";

/** @typedef {import("./quantities.js").Quantity} Quantity */
/** @typedef {import("./scatter.js").Side} Side */

/** @param {{onPair: (pair: [string | null, string | null]) => void, onScale: (name: string, scale: string) => void}} context */
export function createScatterChooser({ onPair, onScale }) {
  const scope = createScope();
  /** @type {[string | null, string | null]} */
  let pair = [null, null];
  /** @type {(Side | null)[]} */
  let sides = [null, null];
  const parts = ["x", "y"].map((name, i) => {
    const select = h("select", { "aria-label": name });
    const log = h("input", { type: "checkbox", "aria-label": `${name} is logarithmic` });
    scope.listen(select, "change", () => onPair(i ? [pair[0], select.value] : [select.value, pair[1]]));
    scope.listen(log, "change", () => {
      const side = sides[i];
      if (side) onScale(side.quantity.name, log.checked ? "log" : "linear");
    });
    return { select, log, label: h("span", { class: "kcb-side" }, h("label", {}, `${name} `, select), h("label", {}, log, " log")) };
  });
  return {
    element: h("div", { class: "kcb-chooser", role: "group", "aria-label": "what is on the axes" }, ...parts.map(({ label }) => label)),
    /** @param {Map<string, Quantity>} known @param {Side | null} x @param {Side | null} y @param {[string | null, string | null]} chosen */
    update(known, x, y, chosen) {
      pair = chosen;
      sides = [x, y];
      parts.forEach(({ select, log }, i) => {
        const side = sides[i];
        fillOptions(select, [...known.values()]);
        select.value = side?.quantity.name ?? "";
        log.disabled = !side?.axis.numeric || !side.axis.positive;
        log.checked = side?.axis.kind === "log";
      });
    },
    end: scope.end,
  };
}

/** The options of a select, settings and results apart, made anew only where they are others.
 * @param {HTMLSelectElement} select @param {Quantity[]} quantities */
export function fillOptions(select, quantities) {
  if (quantities.map((each) => each.name).join("\n") === [...select.options].map((each) => each.value).join("\n")) return;
  const some = (/** @type {string} */ kind) => quantities.filter((each) => each.kind === kind).map(({ name, title }) => h("option", { value: name, title: name }, title));
  const groups = /** @type {const} */ ([["settings", some("setting")], ["results", some("result")]]).filter(([, options]) => options.length);
  select.replaceChildren(...(groups.length > 1 ? groups.map(([label, options]) => h("optgroup", { label }, ...options)) : groups.flatMap(([, options]) => options)));
}
