// @ts-check
// The pattern of the names by which runs are put together: "name:seed*".
import { createScope, h } from "../../ui/dom.js";

export const BY_NAME = "name:";
const HINT = "words of the name that match are one: seed* puts mlp-seed1 and mlp-seed2 together; * is any characters of a word, ? one";

const ONLY = "This page has only this pattern";

/** @param {{choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, only?: string}} context only: the group by a pattern that a page has */
export function createPattern({ choices, choose, only }) {
  const scope = createScope();
  const element = h("input", { type: "text", class: "kcb-pattern", "aria-label": "pattern of the name", placeholder: "such as seed*", maxlength: 100, title: only ? ONLY : HINT, readonly: only !== undefined, hidden: true });
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
      if (only) return choose({ group: only });
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
