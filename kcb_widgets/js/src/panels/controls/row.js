// @ts-check
// What every control's row has: a name, room for its parts, toggles that accompany it, and what became of the last request.
import { button as createButton, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { setting } from "../../ui/format.js";
import { report } from "../../ui/report.js";

/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {import("../../link/link.js").Control} Control */
/** @typedef {import("../../link/link.js").Value} Value */
/** @typedef {{element: HTMLElement, update: (control: Control, toggles: Control[]) => void, end: () => void}} Row */

/** What is requested and not answered yet, else what Python says.
 * @param {Link} link @param {Control} control @returns {Value} */
export function wantedOf(link, control) {
  const last = link.outcome(control.name);
  return last?.phase === "requested" ? last.value : control.value;
}

/** A control's value as it is written. @param {Control} control @param {Value} value */
export const written = (control, value) => (value === null ? (control.nullable ? "off" : "") : setting(value));

/** @param {Link} link @param {Control} control */
export const isOff = (link, control) => !control.enabled || link.off();

/** "hold" for learning_rate_hold, which accompanies learning_rate.
 * @param {Control} toggle */
const shortName = ({ name, of }) => (name.startsWith(`${of}_`) ? name.slice(of.length + 1) : name).replaceAll("_", " ");

const PURPOSE = /** @type {Record<string, string>} */ ({
  hold: "Put this value back whenever another callback writes to it",
  "take over": "Leave the schedule and set the value by hand",
});

/** @param {Link} link @param {Control} first @param {string} text @param {...Node} parts */
export function createRow(link, first, text, ...parts) {
  const scope = createScope();
  const label = h("span", { class: "kcb-name" }, text);
  const beside = h("span", { class: "kcb-beside" });
  const outcome = h("span", { class: "kcb-outcome", role: "status", "aria-live": "polite" });
  const element = h("div", { class: "kcb-control", role: "group", "aria-label": first.name, "data-kind": first.kind },
    label, ...parts, beside, outcome);
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
        const press = () => toggle && link.command(control.name, !wantedOf(link, toggle.control));
        const button = createButton(shortName(control), { class: "kcb-toggle" }, press);
        toggle = { button, control };
        toggles.set(control.name, toggle);
        beside.append(button);
      }
      toggle.control = control;
      setAttribute(toggle.button, "aria-pressed", String(wantedOf(link, control) === true));
      setAttribute(toggle.button, "title", control.reason || PURPOSE[shortName(control)] || control.name);
      toggle.button.disabled = isOff(link, control);
    }
    beside.hidden = !wanted.length;
  };

  /** @param {Control} control @param {boolean} off @param {string} complaint */
  const say = (control, off, complaint) => {
    if (complaint) return { text: complaint, phase: "refused" };
    const last = link.newest((name) => name === control.name || toggles.has(name));
    const toggle = last && toggles.get(last.name);
    const said = report(link, last?.outcome ?? null, last ? written(toggle ? toggle.control : control, last.outcome.value) : "");
    // Why it cannot be changed is of more use than when it last was.
    if (off && control.reason && said.phase !== "requested" && said.phase !== "refused") return { text: control.reason, phase: "off" };
    return toggle ? { ...said, text: `${shortName(toggle.control)}: ${said.text}` } : said;
  };

  return {
    element,
    scope,
    /** @param {Control} control @param {Control[]} companions @param {string} [complaint] */
    draw(control, companions, complaint = "") {
      const off = isOff(link, control);
      drawToggles(companions);
      const { text: words, phase } = say(control, off, complaint);
      setText(outcome, words);
      setAttribute(outcome, "data-phase", phase);
      setAttribute(outcome, "title", words);
      element.classList.toggle("kcb-off", off);
      setAttribute(element, "data-phase", phase);
      return off;
    },
    end() {
      scope.end();
      element.remove();
    },
  };
}
