// @ts-check
// More that is chosen for all runs: where zero is, the band of groups, what the colours are.
import { createScope, h, setHidden } from "../../ui/dom.js";
import { option } from "./option.js";

const ALIGN = {
  "": "not aligned", zero: "aligned at zero", by_hand: "aligned at the first change by hand", rollback: "aligned at the first rollback", resumed: "aligned where gone on with",
  snapshot: "aligned at the first snapshot", guard: "aligned at a guard's first act", nan: "aligned at the first NaN or infinity",
};
const BANDS = { deviation: "± standard deviation", error: "± standard error", range: "least to greatest", quartiles: "quartiles" };

/** @param {string} label @param {Record<string, string>} options @param {string[]} [known] those that there are; left out: all */
const select = (label, options, known) => h("select", { "aria-label": label }, ...Object.entries(options).map(([value, text]) => option(value, text, known)));

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, settings: () => string[], limits?: import("./comparison.js").Limits}} context */
export function createMoreChoices({ choices, choose, settings, limits }) {
  const scope = createScope();
  const align = select("where zero is", ALIGN, limits?.aligns);
  const band = select("band around a mean", BANDS);
  const colour = select("colours", {});
  const element = h("span", { class: "kcb-more-choices" }, align, band, colour);
  scope.listen(align, "change", () => choose({ align: align.value || null }));
  scope.listen(band, "change", () => choose({ band: band.value }));
  scope.listen(colour, "change", () => choose({ colour: colour.value || null }));
  return {
    element,
    draw() {
      const now = choices();
      const by = ["", ...settings()];
      if (now.colour && !by.includes(now.colour)) by.push(now.colour);
      if (by.join("\n") !== [...colour.options].map((each) => each.value).join("\n")) {
        colour.replaceChildren(...by.map((name) => option(name, name ? `colour by ${name.replace(/^config\./, "")}` : "a colour each", limits?.colours)));
      }
      colour.value = now.colour ?? "";
      align.value = now.align ?? "";
      align.disabled = now.x.startsWith("series."); // its values are where they are
      band.value = now.band;
      setHidden(band, !now.group);
    },
    end: scope.end,
  };
}
