// @ts-check
// Snapshots can be opened where they are marked: by pointer in every plot, and as real buttons over the first.
import { button, h, setAttribute } from "../../ui/dom.js";
import { createParts } from "../../ui/parts.js";

/** @typedef {import("./marks.js").Mark} Mark */

const MOST = 40;
const WIDE = 8;
const HIGH = 20;

/** The snapshot under the pointer, if there is one. @param {import("uplot")} u @param {Mark[]} marks @param {MouseEvent} event */
export function snapshotAt(u, marks, event) {
  const { left, bottom } = u.over.getBoundingClientRect();
  const above = bottom - event.clientY;
  if (above < -2 || above > HIGH) return null;
  /** @type {Mark | null} */
  let best = null;
  let near = WIDE;
  for (const mark of marks) {
    if (!mark.snapshot) continue;
    const distance = Math.abs(u.valToPos(mark.x, "x") - (event.clientX - left));
    if (distance > near) continue;
    [best, near] = [mark, distance];
  }
  return best;
}

/** @param {(id: string) => void} onOpen */
export function createSpots(onOpen) {
  const layer = h("div", { class: "kcb-marks" });
  /** @type {ReturnType<typeof createParts<{element: HTMLButtonElement}>>} */
  const spots = createParts(layer);

  return {
    /** @param {import("uplot")} u @param {Mark[]} marks */
    draw(u, marks) {
      if (layer.parentElement !== u.over) u.over.append(layer);
      const width = u.over.clientWidth;
      const shown = marks
        .map((mark) => ({ mark, at: mark.snapshot ? u.valToPos(mark.x, "x") : NaN }))
        .filter(({ at }) => at >= 0 && at <= width)
        .slice(-MOST);
      spots.draw(
        shown,
        ({ mark }) => mark.snapshot,
        ({ mark }) => ({ element: button("", { class: "kcb-mark" }, () => onOpen(mark.snapshot)) }),
        ({ element }, { mark, at }) => {
          setAttribute(element, "aria-label", mark.text.split(" · ")[0]);
          setAttribute(element, "title", mark.text);
          element.style.left = `${Math.round(at)}px`;
        },
      );
    },
  };
}
