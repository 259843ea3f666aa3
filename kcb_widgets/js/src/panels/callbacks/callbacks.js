// @ts-check
// The callbacks panel: one card for each callback that fit got beside the monitor.
import { createCard } from "./card.js";
import { createDisclosure } from "../../ui/disclosure.js";
import { createScope, h } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/wire.js").Card} Card */

/** @type {import("../../view.js").Panel} */
export function callbacksPanel(body, { link, guard }) {
  const scope = createScope();
  /** @returns {import("../../ui/disclosure.js").List<Card>} */
  const createCards = () => {
    const element = h("div", { class: "kcb-cards" });
    /** @type {ReturnType<typeof createKeyedList<ReturnType<typeof createCard>>>} */
    const cards = createKeyedList(element);
    return {
      element,
      update: (items) => cards.draw(items, (card) => card.id, (card) => createCard(link, card), (part, card) => part.update(card)),
      end() {
        cards.end();
        element.remove();
      },
    };
  };
  const disclosure = createDisclosure(link, "callbacks", "Callbacks", createCards);
  scope.add(disclosure.end);
  body.append(disclosure.element);

  const draw = () => {
    const cards = link.cards();
    body.hidden = !cards.length;
    disclosure.update(cards, cards.some((card) => card.known));
  };
  scope.add(link.listen(guard((topic) => ["callbacks", "controls", "state", "alive", "ui"].includes(topic) && draw())));
  draw();
  return scope.end;
}
