// @ts-check
// A disclosure: a heading that opens a list. The list exists only while open: a model may have hundreds of layers.
import { createScope, h, setText } from "./dom.js";

/** @template T @typedef {{element: HTMLElement, update: (items: T[]) => void, end: () => void}} List */

/** @template T @param {import("../link/link.js").Link} link @param {string} key of `link.ui.open`, which keeps whether it is open
 * @param {string} title @param {() => List<T>} build */
export function createDisclosure(link, key, title, build) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const summary = h("summary", {}, `${title} `, count);
  const element = h("details", { class: "kcb-fold" }, summary);
  /** @type {List<T> | null} */
  let list = null;
  /** @type {T[]} */
  let items = [];
  let openByDefault = false;
  const wantedOpen = () => link.ui.open.get(key) ?? openByDefault;

  const draw = () => {
    const open = wantedOpen();
    if (element.open !== open) element.open = open;
    if (open && !list) element.append((list = build()).element);
    if (!open) {
      list?.end();
      list = null;
    }
    setText(count, String(items.length));
    list?.update(items);
  };

  scope.listen(element, "toggle", () => {
    if (element.open !== wantedOpen()) link.setUi({ open: new Map(link.ui.open).set(key, element.open) });
  });
  scope.add(() => list?.end());
  scope.add(() => element.remove());
  return {
    element,
    summary,
    /** @param {T[]} next @param {boolean} [open] the state before the user chooses one */
    update(next, open = false) {
      items = next;
      openByDefault = open;
      draw();
    },
    end: scope.end,
  };
}
