// @ts-check
// The flow bar: buttons that pause, step and stop the fit, and single actions between two batches.
import { commandStatus } from "../../ui/command_status.js";
import { formatValue, isDisabled } from "./control_row.js";
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { parseNumber } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { createNumberField } from "./number_field.js";
import { createStopButton } from "./stop_button.js";

/** @typedef {import("../../link/wire.js").Control} Control */

const FLOW_COMMANDS = new Set(["pause", "resume", "step", "finish_epoch", "stop", "evaluate", "snapshot", "save"]);
const ACTIONS = /** @type {const} */ ([
  ["evaluate", "Evaluate", "Run the validation now, between two batches"],
  ["snapshot", "Snapshot", "Keep the model as it is now, to come back to"],
  ["save", "Save", "Write the model to disk"],
]);

/** @param {import("../../link/link.js").Link} link */
export function createFlow(link) {
  const scope = createScope();
  const { ui } = link;
  const pause = button("Pause");
  const step = button("Step", { title: "Train this many batches, then pause" });
  const batches = h("input", { type: "text", inputmode: "numeric", "aria-label": "batches", class: "kcb-field kcb-short", autocomplete: "off", title: "How many batches a step is" });
  const finish = button("Finish epoch", { title: "Train to the end of this epoch, then pause" });
  const actions = ACTIONS.map(([name, text, title]) => ({ name, title, element: button(text) }));
  const stop = createStopButton(link);
  scope.add(stop.end);
  const numbers = h("span", { class: "kcb-lengths" });
  const element = h("div", { class: "kcb-flow", role: "group", "aria-label": "flow" },
    h("span", { class: "kcb-joined" }, pause, h("span", { class: "kcb-step" }, step, batches), finish),
    h("span", { class: "kcb-joined" }, ...actions.map((each) => each.element)), numbers, stop.element);
  const note = h("span", { class: "kcb-note" });
  const status = h("span", { class: "kcb-said" });
  const statusLine = h("div", { class: "kcb-news", role: "status", "aria-live": "polite" }, note, status);

  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, control: Control, draw: () => string, end: () => void}>>} */
  const lengths = createKeyedList(numbers);
  scope.add(lengths.end);

  const paused = () => link.state().flow?.paused === true || link.state().status === "paused";
  /** The number of batches in the field; null where the text is not a whole number from 1 on. */
  const stepSize = () => {
    const value = parseNumber(ui.batches);
    return value !== null && Number.isInteger(value) && value >= 1 ? value : null;
  };
  const trainStep = () => stepSize() !== null && link.command("step", stepSize());
  scope.listen(pause, "click", () => link.command(paused() ? "resume" : "pause", null));
  scope.listen(step, "click", trainStep);
  scope.listen(finish, "click", () => link.command("finish_epoch", null));
  scope.listen(batches, "input", () => link.setUi({ batches: batches.value }));
  scope.listen(batches, "keydown", (event) => event.key === "Enter" && trainStep());
  for (const each of actions) scope.listen(each.element, "click", () => link.command(each.name, null));

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

  /** Says where the fit pauses or stops, and Python's message. */
  const noteTexts = () => {
    const { status, step: at, flow, message } = link.state();
    if (link.over()) return status === "failed" || status === "interrupted" ? [] : [message];
    if (paused()) return [`paused at step ${at}`, message];
    if (typeof flow?.until === "number") return [`pauses at step ${flow.until}`, message];
    if (flow?.until === "epoch") return ["pauses at the end of this epoch", message];
    return [flow?.stop === "epoch" && !message ? "stops after this epoch" : "", message];
  };

  const draw = () => {
    const state = link.state();
    const off = link.readOnly();
    const isPaused = paused();
    setText(pause, isPaused ? "Resume" : "Pause");
    setAttribute(pause, "title", isPaused ? "Go on training" : "Pause before the next batch");
    pause.classList.toggle("kcb-primary", isPaused && !off);
    if (document.activeElement !== batches) batches.value = ui.batches;
    setAttribute(batches, "aria-invalid", stepSize() === null ? "true" : null);
    for (const each of [pause, step, finish, batches]) each.disabled = off;
    for (const { name, title, element: each } of actions) {
      const reason = state.can?.[name];
      each.disabled = off || (typeof reason === "string" && reason !== "");
      setAttribute(each, "title", typeof reason === "string" && reason ? reason : title);
    }
    stop.draw();
    const error = lengths.all().map((each) => each.draw()).find(Boolean) ?? "";
    setText(note, noteTexts().filter(Boolean).map(String).join(" · "));
    const controls = lengths.all().map((each) => each.control);
    const last = link.newest((name) => FLOW_COMMANDS.has(name) || controls.some((each) => each.name === name));
    const control = controls.find((each) => each.name === last?.name);
    const value = last && (control ? formatValue(control, last.outcome.value) : last.name === "step" ? String(last.outcome.value) : "");
    const { text, phase } = error ? { text: error, phase: "refused" } : commandStatus(link, last?.outcome ?? null, value ?? "");
    setText(status, text && !error ? `${last?.name.replaceAll("_", " ")}: ${text}` : text);
    setAttribute(status, "data-phase", phase);
  };

  return {
    element,
    statusLine,
    /** @param {Control[]} controls the number controls of the group "flow" */
    update(controls) {
      lengths.draw(controls, (each) => each.name, createLength, (length, control) => (length.control = control));
      draw();
    },
    end: scope.end,
  };
}
