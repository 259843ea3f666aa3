// @ts-check
// A heading that unfolds. What is under it exists only while it is open: a model may have hundreds of layers.
import { createScope, h, setText } from "./dom.js";

/** @typedef {{element: HTMLElement, update: (controls: import("./link.js").Control[]) => void, end: () => void}} List */

/** @param {import("./link.js").Link} link @param {string} key whether it is open is kept under this name
 * @param {string} title @param {() => List} build */
export function createFold(link, key, title, build) {
  const scope = createScope();
  const count = h("span", { class: "kcb-count" });
  const summary = h("summary", {}, `${title} `, count);
  const element = h("details", { class: "kcb-fold" }, summary);
  /** @type {List | null} */
  let list = null;
  /** @type {import("./link.js").Control[]} */
  let controls = [];

  const draw = () => {
    const open = link.ui.open.has(key);
    if (element.open !== open) element.open = open;
    if (open && !list) element.append((list = build()).element);
    if (!open) {
      list?.end();
      list = null;
    }
    setText(count, String(controls.length));
    list?.update(controls);
  };

  scope.listen(element, "toggle", () => {
    if (element.open === link.ui.open.has(key)) return;
    const open = new Set(link.ui.open);
    if (!open.delete(key)) open.add(key);
    link.choose({ open });
  });
  scope.add(() => list?.end());
  scope.add(() => element.remove());
  return {
    element,
    /** @param {typeof controls} next */
    update(next) {
      controls = next;
      draw();
    },
    end: scope.end,
  };
}
