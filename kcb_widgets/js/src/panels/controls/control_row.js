// @ts-check
// The row of a control: its name, its inputs, the toggles that accompany it, and the status of the last command.
import { commandStatus, NO_STATUS } from "../../ui/command_status.js";
import { button as createButton, createScope, h, setAttribute, setHidden, setText } from "../../ui/dom.js";
import { formatSetting } from "../../ui/format.js";

/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {import("../../link/wire.js").Control} Control */
/** @typedef {import("../../link/wire.js").Value} Value */
/** @typedef {{element: HTMLElement, outcome: HTMLElement, update: (control: Control, toggles: Control[]) => void, end: () => void}} Row */

/** The requested value while Python has not answered, else the current one.
 * @param {Link} link @param {Control} control @returns {Value} */
export function requestedOrCurrent(link, control) {
  const last = link.outcome(control.name);
  return last?.phase === "requested" ? last.value : control.value;
}

/** A control's value as text. @param {Control} control @param {Value} value */
export const formatValue = (control, value) => (value === null ? (control.nullable ? "off" : "") : formatSetting(value));

/** @param {Link} link @param {Control} control */
export const isDisabled = (link, control) => !control.enabled || link.readOnly();

/** "hold" for learning_rate_hold, which accompanies learning_rate.
 * @param {Control} toggle */
const shortName = ({ name, of }) => (name.startsWith(`${of}_`) ? name.slice(of.length + 1) : name).replaceAll("_", " ");

const TOGGLE_TITLES = /** @type {Record<string, string>} */ ({
  hold: "Put this value back whenever another callback writes to it",
  "take over": "Leave the schedule and set the value by hand",
});

/** @param {Link} link @param {Control} first @param {string} text @param {...Node} parts */
export function createControlRow(link, first, text, ...parts) {
  const scope = createScope();
  const label = h("span", { class: "kcb-name" }, text);
  const toggleBox = h("span", { class: "kcb-beside" });
  const outcome = h("span", { class: "kcb-outcome", role: "status", "aria-live": "polite" });
  const element = h("div", { class: "kcb-control", role: "group", "aria-label": first.name, "data-kind": first.kind },
    label, ...parts, toggleBox, outcome);
  /** @type {Map<string, {button: HTMLButtonElement, control: Control}>} */
  const toggles = new Map();
  setAttribute(label, "title", first.rebuild ? `${first.name} (a change recompiles the training step)` : first.name);

  /** @param {Control[]} wanted */
  const drawToggles = (wanted) => {
    for (const [name, { button }] of toggles) {
      if (wanted.some((each) => each.name === name)) continue;
      button.remove();
      toggles.delete(name);
    }
    for (const control of wanted) {
      let toggle = toggles.get(control.name);
      if (!toggle) {
        const press = () => toggle && link.command(control.name, !requestedOrCurrent(link, toggle.control));
        const button = createButton(shortName(control), { class: "kcb-toggle" }, press);
        toggle = { button, control };
        toggles.set(control.name, toggle);
        toggleBox.append(button);
      }
      toggle.control = control;
      setAttribute(toggle.button, "aria-pressed", String(requestedOrCurrent(link, control) === true));
      setAttribute(toggle.button, "title", control.reason || TOGGLE_TITLES[shortName(control)] || control.name);
      toggle.button.disabled = isDisabled(link, control);
    }
    setHidden(toggleBox, !wanted.length);
  };

  /** The latest outcome that was drawn, and the control's value then.
   * @type {{outcome: import("../../link/link.js").Outcome, phase: string, value: Value} | null} */
  let drawn = null;

  /** Whether an outcome is no news any more: the value has been changed by somebody else since.
   * @param {import("../../link/link.js").Outcome} outcome @param {Value} value of what it was about */
  const outdated = (outcome, value) => {
    if (drawn?.outcome !== outcome || drawn.phase !== outcome.phase) drawn = { outcome, phase: outcome.phase, value };
    const now = formatSetting(value);
    if (formatSetting(drawn.value) === now || outcome.phase === "requested") return false;
    return outcome.phase === "refused" || formatSetting(outcome.value) !== now;
  };

  /** @param {Control} control @param {boolean} off @param {string} error */
  const statusOf = (control, off, error) => {
    if (error) return { text: error, phase: "refused" };
    const last = link.newest((name) => name === control.name || toggles.has(name));
    const toggle = last && toggles.get(last.name);
    if (last && outdated(last.outcome, (toggle ? toggle.control : control).value)) return off && control.reason ? { text: control.reason, phase: "off" } : NO_STATUS;
    const status = commandStatus(link, last?.outcome ?? null, last ? formatValue(toggle ? toggle.control : control, last.outcome.value) : "");
    // The reason why a control is disabled is of more use than its last change.
    if (off && control.reason && status.phase !== "requested" && status.phase !== "refused") return { text: control.reason, phase: "off" };
    return toggle ? { ...status, text: `${shortName(toggle.control)}: ${status.text}` } : status;
  };

  return {
    element,
    outcome,
    scope,
    /** @param {Control} control @param {Control[]} companions @param {string} [error] */
    draw(control, companions, error = "") {
      const off = isDisabled(link, control);
      drawToggles(companions);
      const { text: words, phase } = statusOf(control, off, error);
      setText(outcome, words);
      setAttribute(outcome, "data-phase", phase);
      setAttribute(outcome, "title", words);
      element.classList.toggle("kcb-off", off);
      setAttribute(element, "data-phase", phase);
      return off;
    },
    end() {
      scope.end();
      outcome.remove();
      element.remove();
    },
  };
}
