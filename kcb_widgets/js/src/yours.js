// @ts-check
// What the user added: controls and buttons of their own.
import { createScope, h, setAttribute, setText } from "./dom.js";
import { report } from "./report.js";
import { createRows } from "./rows.js";

/** @param {import("./link.js").Link} link */
export function createYours(link) {
  const scope = createScope();
  const rows = createRows(link, (control) => control.label);
  const buttons = h("div", { class: "kcb-presses" });
  const said = h("span", { class: "kcb-said", role: "status", "aria-live": "polite" });
  const element = h("div", { class: "kcb-yours", role: "group", "aria-label": "yours" },
    h("div", { class: "kcb-sub" }, "Yours"), rows.element, h("div", { class: "kcb-line" }, buttons, said));
  scope.add(rows.end);
  scope.add(() => element.remove());
  let made = "";

  /** @param {{name: string, label: string}[]} wanted */
  const drawButtons = (wanted) => {
    const want = JSON.stringify(wanted);
    if (made !== want) {
      made = want;
      buttons.replaceChildren(
        ...wanted.map(({ name, label }) => {
          const button = h("button", { type: "button" }, label);
          button.addEventListener("click", () => link.command("press", name));
          return button;
        }),
      );
    }
    for (const button of buttons.querySelectorAll("button")) button.disabled = link.over() || !link.alive();
    const last = link.newest((name) => name === "press");
    const { text, phase } = report(link, last?.outcome ?? null, "");
    const label = wanted.find((each) => each.name === last?.outcome.value)?.label ?? String(last?.outcome.value);
    setText(said, text ? `${label}: ${text}` : "");
    setAttribute(said, "data-phase", phase);
    return wanted.length > 0;
  };

  return {
    element,
    /** @param {import("./link.js").Control[]} controls */
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
