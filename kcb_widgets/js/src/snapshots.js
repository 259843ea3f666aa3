// @ts-check
// The states of the model that are kept: back to one of them, or away with it.
import { createScope, h, setAttribute, setText } from "./dom.js";
import { size } from "./format.js";
import { report } from "./report.js";
import { snapshotSentence } from "./sentence.js";

/** @type {import("./view.js").Panel} */
export function snapshotsPanel(body, { link, guard }) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const memory = h("span", { class: "kcb-muted" });
  const said = h("span", { class: "kcb-said", role: "status", "aria-live": "polite" });
  const list = h("ol", { class: "kcb-kept", "aria-label": "snapshots, newest first" });
  body.append(h("div", { class: "kcb-line" }, h("span", {}, "Snapshots ", count), memory, said), list);
  /** @type {Map<string, {element: HTMLElement, text: HTMLElement, buttons: HTMLButtonElement[]}>} */
  const rows = new Map();

  /** @param {import("./link.js").Snapshot} snapshot */
  const createRow = ({ id, step }) => {
    const back = h("button", { type: "button", "aria-label": `roll back to step ${step}`, title: "Train on from this state of the model" }, "Roll back");
    const forget = h("button", { type: "button", class: "kcb-quiet", "aria-label": `forget step ${step}`, title: "Free its memory" }, "forget");
    back.addEventListener("click", () => link.command("rollback", id));
    forget.addEventListener("click", () => link.command("forget", id));
    const text = h("span", { class: "kcb-kept-text" });
    return { element: h("li", {}, text, back, forget), text, buttons: [back, forget] };
  };

  const draw = () => {
    const snapshots = [...link.snapshots()].reverse();
    body.hidden = !snapshots.length;
    const ids = new Set(snapshots.map((each) => each.id));
    for (const [id, row] of rows) {
      if (ids.has(id)) continue;
      row.element.remove();
      rows.delete(id);
    }
    const off = link.over() || !link.alive();
    snapshots.forEach((snapshot, i) => {
      let row = rows.get(snapshot.id);
      if (!row) rows.set(snapshot.id, (row = createRow(snapshot)));
      if (list.children[i] !== row.element) list.insertBefore(row.element, list.children[i] ?? null);
      setText(row.text, snapshotSentence(snapshot));
      for (const button of row.buttons) button.disabled = off;
    });
    setText(count, String(snapshots.length));
    const bytes = Number(link.state().snapshot_bytes) || 0;
    setText(memory, bytes ? `${size(bytes)} of memory` : "");
    const last = link.newest((name) => name === "rollback" || name === "forget");
    const { text, phase } = report(link, last?.outcome ?? null, "");
    const what = last?.name === "forget" ? "forget" : "roll back";
    setText(said, text ? `${what}: ${text}` : "");
    setAttribute(said, "data-phase", phase);
  };

  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive") && draw())));
  draw();
  return scope.end;
}
