// @ts-check
// "Put the file of run 3 into the folder .bin? [Delete] [Cancel]": asks before a run is taken away.
import { button, createScope, h, setText } from "../../ui/dom.js";

/** @param {(run: string) => void} remove */
export function createDeletion(remove) {
  const scope = createScope();
  const text = h("span");
  const yes = button("Delete", {}, () => {
    element.hidden = true;
    remove(run);
  });
  const cancel = button("Cancel", {}, () => close());
  const element = h("div", { class: "kcb-line kcb-deletion", role: "group", "aria-label": "delete a run", hidden: true }, text, yes, cancel);
  let run = "";
  /** @type {Element | null} */
  let opener = null;
  const close = () => {
    element.hidden = true;
    if (opener instanceof HTMLElement && opener.isConnected) opener.focus();
  };
  scope.listen(element, "keydown", (event) => event.key === "Escape" && close());

  /** @param {import("./comparison.js").Row} row */
  const whyNot = (row) => (row.live ? `${row.name} trains, or may: it can be deleted once it is over.` : row.file ? "" : `${row.name} is in no file: it can only be hidden.`);
  return {
    element,
    /** @param {import("./comparison.js").Row} row */
    open(row) {
      opener = document.activeElement;
      run = row.id;
      const why = whyNot(row);
      setText(text, why || `Put the file of ${row.name} into the folder .bin beside it?`);
      yes.hidden = !!why;
      element.hidden = false;
      cancel.focus(); // Enter by mistake deletes nothing
    },
    end: scope.end,
  };
}
