// @ts-check
// The snapshots of the model: roll back to one, or forget it.
import { createCommandStatus } from "../ui/command_status.js";
import { button, createScope, h, setText } from "../ui/dom.js";
import { snapshotText } from "../ui/event_text.js";
import { formatBytes } from "../ui/format.js";
import { createKeyedList } from "../ui/keyed_list.js";

/** @type {import("../view.js").Panel} */
export function snapshotsPanel(body, { link, guard }) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const memory = h("span", { class: "kcb-muted" });
  const status = createCommandStatus();
  const list = h("ol", { class: "kcb-kept", "aria-label": "snapshots, newest first" });
  body.append(h("div", { class: "kcb-line" }, h("span", {}, "Snapshots ", count), memory, status.element), list);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, text: HTMLElement, buttons: HTMLButtonElement[]}>>} */
  const rows = createKeyedList(list);

  /** @param {import("../link/wire.js").Snapshot} snapshot */
  const createRow = ({ id, step }) => {
    const text = h("span", { class: "kcb-kept-text" });
    const buttons = [
      button("Roll back", { "aria-label": `roll back to step ${step}`, title: "Train on from this state of the model" }, () => link.command("rollback", id)),
      button("forget", { class: "kcb-quiet", "aria-label": `forget step ${step}`, title: "Free its memory" }, () => link.command("forget", id)),
    ];
    return { element: h("li", {}, text, ...buttons), text, buttons };
  };

  const draw = () => {
    const snapshots = [...link.snapshots()].reverse();
    body.hidden = !snapshots.length;
    rows.draw(snapshots, (each) => each.id, createRow, (row, snapshot) => {
      setText(row.text, snapshotText(snapshot));
      for (const each of row.buttons) each.disabled = link.readOnly();
    });
    setText(count, String(snapshots.length));
    const bytes = Number(link.state().snapshot_bytes) || 0;
    setText(memory, bytes ? `${formatBytes(bytes)} of memory` : "");
    const last = link.newest((name) => name === "rollback" || name === "forget");
    status.draw(link, last?.outcome, last?.name === "forget" ? "forget" : "roll back");
  };

  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive") && draw())));
  draw();
  return scope.end;
}
