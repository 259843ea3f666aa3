// @ts-check
// What happened, newest first, one sentence each.
import { createScope, h, setText } from "../ui/dom.js";
import { createFold } from "../ui/fold.js";
import { sentence } from "../ui/sentence.js";

/** @typedef {Record<string, any>} Event */

/** @returns {import("../ui/fold.js").List<Event>} */
function createList() {
  const element = h("ol", { class: "kcb-list", tabindex: "0", "aria-label": "events, newest first" });
  return {
    element,
    update(events) {
      if (!events.length) return element.replaceChildren(h("li", { class: "kcb-none" }, "Nothing yet."));
      const fresh = events.map((event) => ({ kind: String(event.kind), text: sentence(event) })).reverse();
      const same = fresh.length === element.children.length && fresh.every((each, i) => element.children[i].textContent === each.text);
      if (!same) element.replaceChildren(...fresh.map(({ kind, text }) => h("li", { "data-kind": kind }, text)));
    },
    end: () => element.remove(),
  };
}

/** @type {import("../view.js").Panel} */
export function eventsPanel(body, { link, guard }) {
  const scope = createScope();
  const latest = h("span", { class: "kcb-latest" });
  const fold = createFold(link, "events", "Events", createList);
  scope.add(fold.end);
  fold.summary.append(latest);
  body.append(fold.element);

  const draw = () => {
    const events = link.events();
    fold.update(events);
    setText(latest, fold.element.open || !events.length ? "" : sentence(events[events.length - 1]));
  };

  scope.add(link.listen(guard((topic) => (topic === "events" || topic === "ui") && draw())));
  draw();
  return scope.end;
}
