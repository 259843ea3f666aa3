// @ts-check
// The controls and buttons that the user added.
import { createCommandStatus } from "../../ui/command_status.js";
import { createControlList } from "./control_list.js";
import { button, createScope, h, setHidden } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @param {import("../../link/link.js").Link} link */
export function createUserControls(link) {
  const scope = createScope();
  const rows = createControlList(link, (control) => control.label);
  const buttons = h("div", { class: "kcb-presses" });
  const status = createCommandStatus();
  const element = h("div", { class: "kcb-yours", role: "group", "aria-label": "yours" },
    h("div", { class: "kcb-sub" }, "Yours"), rows.element, h("div", { class: "kcb-line" }, buttons, status.element));
  scope.add(rows.end);
  scope.add(() => element.remove());
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLButtonElement}>>} */
  const buttonList = createKeyedList(buttons);

  /** @param {import("../../link/wire.js").Button[]} wanted */
  const drawButtons = (wanted) => {
    buttonList.draw(
      wanted,
      (each) => JSON.stringify(each),
      ({ name, label }) => ({ element: button(label, {}, () => link.command("press", name)) }),
      ({ element }) => (element.disabled = link.readOnly()),
    );
    const last = link.newest((name) => name === "press");
    status.draw(link, last?.outcome, wanted.find((each) => each.name === last?.outcome.value)?.label ?? String(last?.outcome.value));
    return wanted.length > 0;
  };

  return {
    element,
    /** @param {import("../../link/wire.js").Control[]} controls */
    update(controls) {
      const given = link.state().buttons;
      const wanted = (Array.isArray(given) ? given : [])
        .filter((each) => typeof each?.name === "string")
        .map(({ name, label }) => ({ name, label: String(label || name) }));
      rows.update(controls);
      setHidden(element, !drawButtons(wanted) && !controls.length);
    },
    end: scope.end,
  };
}
