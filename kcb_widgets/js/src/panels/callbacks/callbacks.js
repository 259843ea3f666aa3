// @ts-check
// The callbacks that were passed along with the monitor, each on a card of its own.
import { createCard } from "./card.js";
import { createScope, h } from "../../ui/dom.js";
import { createFold } from "../../ui/fold.js";
import { createParts } from "../../ui/parts.js";

/** @typedef {import("./card.js").Card} Card */

/** @type {import("../../view.js").Panel} */
export function callbacksPanel(body, { link, guard }) {
  const scope = createScope();
  /** @returns {import("../../ui/fold.js").List<Card>} */
  const createCards = () => {
    const element = h("div", { class: "kcb-cards" });
    /** @type {ReturnType<typeof createParts<ReturnType<typeof createCard>>>} */
    const cards = createParts(element);
    return {
      element,
      update: (items) => cards.draw(items, (card) => card.id, (card) => createCard(link, card), (part, card) => part.update(card)),
      end() {
        cards.end();
        element.remove();
      },
    };
  };
  const fold = createFold(link, "callbacks", "Callbacks", createCards);
  scope.add(fold.end);
  body.append(fold.element);

  const draw = () => {
    const cards = link.cards();
    body.hidden = !cards.length;
    fold.update(cards, cards.some((card) => card.known));
  };
  scope.add(link.listen(guard((topic) => ["callbacks", "controls", "state", "alive", "ui"].includes(topic) && draw())));
  draw();
  return scope.end;
}
