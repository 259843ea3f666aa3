// @ts-check
// The pattern of the names by which runs are put together: "name:seed*".
import { createScope, h } from "../../ui/dom.js";

export const BY_NAME = "name:";
const HINT = "words of the name that match are one: seed* puts mlp-seed1 and mlp-seed2 together; * is any characters of a word, ? one";

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void}} context */
export function createPattern({ choices, choose }) {
  const scope = createScope();
  const element = h("input", { type: "text", class: "kcb-pattern", "aria-label": "pattern of the name", placeholder: "such as seed*", maxlength: 100, title: HINT, hidden: true });
  const current = () => (choices().group?.startsWith(BY_NAME) ? choices().group?.slice(BY_NAME.length) ?? "" : "");
  let asked = false; // it was opened, and nothing has come of it yet
  scope.listen(element, "change", () => {
    if (!element.value.trim()) return;
    asked = false;
    choose({ group: BY_NAME + element.value.trim() });
  });
  return {
    element,
    open() {
      asked = true;
      element.hidden = false;
      element.focus();
    },
    close() {
      asked = false;
      element.hidden = true;
    },
    draw() {
      if (asked || document.activeElement === element) return; // it is being typed
      element.hidden = !current();
      element.value = current();
    },
    end: scope.end,
  };
}
