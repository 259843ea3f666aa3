// @ts-check
// Parallel coordinates and the scatter with what belongs to each: the list of axes, the choice of x and y.
import { h, setText } from "../../ui/dom.js";
import { createAxisList } from "./axis_list.js";
import { createParallel } from "./parallel.js";
import { wordOf } from "./quantities.js";
import { createScatter } from "./scatter.js";
import { createScatterChooser } from "./scatter_chooser.js";

/** @typedef {import("./brush.js").Part} Part */
/** @typedef {import("./quantities.js").Quantity} Quantity */
/** @typedef {{element: HTMLElement, draw: () => void, highlight: (id: string | null) => void, end: () => void}} View */
/** @typedef {{theme: import("../../ui/theme.js").Theme, rows: () => import("./comparison.js").Row[], known: () => Map<string, Quantity>, kept: () => Set<string>, outcome: () => Quantity | null,
 *   now: () => import("./relations.js").Chosen, change: (changed: Partial<import("./relations.js").Chosen>) => void, axisOf: (quantity: Quantity) => import("./axis.js").Axis,
 *   rescale: (name: string, scale: string) => void, hover: (id: string | null) => void}} Common */

const MOST_AXES = 30;

/** @param {Common & {axes: () => string[], brush: (name: string, parts: Part[] | undefined, done?: boolean) => void, colouring: () => Pick<import("./parallel.js").Lines, "colour" | "rank">}} context
 * @returns {View} */
export function createParallelView({ theme, rows, known, kept, outcome, now, change, axisOf, rescale, hover, axes, brush, colouring }) {
  /** @param {string} name @param {number} to */
  const move = (name, to) => {
    const next = axes().filter((each) => each !== name);
    next.splice(to, 0, name);
    change({ axes: next });
  };
  const plot = createParallel({ theme, onHover: hover, onBrush: brush, onMove: move });
  const list = createAxisList({
    onBrush: brush,
    onMove: move,
    onScale: rescale,
    onAdd: (name) => change({ axes: [...axes(), name] }),
    onRemove: (name) => change({ axes: axes().filter((each) => each !== name) }),
  });
  const read = h("p", { class: "kcb-reading-out" });
  return {
    element: h("section", { class: "kcb-relating", "aria-label": "parallel coordinates" }, h("div", {}, plot.element, read), list.element),
    draw() {
      const { brush: parts, scales } = now();
      const uprights = axes().flatMap((name) => {
        const quantity = known().get(name);
        return quantity ? [{ ...quantity, axis: axisOf(quantity), parts: Object.hasOwn(parts, name) ? parts[name] : undefined }] : [];
      });
      plot.update({ uprights, rows: rows(), kept: kept(), ...colouring() });
      list.update(uprights, scales, uprights.length < MOST_AXES ? [...known().values()].filter(({ name }) => !uprights.some((each) => each.name === name)) : []);
    },
    highlight(id) {
      plot.highlight(id);
      const row = rows().find((each) => each.id === id);
      const own = outcome();
      setText(read, row ? `${row.name}${own ? `: ${own.title} ${wordOf(own.of(row))}` : ""}` : "");
    },
    end() {
      plot.end();
      list.end();
    },
  };
}

/** @param {Common & {shown: () => string[], settings: () => string[], onIsolate: (id: string) => void, onToggle: (id: string) => void}} context @returns {View} */
export function createScatterView({ theme, rows, known, kept, outcome, now, change, axisOf, rescale, hover, shown, settings, onIsolate, onToggle }) {
  const plot = createScatter({ theme, onHover: hover, onIsolate, onToggle });
  const chooser = createScatterChooser({ onPair: (pair) => change({ scatter: pair }), onScale: rescale });
  return {
    element: h("section", { "aria-label": "scatter" }, chooser.element, plot.element),
    draw() {
      const [x, y] = now().scatter;
      const sides = [x ?? settings()[0] ?? "duration", y ?? outcome()?.name ?? ""].map((name) => {
        const quantity = known().get(name);
        return quantity ? { quantity, axis: axisOf(quantity) } : null;
      });
      chooser.update(known(), sides[0], sides[1], now().scatter);
      plot.update({ x: sides[0], y: sides[1], rows: rows(), kept: kept(), shown: new Set(shown()) });
    },
    highlight: plot.highlight,
    end() {
      plot.end();
      chooser.end();
    },
  };
}
