// @ts-check
// One callback: what it watches, what it will do next, what can be changed, and what it did so far.
import { createBar } from "../../ui/bar.js";
import { button, createScope, h, setText } from "../../ui/dom.js";
import { createFold } from "../../ui/fold.js";
import { duration, setting, size } from "../../ui/format.js";
import { createParts } from "../../ui/parts.js";
import { createSaid } from "../../ui/report.js";
import { createRows } from "../controls/rows.js";
import { createTable } from "../../ui/table.js";

/** @typedef {{name: string, count: number, seconds: number}} Hook */
/** @typedef {{id: string, name: string, epoch: number, bytes: number, what: string, metrics: string}} File */
/** @typedef {{id: string, known: boolean, facts: {label: string, value: unknown}[], gauge: {label: string, used: number, of: number} | null,
 *   best: {metric: string, value: number, epoch: number | null, step: number | null, band: number} | null, says: string, hooks: Hook[],
 *   printed: string, error: {hook: string, message: string} | null, files: File[], actions: {name: string, label: string}[]}} Card */

/** @param {unknown} seconds */
export const lasted = (seconds) => (seconds ? duration(1000 * Number(seconds)) : "0 s");

/** @param {File} file */
const fileSentence = ({ name, epoch, metrics, bytes, what }) =>
  [name, what, Number.isFinite(epoch) ? `epoch ${epoch + 1}` : "", metrics, size(bytes)].filter(Boolean).join(" · ");

/** @param {import("../../link/link.js").Link} link @param {Card} first */
export function createCard(link, { id }) {
  const scope = createScope();
  const onOff = createRows(link, () => "");
  const facts = h("dl", { class: "kcb-facts" });
  const gauge = createBar(id, "meter");
  const says = h("p");
  const error = h("p", { class: "kcb-error", role: "alert" });
  const rows = createRows(link, (control) => control.label);
  const presses = h("span", { class: "kcb-presses" });
  const said = createSaid();
  const kept = h("ol", { class: "kcb-kept", "aria-label": `files of ${id}, newest first` });
  const hooks = createFold(link, `hooks ${id}`, "Its hooks", () =>
    createTable(`hooks of ${id}`, ["hook", "calls", "time"], (/** @type {Hook} */ { name, count, seconds }) => [name, String(count), count && !seconds ? "–" : lasted(seconds)]));
  const printed = h("pre", { class: "kcb-printed", tabindex: 0, role: "region", "aria-label": `printed by ${id}` });
  const element = h("div", { class: "kcb-card", role: "group", "aria-label": id },
    h("div", { class: "kcb-line" }, h("span", { class: "kcb-layer-name", title: id }, id), onOff.element, facts), error,
    gauge.element, says, rows.element, h("div", { class: "kcb-line" }, presses, said.element), kept, hooks.element, printed);

  /** @param {string} value what is asked of this callback */
  const act = (value) => () => link.command("act", `${id}.${value}`);
  /** @type {ReturnType<typeof createParts<{element: HTMLElement, value: HTMLElement}>>} */
  const details = createParts(facts);
  /** @type {ReturnType<typeof createParts<{element: HTMLButtonElement}>>} */
  const actions = createParts(presses);
  /** @type {ReturnType<typeof createParts<{element: HTMLElement, text: HTMLElement, loads: HTMLButtonElement[]}>>} */
  const files = createParts(kept);
  for (const part of [onOff, rows, hooks]) scope.add(part.end);
  scope.add(() => element.remove());

  /** @param {File} file */
  const createFile = (file) => {
    const text = h("span", { class: "kcb-kept-text" });
    const whole = file.what === "model";
    const title = `Put this ${whole ? "whole state" : "file's weights"} into the model`;
    const loads = [button("Load", { "aria-label": `load ${file.name}`, title }, act(`load:${file.id}`))];
    if (whole) loads.push(button("Weights", { "aria-label": `load weights ${file.name}`, title: "Only its weights" }, act(`load_weights:${file.id}`)));
    return { element: h("li", {}, text, ...loads), text, loads };
  };

  /** @param {Card} card */
  const drawSaid = (card) => {
    const last = link.newest((name, value) => name === "act" && String(value).startsWith(`${id}.`));
    const [what, file] = String(last?.outcome.value).slice(id.length + 1).split(/:(.*)/s);
    const name = file ? card.files.find((each) => each.id === file)?.name : card.actions.find((each) => each.name === what)?.label;
    said.draw(link, last?.outcome, file ? `${what.replace("_", " ")} ${name ?? file}` : (name ?? what));
  };

  return {
    element,
    /** @param {Card} card */
    update(card) {
      const controls = link.controls().filter((each) => each.group === "callbacks" && each.section === id);
      const [on, others] = [true, false].map((wanted) => controls.filter((each) => (each.name === `${id}.on`) === wanted));
      onOff.update(on);
      rows.update(others);
      details.draw(card.facts, (each) => each.label, ({ label }) => {
        const value = h("dd");
        return { element: h("div", {}, h("dt", {}, label), value), value };
      }, (part, { value }) => setText(part.value, setting(value)));
      gauge.element.hidden = !card.gauge;
      if (card.gauge) {
        const { label, used, of } = card.gauge;
        gauge.update(`${label} ${used} of ${of}`, Math.min(used, of), of || 1);
      }
      setText(says, card.says ?? "");
      setText(error, card.error ? `${card.error.hook} failed: ${card.error.message}` : "");
      actions.draw(card.actions, (each) => each.name, ({ name, label }) => ({ element: button(label, {}, act(name)) }), (part) => {
        part.element.disabled = link.off();
      });
      files.draw([...card.files].reverse(), (each) => each.id, createFile, ({ text, loads }, file) => {
        setText(text, fileSentence(file));
        for (const load of loads) load.disabled = link.off();
      });
      kept.hidden = !card.files.length;
      drawSaid(card);
      hooks.update(card.hooks);
      hooks.element.hidden = !card.hooks.length;
      // Who scrolled back goes on reading there.
      const below = printed.scrollHeight - printed.scrollTop - printed.clientHeight < 4;
      setText(printed, card.printed ?? "");
      printed.hidden = !card.printed;
      if (below) printed.scrollTop = printed.scrollHeight;
    },
    end: scope.end,
  };
}
