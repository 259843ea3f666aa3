// @ts-check
// What the colours of runs stand for, where a setting gives them.
import { h } from "../../ui/dom.js";
import { formatSetting } from "../../ui/format.js";

/** @typedef {{setting: string, missing: string | null, scale?: string[], first?: number, last?: number, log?: boolean,
 *   values?: {text: string, colour: string}[], more?: number}} Legend */

/** @param {string} colour @param {string} text */
function entry(colour, text) {
  const patch = h("span", { class: "kcb-patch", "aria-hidden": "true" });
  patch.style.background = colour;
  return h("span", { class: "kcb-colour" }, patch, text);
}

export function createColourLegend() {
  const element = h("p", { class: "kcb-colours", hidden: true });
  return {
    element,
    /** @param {Legend | null | undefined} legend */
    draw(legend) {
      element.hidden = !legend;
      if (!legend) return;
      const parts = [h("span", { class: "kcb-muted" }, `colour: ${legend.setting.replace(/^config\./, "")}${legend.log ? ", by decades" : ""}`)];
      if (legend.scale) {
        const bar = h("span", { class: "kcb-colour-scale", "aria-hidden": "true" });
        bar.style.background = `linear-gradient(to right, ${legend.scale.join(", ")})`;
        parts.push(h("span", { class: "kcb-colour" }, formatSetting(legend.first), bar, h("span", { class: "kcb-hidden" }, "to"), formatSetting(legend.last)));
      }
      for (const { text, colour } of legend.values ?? []) parts.push(entry(colour, text));
      if (legend.more) parts.push(h("span", { class: "kcb-muted" }, `and ${legend.more} more`));
      if (legend.missing) parts.push(entry(legend.missing, "not set"));
      element.replaceChildren(...parts);
    },
  };
}
