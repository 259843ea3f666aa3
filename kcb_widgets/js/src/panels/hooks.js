// @ts-check
// Keras's callback hooks: their order, counts, log keys and time, and what an epoch's wall time is made of.
import { createScope, h, setAttribute, setText } from "../ui/dom.js";
import { formatSeconds } from "../ui/format.js";
import { createKeyedList } from "../ui/keyed_list.js";
import { createTable } from "../ui/table.js";

/** @typedef {import("../link/wire.js").HookRow} HookRow */
/** @typedef {import("../link/wire.js").TimeShare} TimeShare */
/** @typedef {import("../link/wire.js").Hooks} Hooks */

/** The parts of an epoch's wall time. Numbers make the bar readable without its colours. */
function createTimeBreakdown() {
  const bar = h("div", { class: "kcb-shares", role: "img" });
  const legend = h("ol", { class: "kcb-shares-legend", "aria-label": "the last epoch's wall time" });
  const element = h("div", {}, bar, legend);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement}>>} */
  const segments = createKeyedList(bar);
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, text: HTMLElement}>>} */
  const legendItems = createKeyedList(legend);
  return {
    element,
    /** @param {Hooks["epoch"]} epoch */
    update(epoch) {
      element.hidden = !epoch;
      if (!epoch) return;
      const parts = epoch.parts.map((part, i) => ({ ...part, number: String(i + 1) }));
      const keyOf = (/** @type {typeof parts[number]} */ { name, number }) => `${number} ${name}`;
      const text = (/** @type {TimeShare} */ { name, seconds }) => `${name} ${formatSeconds(seconds)}, ${Math.round((100 * seconds) / (epoch.total || 1))} %`;
      setAttribute(bar, "aria-label", `the last epoch took ${formatSeconds(epoch.total)}: ${parts.map(text).join("; ")}`);
      segments.draw(parts, keyOf, ({ name, number }) => ({ element: h("span", { "data-part": name }, h("b", {}, number)) }), (piece, part) => {
        piece.element.hidden = !part.seconds;
        piece.element.style.flexGrow = String(part.seconds / (epoch.total || 1));
        setAttribute(piece.element, "title", text(part));
      });
      legendItems.draw(parts, keyOf, ({ name, number }) => {
        const said = h("span");
        return { element: h("li", { "data-part": name }, h("b", {}, number), said), text: said };
      }, (part, each) => setText(part.text, text(each)));
    },
  };
}

/** @param {() => Hooks} hooks @returns {import("../ui/disclosure.js").List<HookRow>} */
function createBody(hooks) {
  const breakdown = createTimeBreakdown();
  const table = createTable("hooks", ["hook", "calls", "time", "log keys"], (/** @type {HookRow} */ { name, count, seconds, keys }) =>
    [name, String(count), formatSeconds(seconds), keys.join(", ")]);
  const trace = h("ol", { class: "kcb-trace", "aria-label": "the latest hooks, oldest first" });
  const element = h("div", { class: "kcb-cards" }, breakdown.element, table.element, trace);
  return {
    element,
    update(rows) {
      breakdown.update(hooks().epoch);
      table.update(rows);
      const { trace: names } = hooks();
      trace.hidden = !names.length;
      names.forEach((name, i) => setText(trace.children[i] ?? trace.appendChild(h("li")), name));
      while (trace.children.length > names.length) trace.lastElementChild?.remove();
    },
    end: () => element.remove(),
  };
}

/** @type {import("../view.js").Panel} */
export function hooksPanel(body, { link, guard }) {
  const scope = createScope();
  const bound = h("p", { class: "kcb-bound", role: "status" });
  const parts = createBody(link.hooks);
  const none = h("p", { class: "kcb-muted" }, "No hook of Keras was called yet.");
  scope.add(parts.end);
  body.append(bound, none, parts.element);

  const draw = () => {
    const hooks = link.hooks();
    none.hidden = hooks.rows.length > 0;
    parts.element.hidden = !hooks.rows.length;
    parts.update(hooks.rows);
    setText(bound, hooks.bound);
  };
  scope.add(link.listen(guard((topic) => topic === "hooks" && draw())));
  draw();
  return scope.end;
}
