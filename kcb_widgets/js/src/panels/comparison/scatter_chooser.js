// @ts-check
// What x and y of the scatter are, and whether they are logarithmic.
import { createScope, h } from "../../ui/dom.js";
import { fill, ofQuantities, select } from "./options.js";

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
    const chosen = select(name);
    const log = h("input", { type: "checkbox", "aria-label": `${name} is logarithmic` });
    scope.listen(chosen, "change", () => onPair(i ? [pair[0], chosen.value] : [chosen.value, pair[1]]));
    scope.listen(log, "change", () => {
      const side = sides[i];
      if (side) onScale(side.quantity.name, log.checked ? "log" : "linear");
    });
    return { chosen, log, label: h("span", { class: "kcb-side" }, h("label", {}, `${name} `, chosen), h("label", {}, log, " log")) };
  });
  return {
    element: h("div", { class: "kcb-chooser", role: "group", "aria-label": "what is on the axes" }, ...parts.map(({ label }) => label)),
    /** @param {Map<string, Quantity>} known @param {Side | null} x @param {Side | null} y @param {[string | null, string | null]} wanted */
    update(known, x, y, wanted) {
      pair = wanted;
      sides = [x, y];
      parts.forEach(({ chosen, log }, i) => {
        const side = sides[i];
        fill(chosen, ofQuantities(known.values()), side?.quantity.name ?? "");
        log.disabled = !side?.axis.numeric || !side.axis.positive;
        log.checked = side?.axis.kind === "log";
      });
    },
    end: scope.end,
  };
}
