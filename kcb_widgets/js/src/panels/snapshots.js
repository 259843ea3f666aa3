// @ts-check
// The snapshots of the model: roll back to one, or forget it.
import { createCommandStatus } from "../ui/command_status.js";
import { createControlList } from "./controls/control_list.js";
import { button, createScope, h, setAttribute, setText } from "../ui/dom.js";
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
  const none = h("p", { class: "kcb-muted" }, "Nothing is kept yet: press Snapshot in Controls, or switch on what is taken by itself.");
  const settings = createControlList(link, (control) => control.label);
  scope.add(settings.end);
  const take = button("Snapshot now", { title: "Keep the model as it is now, to come back to" }, () => link.command("snapshot", null));
  body.append(h("div", { class: "kcb-line" }, h("span", {}, "Snapshots ", count), memory, take, status.element), none, list, settings.element);
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
    none.hidden = snapshots.length > 0;
    list.hidden = !snapshots.length;
    settings.update(link.controls().filter((each) => each.group === "snapshots"));
    rows.draw(snapshots, (each) => each.id, createRow, (row, snapshot) => {
      setText(row.text, snapshotText(snapshot));
      const [back, forget] = row.buttons;
      const why = link.over() ? link.state().can?.rollback ?? "the run is over" : link.state().can?.rollback ?? "";
      back.disabled = !link.alive() || why !== "";
      setAttribute(back, "title", why || "Train on from this state of the model");
      forget.disabled = link.readOnly();
    });
    setText(count, String(snapshots.length));
    const bytes = Number(link.state().snapshot_bytes) || 0;
    setText(memory, bytes ? `${formatBytes(bytes)} of memory` : "");
    take.disabled = link.readOnly();
    const last = link.newest((name) => name === "rollback" || name === "forget" || name === "snapshot");
    status.draw(link, last?.outcome, last?.name === "rollback" ? "roll back" : last?.name);
  };

  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive" || topic === "controls") && draw())));
  draw();
  return scope.end;
}
