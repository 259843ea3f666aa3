// @ts-check
// The event log: newest first, one line each. A drag of a slider is one line.
import { createScope, h, setAttribute, setText } from "../ui/dom.js";
import { eventText, mergeDrags } from "../ui/event_text.js";

/** @typedef {import("../link/wire.js").Event} Event */

const TROUBLES = new Set(["error", "warning", "nan", "alert"]);

/** How many events tell of something wrong. @param {Event[]} events */
export const troubles = (events) => events.filter((each) => TROUBLES.has(each.kind)).length;

/** @type {import("../view.js").Panel} */
export function eventsPanel(body, { link, guard }) {
  const scope = createScope();
  const list = h("ol", { class: "kcb-list", tabindex: "0", "aria-label": "events, newest first" });
  body.append(list);

  const draw = () => {
    const events = link.events();
    link.ui.seen = troubles(events);
    if (!events.length) return list.replaceChildren(h("li", { class: "kcb-none" }, "Nothing yet."));
    const fresh = mergeDrags(events).reverse();
    fresh.forEach((event, i) => {
      const item = list.children[i] ?? list.appendChild(h("li"));
      setAttribute(item, "data-kind", String(event.kind));
      setText(item, eventText(event));
    });
    while (list.children.length > fresh.length) list.lastElementChild?.remove();
  };

  scope.add(link.listen(guard((topic) => topic === "events" && draw())));
  draw();
  return scope.end;
}
