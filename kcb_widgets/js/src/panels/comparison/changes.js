// @ts-check
// What was changed by hand in the runs that are drawn, as a list: what the triangles on the curves say.
import { createScope, h, setText } from "../../ui/dom.js";

/** @param {(run: string) => {name: string} | undefined} rowOf */
export function createChanges(rowOf) {
  const scope = createScope();
  const summary = h("summary");
  const list = h("ul");
  const element = h("details", { class: "kcb-changes", hidden: true }, summary, list);
  /** @type {{run: string, text: string}[]} */
  let marks = [];
  const draw = () => list.replaceChildren(...(element.open ? marks.map(({ run, text }) => h("li", {}, `${rowOf(run)?.name ?? run}, ${text}`)) : []));
  scope.listen(element, "toggle", draw);
  return {
    element,
    /** @param {{run: string, text: string}[]} next @param {boolean} more there are than these */
    update(next, more) {
      marks = next;
      element.hidden = !marks.length;
      setText(summary, `▲ changed by hand (${more ? "the latest " : ""}${marks.length})`);
      draw();
    },
    end: scope.end,
  };
}
