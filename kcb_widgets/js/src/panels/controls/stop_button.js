// @ts-check
// The Stop button, and a menu of other ways to stop.
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { createMenu } from "../../ui/menu.js";

const STOP_OPTIONS = /** @type {const} */ ([
  ["epoch", "after this epoch"],
  ["batch_unvalidated", "now, without validation"],
  ["epoch_unvalidated", "after this epoch, without validation"],
]);

/** @param {import("../../link/link.js").Link} link */
export function createStopButton(link) {
  const scope = createScope();
  const stop = button("Stop", { class: "kcb-stop", title: "End training after the current batch" });
  const options = STOP_OPTIONS.map(([value, text]) => ({ value, element: button(text) }));
  const menu = createMenu("stop options", "▾", options.map((each) => each.element), { title: "Other ways to stop" });
  scope.add(menu.end);
  const element = h("span", { class: "kcb-stops" }, stop, menu.element);

  scope.listen(stop, "click", () => link.command("stop", null));
  for (const { value, element: option } of options) {
    scope.listen(option, "click", () => {
      menu.close();
      link.command("stop", value);
    });
  }
  /** Whether the fit stops at once. A stop after this epoch does not count: the button still works. */
  const stopping = () => {
    const { status, flow } = link.state();
    const asked = link.outcome("stop");
    const pending = asked?.phase === "requested" || asked?.phase === "applied";
    if (pending && !link.over() && !String(asked.value).startsWith("epoch")) return true;
    return flow?.stop === "batch" || (status === "stopping" && flow?.stop !== "epoch");
  };

  return {
    element,
    draw() {
      const busy = stopping() && !link.over();
      setText(stop, busy ? "Stopping…" : "Stop");
      stop.classList.toggle("kcb-stopping", busy);
      stop.disabled = busy || link.readOnly();
      setAttribute(stop, "title", link.whyReadOnly() || "End training after the current batch");
      for (const option of options) option.element.disabled = stop.disabled;
      menu.element.classList.toggle("kcb-off", stop.disabled);
    },
    end: scope.end,
  };
}
