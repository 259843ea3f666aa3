// @ts-check
// What happened, newest first, one sentence each.
import { createScope, h, setText } from "./dom.js";
import { sentence } from "./sentence.js";

/** @type {import("./view.js").Panel} */
export function eventsPanel(body, { link, guard }) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const latest = h("span", { class: "kcb-latest" });
  const list = h("ol", { class: "kcb-list", tabindex: "0", "aria-label": "events, newest first" });
  const details = h("details", {}, h("summary", {}, "Events ", count, latest), list);
  body.append(details);

  const draw = () => {
    const events = link.events();
    setText(count, String(events.length));
    setText(latest, details.open || !events.length ? "" : sentence(events[events.length - 1]));
    if (details.open !== link.ui.eventsOpen) details.open = link.ui.eventsOpen;
    if (!details.open) return list.replaceChildren();
    if (!events.length) return list.replaceChildren(h("li", { class: "kcb-none" }, "Nothing yet."));
    const fresh = events.map((event) => ({ kind: String(event.kind), text: sentence(event) })).reverse();
    const same = fresh.length === list.children.length && fresh.every((each, i) => list.children[i].textContent === each.text);
    if (!same) list.replaceChildren(...fresh.map(({ kind, text }) => h("li", { "data-kind": kind }, text)));
  };

  scope.listen(details, "toggle", () => details.open !== link.ui.eventsOpen && link.choose({ eventsOpen: details.open }));
  scope.add(link.listen(guard((topic) => (topic === "events" || topic === "ui") && draw())));
  draw();
  return scope.end;
}
