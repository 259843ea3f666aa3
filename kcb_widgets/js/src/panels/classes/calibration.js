// @ts-check
// The calibration: how often the model was right, by how sure it said it was.
import { h } from "../../ui/dom.js";

const SVG = "http://www.w3.org/2000/svg";
const SIZE = 180;
const EDGE = 22;

/** @param {string} name @param {Record<string, string | number>} attributes @param {...(Node | string)} children */
function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  element.append(...children);
  return element;
}

/** @param {import("../../link/wire.js").Calibrated} bins */
export function calibrationPlot({ samples, confidence, accuracy, error }) {
  const most = Math.max(1, ...samples);
  const at = (/** @type {number} */ value) => EDGE + value * SIZE;
  const up = (/** @type {number} */ value) => 4 + (1 - value) * SIZE;
  const words = samples.flatMap((count, i) => (count ? [`said ${confidence[i]?.toFixed(2)}, right ${accuracy[i]?.toFixed(2)} of ${count}`] : []));
  const bars = samples.map((count, i) => svg("rect", { class: "kcb-bin", x: at(i / samples.length), y: up(count / most * 0.3), width: SIZE / samples.length - 1, height: (SIZE * 0.3 * count) / most }));
  const points = samples.flatMap((count, i) => (count ? [svg("circle", { cx: at(confidence[i] ?? 0), cy: up(accuracy[i] ?? 0), r: 3.5 }, svg("title", {}, `said ${confidence[i]?.toFixed(3)}, right ${accuracy[i]?.toFixed(3)}, of ${count} samples`))] : []));
  const picture = svg("svg", { viewBox: `0 0 ${SIZE + EDGE + 8} ${SIZE + EDGE + 8}`, role: "img", "aria-label": `calibration: ${words.join("; ")}` },
    svg("rect", { class: "kcb-frame", x: at(0), y: up(1), width: SIZE, height: SIZE }),
    ...bars,
    svg("path", { class: "kcb-diagonal", d: `M${at(0)} ${up(0)}L${at(1)} ${up(1)}` }),
    ...points,
    svg("text", { x: at(0.5), y: SIZE + EDGE, "text-anchor": "middle" }, "how sure it said it was"),
    svg("text", { x: 12, y: up(0.5), "text-anchor": "middle", transform: `rotate(-90 12 ${up(0.5)})` }, "how often it was right"),
  );
  const figure = h("figure", {}, h("figcaption", { class: "kcb-sub" }, `calibration${error === null ? "" : `, expected error ${error.toFixed(3)}`}; bars: how many samples`));
  figure.append(picture);
  return figure;
}
