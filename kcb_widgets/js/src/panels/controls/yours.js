// @ts-check
// What the user added: controls and buttons of their own.
import { button, createScope, h } from "../../ui/dom.js";
import { createParts } from "../../ui/parts.js";
import { createSaid } from "../../ui/report.js";
import { createRows } from "./rows.js";

/** @param {import("../../link/link.js").Link} link */
export function createYours(link) {
  const scope = createScope();
  const rows = createRows(link, (control) => control.label);
  const buttons = h("div", { class: "kcb-presses" });
  const said = createSaid();
  const element = h("div", { class: "kcb-yours", role: "group", "aria-label": "yours" },
    h("div", { class: "kcb-sub" }, "Yours"), rows.element, h("div", { class: "kcb-line" }, buttons, said.element));
  scope.add(rows.end);
  scope.add(() => element.remove());
  /** @type {ReturnType<typeof createParts<{element: HTMLButtonElement}>>} */
  const presses = createParts(buttons);

  /** @param {{name: string, label: string}[]} wanted */
  const drawButtons = (wanted) => {
    presses.draw(
      wanted,
      (each) => JSON.stringify(each),
      ({ name, label }) => ({ element: button(label, {}, () => link.command("press", name)) }),
      ({ element }) => (element.disabled = link.off()),
    );
    const last = link.newest((name) => name === "press");
    said.draw(link, last?.outcome, wanted.find((each) => each.name === last?.outcome.value)?.label ?? String(last?.outcome.value));
    return wanted.length > 0;
  };

  return {
    element,
    /** @param {import("../../link/link.js").Control[]} controls */
    update(controls) {
      const some = Array.isArray(link.state().buttons) ? link.state().buttons : [];
      const wanted = some
        .filter((/** @type {any} */ each) => typeof each?.name === "string")
        .map((/** @type {any} */ { name, label }) => ({ name, label: String(label || name) }));
      rows.update(controls);
      element.hidden = !drawButtons(wanted) && !controls.length;
    },
    end: scope.end,
  };
}
