// @ts-check
// The callbacks panel: one card for each callback that fit got beside the monitor.
import { createCard } from "./card.js";
import { createScope, h } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @type {import("../../view.js").Panel} */
export function callbacksPanel(body, { link, guard }) {
  const scope = createScope();
  const list = h("div", { class: "kcb-cards" });
  const none = h("p", { class: "kcb-muted" }, "fit was given no other callbacks.");
  /** @type {ReturnType<typeof createKeyedList<ReturnType<typeof createCard>>>} */
  const cards = createKeyedList(list);
  scope.add(cards.end);
  body.append(none, list);

  const draw = () => {
    const items = link.cards();
    none.hidden = items.length > 0;
    cards.draw(items, (card) => card.id, (card) => createCard(link, card), (part, card) => part.update(card));
  };
  scope.add(link.listen(guard((topic) => ["callbacks", "controls", "state", "alive", "ui"].includes(topic) && draw())));
  draw();
  return scope.end;
}
