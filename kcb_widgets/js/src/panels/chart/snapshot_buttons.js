// @ts-check
// Opens snapshots at their marks: by pointer in every plot, by buttons over the first.
import { button, h, setAttribute } from "../../ui/dom.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("./marks.js").Mark} Mark */

const MAX_BUTTONS = 40;
const HIT_WIDTH = 8;
const HIT_HEIGHT = 20;

/** The snapshot under the pointer, if there is one. @param {import("uplot")} u @param {Mark[]} marks @param {MouseEvent} event */
export function snapshotAt(u, marks, event) {
  const { left, bottom } = u.over.getBoundingClientRect();
  const above = bottom - event.clientY;
  if (above < -2 || above > HIT_HEIGHT) return null;
  /** @type {Mark | null} */
  let best = null;
  let near = HIT_WIDTH;
  for (const mark of marks) {
    if (!mark.snapshot) continue;
    const distance = Math.abs(u.valToPos(mark.x, "x") - (event.clientX - left));
    if (distance > near) continue;
    [best, near] = [mark, distance];
  }
  return best;
}

/** @param {(id: string) => void} onOpen */
export function createSnapshotButtons(onOpen) {
  const layer = h("div", { class: "kcb-marks" });
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLButtonElement}>>} */
  const buttons = createKeyedList(layer);

  return {
    /** @param {import("uplot")} u @param {Mark[]} marks */
    draw(u, marks) {
      if (layer.parentElement !== u.over) u.over.append(layer);
      const { min = 0, max = 0 } = u.scales.x;
      const shown = marks.filter(({ snapshot, x }) => snapshot && x >= min && x <= max).slice(-MAX_BUTTONS);
      buttons.draw(
        shown,
        ({ snapshot }) => snapshot,
        ({ snapshot }) => ({ element: button("", { class: "kcb-mark" }, () => onOpen(snapshot)) }),
        ({ element }, { text, x }) => {
          setAttribute(element, "aria-label", text.split(" · ")[0]);
          setAttribute(element, "title", text);
          element.style.left = `${Math.round(u.valToPos(x, "x"))}px`;
        },
      );
    },
  };
}
