// @ts-check
// A text field for a number. Updates do not overwrite it while the user types.
import { formatValue, requestedOrCurrent } from "./control_row.js";
import { h, setAttribute } from "../../ui/dom.js";
import { parseNumber } from "../../ui/format.js";

/** @typedef {import("../../link/wire.js").Control} Control */
/** @typedef {import("../../link/wire.js").Value} Value */

const OFF_WORDS = new Set(["", "off", "none"]);

/** @param {ReturnType<typeof import("../../ui/dom.js").createScope>} scope @param {string} name
 * @param {{control: () => Control, wanted?: () => Value, link: import("../../link/link.js").Link, request: (value: Value) => void, redraw: () => void}} owner */
export function createNumberField(scope, name, { control, link, request, redraw, wanted = () => requestedOrCurrent(link, control()) }) {
  const input = h("input", { type: "text", inputmode: "decimal", "aria-label": name, class: "kcb-field", autocomplete: "off", spellcheck: "false" });
  let typing = false;
  let error = "";

  const commit = () => {
    if (!typing) return;
    typing = false;
    error = "";
    const text = input.value.trim();
    const off = control().nullable && OFF_WORDS.has(text.toLowerCase());
    const number = off ? null : parseNumber(text);
    const value = number !== null && control().integer ? Math.round(number) : number;
    if (value === null && !off) {
      error = text ? `“${text}” is not a number` : "";
      redraw();
    } else if (formatValue(control(), value) === formatValue(control(), wanted())) redraw();
    else request(value);
  };
  scope.listen(input, "input", () => (typing = true));
  scope.listen(input, "blur", commit);
  scope.listen(input, "keydown", (event) => {
    if (event.key === "Enter") commit();
    else if (event.key === "Escape") {
      typing = false;
      error = "";
      redraw();
    }
  });

  return {
    input,
    error: () => error,
    /** A new command makes the old error obsolete. */
    clearError: () => void (error = ""),
    /** @param {boolean} off */
    draw(off) {
      if (!typing) input.value = formatValue(control(), wanted());
      setAttribute(input, "aria-invalid", error ? "true" : null);
      input.disabled = off;
    },
  };
}
