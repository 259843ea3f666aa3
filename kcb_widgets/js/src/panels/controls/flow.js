// @ts-check
// The course of the fit: pause, step, stop, and what can be done once on the way.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createEntry } from "./entry.js";
import { parse } from "../../ui/format.js";
import { createParts } from "../../ui/parts.js";
import { report } from "../../ui/report.js";
import { isOff, written } from "./row.js";
import { createStop } from "./stop.js";

/** @typedef {import("../../link/link.js").Control} Control */

const NAMES = new Set(["pause", "resume", "step", "finish_epoch", "stop", "evaluate", "snapshot", "save"]);
const ONCE = /** @type {const} */ ([
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
  const once = ONCE.map(([name, text, title]) => ({ name, title, element: button(text) }));
  const stop = createStop(link);
  scope.add(stop.end);
  const numbers = h("span", { class: "kcb-lengths" });
  const element = h("div", { class: "kcb-flow", role: "group", "aria-label": "flow" },
    h("span", { class: "kcb-joined" }, pause, h("span", { class: "kcb-step" }, step, batches), finish),
    h("span", { class: "kcb-joined" }, ...once.map((each) => each.element)), numbers, stop.element);
  const note = h("span", { class: "kcb-note" });
  const said = h("span", { class: "kcb-said" });
  const news = h("div", { class: "kcb-news", role: "status", "aria-live": "polite" }, note, said);

  /** @type {ReturnType<typeof createParts<{element: HTMLElement, control: Control, draw: () => string, end: () => void}>>} */
  const lengths = createParts(numbers);
  scope.add(lengths.end);

  const paused = () => link.state().flow?.paused === true || link.state().status === "paused";
  /** How many batches the field asks for; null when it is no such number. */
  const asked = () => {
    const value = parse(ui.batches);
    return value !== null && Number.isInteger(value) && value >= 1 ? value : null;
  };
  const go = () => asked() !== null && link.command("step", asked());
  scope.listen(pause, "click", () => link.command(paused() ? "resume" : "pause", null));
  scope.listen(step, "click", go);
  scope.listen(finish, "click", () => link.command("finish_epoch", null));
  scope.listen(batches, "input", () => link.choose({ batches: batches.value }));
  scope.listen(batches, "keydown", (event) => event.key === "Enter" && go());
  for (const each of once) scope.listen(each.element, "click", () => link.command(each.name, null));

  /** Whole numbers that say how long the fit is, like epochs.
   * @param {Control} first */
  const createLength = (first) => {
    const own = createScope();
    /** @param {import("../../link/link.js").Value} value */
    const request = (value) => {
      entry.forgive();
      link.command(first.name, value);
    };
    const entry = createEntry(own, first.name, { control: () => it.control, link, request, redraw: () => draw() });
    entry.field.classList.add("kcb-short");
    const label = h("label", { class: "kcb-length" }, first.label, entry.field);
    const it = {
      element: label,
      control: first,
      draw() {
        entry.draw(isOff(link, it.control));
        setAttribute(entry.field, "title", it.control.reason || null);
        return entry.complaint();
      },
      end() {
        own.end();
        label.remove();
      },
    };
    return it;
  };

  /** What the fit is about to do, or waits for. */
  const situation = () => {
    const { status, step: at, flow, message } = link.state();
    if (link.over()) return status === "failed" || status === "interrupted" ? [] : [message];
    if (paused()) return [`paused at step ${at}`, message];
    if (typeof flow?.until === "number") return [`pauses at step ${flow.until}`, message];
    if (flow?.until === "epoch") return ["pauses at the end of this epoch", message];
    return [flow?.stop === "epoch" && !message ? "stops after this epoch" : "", message];
  };

  const draw = () => {
    const state = link.state();
    const off = link.off();
    const halted = paused();
    setText(pause, halted ? "Resume" : "Pause");
    setAttribute(pause, "title", halted ? "Go on training" : "Pause before the next batch");
    pause.classList.toggle("kcb-primary", halted && !off);
    if (document.activeElement !== batches) batches.value = ui.batches;
    setAttribute(batches, "aria-invalid", asked() === null ? "true" : null);
    for (const each of [pause, step, finish, batches]) each.disabled = off;
    for (const { name, title, element: each } of once) {
      const reason = state.can?.[name];
      each.disabled = off || (typeof reason === "string" && reason !== "");
      setAttribute(each, "title", typeof reason === "string" && reason ? reason : title);
    }
    stop.draw();
    const complaint = lengths.all().map((each) => each.draw()).find(Boolean) ?? "";
    setText(note, situation().filter(Boolean).map(String).join(" · "));
    const controls = lengths.all().map((each) => each.control);
    const last = link.newest((name) => NAMES.has(name) || controls.some((each) => each.name === name));
    const control = controls.find((each) => each.name === last?.name);
    const value = last && (control ? written(control, last.outcome.value) : last.name === "step" ? String(last.outcome.value) : "");
    const { text, phase } = complaint ? { text: complaint, phase: "refused" } : report(link, last?.outcome ?? null, value ?? "");
    setText(said, text && !complaint ? `${last?.name.replaceAll("_", " ")}: ${text}` : text);
    setAttribute(said, "data-phase", phase);
  };

  return {
    element,
    news,
    /** @param {Control[]} controls the numbers of the flow's own */
    update(controls) {
      lengths.draw(controls, (each) => each.name, createLength, (length, control) => (length.control = control));
      draw();
    },
    end: scope.end,
  };
}
