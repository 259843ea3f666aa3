// @ts-check
// The card of one callback: its facts, its controls and actions, its files, hooks and printed text.
import { createBar } from "../../ui/bar.js";
import { createCommandStatus } from "../../ui/command_status.js";
import { createControlList } from "../controls/control_list.js";
import { createDisclosure } from "../../ui/disclosure.js";
import { button, createScope, h, setText } from "../../ui/dom.js";
import { formatBytes, formatSeconds, formatSetting } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";
import { createTable } from "../../ui/table.js";

/** @typedef {import("../../link/wire.js").Card} Card */
/** @typedef {import("../../link/wire.js").CardHook} CardHook */
/** @typedef {import("../../link/wire.js").File} File */

/** @param {File} file */
const fileText = ({ name, epoch, metrics, bytes, what }) =>
  [name, what, Number.isFinite(epoch) ? `epoch ${epoch + 1}` : "", metrics, formatBytes(bytes)].filter(Boolean).join(" · ");

/** @param {import("../../link/link.js").Link} link @param {Card} first */
export function createCard(link, { id }) {
  const scope = createScope();
  const onOff = createControlList(link, () => "");
  const facts = h("dl", { class: "kcb-facts" });
  const gauge = createBar(id, "meter");
  const says = h("p");
  const error = h("p", { class: "kcb-error", role: "alert" });
  const rows = createControlList(link, (control) => control.label);
  const actionButtons = h("span", { class: "kcb-presses" });
  const status = createCommandStatus();
  const fileList = h("ol", { class: "kcb-kept", "aria-label": `files of ${id}, newest first` });
  const hooks = createDisclosure(link, `hooks ${id}`, "Its hooks", () =>
    createTable(`hooks of ${id}`, ["hook", "calls", "time"], (/** @type {CardHook} */ { name, count, seconds }) => [name, String(count), count && !seconds ? "–" : formatSeconds(seconds)]));
  const printed = h("pre", { class: "kcb-printed", tabindex: 0, role: "region", "aria-label": `printed by ${id}` });
  const element = h("div", { class: "kcb-card", role: "group", "aria-label": id },
    h("div", { class: "kcb-line" }, h("span", { class: "kcb-layer-name", title: id }, id), onOff.element, facts), error,
    gauge.element, says, rows.element, h("div", { class: "kcb-line" }, actionButtons, status.element), fileList, hooks.element, printed);

  /** @param {string} value the action, with its file where it has one */
  const act = (value) => () => link.command("act", `${id}.${value}`);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, value: HTMLElement}>>} */
  const details = createKeyedList(facts);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLButtonElement}>>} */
  const actions = createKeyedList(actionButtons);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, text: HTMLElement, loads: HTMLButtonElement[]}>>} */
  const files = createKeyedList(fileList);
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
  const drawStatus = (card) => {
    const last = link.newest((name, value) => name === "act" && String(value).startsWith(`${id}.`));
    const [what, file] = String(last?.outcome.value).slice(id.length + 1).split(/:(.*)/s);
    const name = file ? card.files.find((each) => each.id === file)?.name : card.actions.find((each) => each.name === what)?.label;
    status.draw(link, last?.outcome, file ? `${what.replace("_", " ")} ${name ?? file}` : (name ?? what));
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
      }, (part, { value }) => setText(part.value, formatSetting(value)));
      gauge.element.hidden = !card.gauge;
      if (card.gauge) {
        const { label, used, of } = card.gauge;
        gauge.update(`${label} ${used} of ${of}`, Math.min(used, of), of || 1);
      }
      setText(says, card.says ?? "");
      setText(error, card.error ? `${card.error.hook} failed: ${card.error.message}` : "");
      actions.draw(card.actions, (each) => each.name, ({ name, label }) => ({ element: button(label, {}, act(name)) }), (part) => {
        part.element.disabled = link.readOnly();
      });
      files.draw([...card.files].reverse(), (each) => each.id, createFile, ({ text, loads }, file) => {
        setText(text, fileText(file));
        for (const load of loads) load.disabled = link.readOnly();
      });
      fileList.hidden = !card.files.length;
      drawStatus(card);
      hooks.update(card.hooks);
      hooks.element.hidden = !card.hooks.length;
      // New text scrolls into view only where the user has not scrolled back.
      const below = printed.scrollHeight - printed.scrollTop - printed.clientHeight < 4;
      setText(printed, card.printed ?? "");
      printed.hidden = !card.printed;
      if (below) printed.scrollTop = printed.scrollHeight;
    },
    end: scope.end,
  };
}
