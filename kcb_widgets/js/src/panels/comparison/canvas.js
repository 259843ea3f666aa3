// @ts-check
// A canvas as sharp as the screen, drawn once a frame at most.
import { createScope, h } from "../../ui/dom.js";

/** @param {HTMLElement} holder @param {() => number} height @param {(context: CanvasRenderingContext2D, width: number, height: number, ratio: number) => void} paint */
export function createCanvas(holder, height, paint) {
  const scope = createScope();
  const element = h("canvas");
  const context = /** @type {CanvasRenderingContext2D} */ (element.getContext("2d"));
  let frame = 0;
  const size = () => ({ width: Math.max(160, Math.floor(holder.clientWidth)), height: height() });

  const draw = () => {
    frame = 0;
    const { width, height } = size();
    const ratio = devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (element.width !== w || element.height !== h) {
      [element.width, element.height] = [w, h];
      [element.style.width, element.style.height] = [`${width}px`, `${height}px`];
    }
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    paint(context, width, height, ratio);
  };
  const ask = () => {
    frame ||= requestAnimationFrame(draw);
  };
  holder.append(element);
  let known = 0;
  const resized = new ResizeObserver(() => {
    if (holder.clientWidth !== known) {
      known = holder.clientWidth;
      ask();
    }
  });
  resized.observe(holder);
  scope.add(() => resized.disconnect());
  scope.add(() => cancelAnimationFrame(frame));
  scope.add(() => element.remove());

  return {
    element,
    size,
    draw: ask,
    /** @param {PointerEvent} event @returns {[number, number]} where it is on the canvas */
    at(event) {
      const box = element.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    },
    end: scope.end,
  };
}

/** A text that is no wider; its middle is left out where it must be.
 * @param {CanvasRenderingContext2D} context @param {string} text @param {number} width */
export function fitted(context, text, width) {
  if (context.measureText(text).width <= width) return text;
  for (let most = Math.min(60, text.length - 1); most > 3; most--) {
    const head = Math.ceil((most - 1) / 2);
    const short = `${text.slice(0, head)}…${text.slice(text.length - (most - 1 - head))}`;
    if (context.measureText(short).width <= width) return short;
  }
  return `${text.slice(0, 2)}…`;
}

/** Text that is read over lines. @param {CanvasRenderingContext2D} context @param {string} text @param {number} x @param {number} y @param {string} ground */
export function written(context, text, x, y, ground) {
  context.save();
  context.lineWidth = 3;
  context.lineJoin = "round";
  context.strokeStyle = ground;
  context.strokeText(text, x, y);
  context.restore();
  context.fillText(text, x, y);
}
