// @ts-check
// The states of the model that are kept: back to one of them, or away with it.
import { button, createScope, h, setText } from "../ui/dom.js";
import { size } from "../ui/format.js";
import { createParts } from "../ui/parts.js";
import { createSaid } from "../ui/report.js";
import { snapshotSentence } from "../ui/sentence.js";

/** @type {import("../view.js").Panel} */
export function snapshotsPanel(body, { link, guard }) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const memory = h("span", { class: "kcb-muted" });
  const said = createSaid();
  const list = h("ol", { class: "kcb-kept", "aria-label": "snapshots, newest first" });
  body.append(h("div", { class: "kcb-line" }, h("span", {}, "Snapshots ", count), memory, said.element), list);
  /** @type {ReturnType<typeof createParts<{element: HTMLElement, text: HTMLElement, buttons: HTMLButtonElement[]}>>} */
  const rows = createParts(list);

  /** @param {import("../link/link.js").Snapshot} snapshot */
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
      setText(row.text, snapshotSentence(snapshot));
      for (const each of row.buttons) each.disabled = link.off();
    });
    setText(count, String(snapshots.length));
    const bytes = Number(link.state().snapshot_bytes) || 0;
    setText(memory, bytes ? `${size(bytes)} of memory` : "");
    const last = link.newest((name) => name === "rollback" || name === "forget");
    said.draw(link, last?.outcome, last?.name === "forget" ? "forget" : "roll back");
  };

  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive") && draw())));
  draw();
  return scope.end;
}
