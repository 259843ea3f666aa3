// @ts-check
// A field for a number. It is left alone while someone types in it.
import { h, setAttribute } from "../../ui/dom.js";
import { parse } from "../../ui/format.js";
import { wantedOf, written } from "./row.js";

/** @typedef {import("../../link/link.js").Control} Control */
/** @typedef {import("../../link/link.js").Value} Value */

const OFF = new Set(["", "off", "none"]);

/** @param {ReturnType<typeof import("../../ui/dom.js").createScope>} scope @param {string} name
 * @param {{control: () => Control, wanted?: () => Value, link: import("../../link/link.js").Link, request: (value: Value) => void, redraw: () => void}} owner */
export function createEntry(scope, name, { control, link, request, redraw, wanted = () => wantedOf(link, control()) }) {
  const field = h("input", { type: "text", inputmode: "decimal", "aria-label": name, class: "kcb-field", autocomplete: "off", spellcheck: "false" });
  let typing = false;
  let complaint = "";

  const commit = () => {
    if (!typing) return;
    typing = false;
    complaint = "";
    const text = field.value.trim();
    const off = control().nullable && OFF.has(text.toLowerCase());
    const number = off ? null : parse(text);
    const value = number !== null && control().integer ? Math.round(number) : number;
    if (value === null && !off) {
      complaint = text ? `“${text}” is not a number` : "";
      redraw();
    } else if (written(control(), value) === written(control(), wanted())) redraw();
    else request(value);
  };
  scope.listen(field, "input", () => (typing = true));
  scope.listen(field, "blur", commit);
  scope.listen(field, "keydown", (event) => {
    if (event.key === "Enter") commit();
    else if (event.key === "Escape") {
      typing = false;
      complaint = "";
      redraw();
    }
  });

  return {
    field,
    complaint: () => complaint,
    /** Something else was asked for: what was wrong before is no longer of interest. */
    forgive: () => void (complaint = ""),
    /** @param {boolean} off */
    draw(off) {
      if (!typing) field.value = written(control(), wanted());
      setAttribute(field, "aria-invalid", complaint ? "true" : null);
      field.disabled = off;
    },
  };
}
