// @ts-check
// "Snapshot at step 120 … [Roll back] [Cancel]": the chart asks before it sends the command.
import { createCommandStatus } from "../../ui/command_status.js";
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { snapshotText } from "../../ui/event_text.js";

/** @param {import("../../link/link.js").Link} link */
export function createRollbackConfirmation(link) {
  const scope = createScope();
  const text = h("span", { class: "kcb-confirm-text" });
  const status = createCommandStatus();
  const back = button("Roll back", { class: "kcb-primary" });
  const cancel = button("Cancel");
  const element = h("div", { class: "kcb-confirm", role: "group", hidden: true }, text, back, cancel, status.element);
  let id = "";
  let sent = false;
  /** @type {Element | null} */
  let opener = null;

  const close = () => {
    // The focus returns to the element that opened the question.
    if (element.contains(document.activeElement) && opener instanceof HTMLElement && opener.isConnected) opener.focus();
    element.hidden = true;
    id = "";
  };

  const draw = () => {
    if (!id) return;
    const snapshot = link.snapshots().find((each) => each.id === id);
    const last = sent ? link.outcome("rollback", id) : null;
    if (!snapshot || last?.phase === "applied") return close();
    setAttribute(element, "aria-label", `snapshot at step ${snapshot.step}`);
    setText(text, `Snapshot at ${snapshotText(snapshot)}`);
    status.draw(link, last);
    back.disabled = last?.phase === "requested" || link.readOnly();
  };

  scope.listen(back, "click", () => {
    sent = true;
    link.command("rollback", id);
    if (id) cancel.focus();
  });
  scope.listen(cancel, "click", close);
  scope.listen(element, "keydown", (event) => event.key === "Escape" && close());

  return {
    element,
    draw,
    /** @param {string} wanted a snapshot's id */
    open(wanted) {
      if (!element.contains(document.activeElement)) opener = document.activeElement;
      id = wanted;
      sent = false;
      element.hidden = false;
      draw();
      (back.disabled ? cancel : back).focus();
    },
    end: scope.end,
  };
}
