// @ts-check
// The rest of the flow, in the Controls tab: how many batches a step is, single actions between two batches, and lengths.
import { isDisabled } from "./control_row.js";
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { createNumberField } from "./number_field.js";
import { stepSize } from "./steering.js";

/** @typedef {import("../../link/wire.js").Control} Control */

const ACTIONS = /** @type {const} */ ([
  ["evaluate", "Evaluate", "Run the validation now, between two batches"],
  ["snapshot", "Snapshot", "Keep the model as it is now, to come back to"],
  ["save", "Save", "Write the model to disk"],
]);

/** @param {import("../../link/link.js").Link} link */
export function createFlow(link) {
  const scope = createScope();
  const batches = h("input", { type: "text", inputmode: "numeric", "aria-label": "batches", class: "kcb-field kcb-short", autocomplete: "off", title: "How many batches a step is" });
  const finish = button("Finish epoch", {}, () => link.command("finish_epoch", null));
  const actions = ACTIONS.map(([name, text, title]) => ({ name, title, element: button(text, {}, () => link.command(name, null)) }));
  const numbers = h("span", { class: "kcb-lengths" });
  const problem = h("span", { class: "kcb-error", role: "status" });
  const element = h("div", { class: "kcb-actions", role: "group", "aria-label": "more flow" },
    finish, ...actions.map((each) => each.element), h("label", { class: "kcb-length" }, "a step is", batches, "batches"), numbers, problem);

  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, control: Control, draw: () => string, end: () => void}>>} */
  const lengths = createKeyedList(numbers);
  scope.add(lengths.end);
  scope.listen(batches, "input", () => link.setUi({ batches: batches.value }));
  scope.listen(batches, "keydown", (event) => event.key === "Enter" && stepSize(link) !== null && link.command("step", stepSize(link)));

  /** The field of a control that says how long the fit is, such as epochs.
   * @param {Control} first */
  const createLength = (first) => {
    const own = createScope();
    /** @param {import("../../link/wire.js").Value} value */
    const request = (value) => {
      field.clearError();
      link.command(first.name, value);
    };
    const field = createNumberField(own, first.name, { control: () => length.control, link, request, redraw: () => draw() });
    field.input.classList.add("kcb-short");
    const label = h("label", { class: "kcb-length" }, first.label, field.input);
    const length = {
      element: label,
      control: first,
      draw() {
        field.draw(isDisabled(link, length.control));
        setAttribute(field.input, "title", length.control.reason || null);
        return field.error();
      },
      end() {
        own.end();
        label.remove();
      },
    };
    return length;
  };

  const draw = () => {
    const off = link.readOnly();
    const { can } = link.state();
    if (document.activeElement !== batches) batches.value = link.ui.batches;
    setAttribute(batches, "aria-invalid", stepSize(link) === null ? "true" : null);
    for (const each of [finish, batches]) each.disabled = off;
    setAttribute(finish, "title", link.whyReadOnly() || "Train to the end of this epoch, then pause");
    for (const { name, title, element: each } of actions) {
      const reason = can?.[name];
      each.disabled = off || (typeof reason === "string" && reason !== "");
      setAttribute(each, "title", link.whyReadOnly() || (typeof reason === "string" && reason ? reason : title));
    }
    setText(problem, lengths.all().map((each) => each.draw()).find(Boolean) ?? "");
  };

  return {
    element,
    /** @param {Control[]} controls the number controls of the group "flow" */
    update(controls) {
      lengths.draw(controls, (each) => each.name, createLength, (length, control) => (length.control = control));
      draw();
    },
    end: scope.end,
  };
}
