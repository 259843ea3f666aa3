// @ts-check
// Steering: one row for each control, Stop, and the badge that says how a command gets to training.
import { createControl } from "./control.js";
import { createScope, h, setAttribute, setText } from "./dom.js";

/** @typedef {import("./link.js").Control} Control */

/** @type {import("./view.js").Panel} */
export function controlsPanel(body, { link, presence, guard }) {
  const scope = createScope();
  const rows = h("div", { class: "kcb-rows" });
  const stop = h("button", { type: "button", class: "kcb-stop", title: "End training after the current batch" }, "Stop");
  const badge = h("span", { class: "kcb-badge" });
  const note = h("p", { class: "kcb-note", role: "status", "aria-live": "polite" });
  body.append(rows, h("div", { class: "kcb-side" }, badge, stop), note);
  /** @type {Map<string, import("./control.js").Row>} */
  const byName = new Map();
  scope.add(() => byName.forEach((row) => row.end()));

  const drawBadge = () => {
    const { kind, text, title } = presence.reach();
    setText(badge, text);
    setAttribute(badge, "data-reach", kind);
    setAttribute(badge, "title", title);
  };

  const drawStop = () => {
    const state = link.state();
    const asked = link.outcome("stop");
    const stopping = state.status === "stopping" || (!link.over() && (asked?.phase === "requested" || asked?.phase === "applied"));
    setText(stop, stopping ? "Stopping…" : "Stop");
    stop.classList.toggle("kcb-stopping", stopping);
    stop.disabled = stopping || link.over() || !link.alive();
    const refused = asked?.phase === "refused" ? `refused: ${asked.message}` : "";
    // The header shows how a run ended; here is what the user waits for while it stops.
    const wait = stopping || (state.status !== "failed" && state.status !== "interrupted") ? String(state.message ?? "") : "";
    setText(note, refused || wait);
  };

  const draw = () => {
    const controls = /** @type {Control[]} */ (Array.isArray(link.state().controls) ? link.state().controls : []);
    const named = new Map(controls.filter((each) => each && each.name).map((each) => [String(each.name), each]));
    for (const [name, row] of byName) {
      if (named.has(name)) continue;
      row.end();
      byName.delete(name);
    }
    for (const [name, control] of named) {
      let row = byName.get(name);
      if (!row) {
        row = createControl(link, name, control);
        byName.set(name, row);
        rows.append(row.element);
      }
      row.update(control);
    }
    drawStop();
    drawBadge();
  };

  scope.listen(stop, "click", () => link.command("stop", null));
  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive") && draw())));
  scope.add(presence.listen(guard(drawBadge)));
  draw();
  return scope.end;
}
