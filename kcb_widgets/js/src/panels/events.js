// @ts-check
// The event log: newest first, one line each.
import { createDisclosure } from "../ui/disclosure.js";
import { createScope, h, setText } from "../ui/dom.js";
import { eventText } from "../ui/event_text.js";

/** @typedef {import("../link/wire.js").Event} Event */

/** @returns {import("../ui/disclosure.js").List<Event>} */
function createList() {
  const element = h("ol", { class: "kcb-list", tabindex: "0", "aria-label": "events, newest first" });
  return {
    element,
    update(events) {
      if (!events.length) return element.replaceChildren(h("li", { class: "kcb-none" }, "Nothing yet."));
      const fresh = events.map((event) => ({ kind: String(event.kind), text: eventText(event) })).reverse();
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
  const disclosure = createDisclosure(link, "events", "Events", createList);
  scope.add(disclosure.end);
  disclosure.summary.append(latest);
  body.append(disclosure.element);

  const draw = () => {
    const events = link.events();
    disclosure.update(events);
    setText(latest, disclosure.element.open || !events.length ? "" : eventText(events[events.length - 1]));
  };

  scope.add(link.listen(guard((topic) => (topic === "events" || topic === "ui") && draw())));
  draw();
  return scope.end;
}
