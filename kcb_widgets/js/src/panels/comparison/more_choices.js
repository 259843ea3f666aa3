// @ts-check
// More that is chosen for all runs: where zero is, the band of groups, what the colours are.
import { createScope, setHidden } from "../../ui/dom.js";
import { fill, ofSettings, select, within } from "./options.js";

const ALIGN = {
  "": "not aligned", zero: "aligned at zero", by_hand: "aligned at the first change by hand", rollback: "aligned at the first rollback", resumed: "aligned where gone on with",
  snapshot: "aligned at the first snapshot", guard: "aligned at a guard's first act", nan: "aligned at the first NaN or infinity",
};
const BANDS = { deviation: "± standard deviation", error: "± standard error", range: "least to greatest", quartiles: "quartiles" };

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, settings: () => string[], limits?: import("./comparison.js").Limits}} context */
export function createMoreChoices({ choices, choose, settings, limits }) {
  const scope = createScope();
  const align = select("where zero is", ALIGN, limits?.aligns);
  const band = select("band around a mean", BANDS);
  const colour = select("colours");
  scope.listen(align, "change", () => choose({ align: align.value || null }));
  scope.listen(band, "change", () => choose({ band: band.value }));
  scope.listen(colour, "change", () => choose({ colour: colour.value || null }));
  return {
    align,
    band,
    colour,
    draw() {
      const now = choices();
      fill(colour, within([{ value: "", text: "a colour each" }, ...ofSettings(settings(), now.colour, "colour by")], limits?.colours), now.colour ?? "");
      align.value = now.align ?? "";
      align.disabled = now.x.startsWith("series."); // its values are where they are
      band.value = now.band;
      setHidden(band, !now.group);
    },
    end: scope.end,
  };
}
