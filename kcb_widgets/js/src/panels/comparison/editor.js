// @ts-check
// Edits what people say of a run: its name, tags and notes.
import { button, h } from "../../ui/dom.js";

/** @param {(run: string, changes: object) => void} edit */
export function createEditor(edit) {
  const name = h("input", { type: "text", "aria-label": "name", maxlength: 200 });
  const tags = h("input", { type: "text", "aria-label": "tags, separated by commas", placeholder: "tags, separated by commas" });
  const notes = h("textarea", { "aria-label": "notes", placeholder: "notes", rows: 2 });
  const save = button("Save", {}, () => {
    const said = tags.value.split(",").map((each) => each.trim()).filter(Boolean);
    edit(run, { name: name.value, tags: said, notes: notes.value });
    element.hidden = true;
  });
  const cancel = button("Cancel", {}, () => (element.hidden = true));
  const element = h("div", { class: "kcb-editor", role: "group", "aria-label": "edit a run", hidden: true }, name, tags, notes, save, cancel);
  let run = "";
  element.addEventListener("keydown", (event) => {
    if (event.key === "Escape") cancel.click();
    if (event.key === "Enter" && event.target !== notes) save.click();
  });
  return {
    element,
    /** @param {import("./comparison.js").Row} row */
    open(row) {
      run = row.id;
      [name.value, tags.value, notes.value] = [row.name, row.tags.join(", "), row.notes];
      element.hidden = false;
      name.focus();
    },
  };
}
