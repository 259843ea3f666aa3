// @ts-check
// A number: a slider where a slider makes sense, a field always, factors for learning rates.
import { button, h, setAttribute, throttle } from "../../ui/dom.js";
import { createEntry } from "./entry.js";
import { round, toNumber } from "../../ui/format.js";
import { createRow, wantedOf, written } from "./row.js";
import { createRange } from "./slider.js";
import { createSpan } from "./span.js";

/** @typedef {import("../../link/link.js").Control} Control */

const PACE = 50;
const FACTORS = [
  { name: "/10", glyph: "÷10", factor: 0.1 },
  { name: "/2", glyph: "÷2", factor: 0.5 },
  { name: "x2", glyph: "×2", factor: 2 },
  { name: "x10", glyph: "×10", factor: 10 },
];

/** How a slider for this control moves; null where it has no ends to move between.
 * @param {Control} control */
function rangeOf(control) {
  const [min, max] = [toNumber(control.min), toNumber(control.max)];
  if (control.scale === "log") return max === null || max > 0 ? createRange({ min, max }) : null;
  if (min === null || max === null || !Number.isFinite(max - min) || max <= min) return null;
  return createSpan({ min, max, integer: control.integer });
}

/** @param {import("../../link/link.js").Link} link @param {Control} first @param {string} text @returns {import("./row.js").Row} */
export function createNumber(link, first, text) {
  const { name } = first;
  let control = first;
  /** @type {Control[]} */
  let toggles = [];
  let held = false;
  /** @type {number | null} dragged to, not sent yet */
  let queued = null;
  const range = rangeOf(first);
  const wanted = () => (queued !== null ? queued : wantedOf(link, control));
  const slider = h("input", { type: "range", step: range?.step ?? 1, "aria-label": name, class: "kcb-slider" });
  const none = button("off", { class: "kcb-toggle", title: `Switch ${name} off` });
  const slot = h("span", { class: "kcb-entry-slot" });
  const factors = first.scale === "log" && !first.of && /(^|\W)learning_rate$/.test(name) ? FACTORS : [];
  const buttons = factors.map(({ name: label, glyph, factor }) => ({
    factor,
    element: button(glyph, { "aria-label": label, title: `${name} ${glyph}` }),
  }));
  const row = createRow(link, first, text, slider, slot, h("span", { class: "kcb-buttons" }, ...buttons.map((each) => each.element)));
  const { scope } = row;

  /** @param {import("../../link/link.js").Value} value */
  const request = (value) => {
    entry.forgive();
    queued = null;
    link.command(name, value);
  };
  const entry = createEntry(scope, name, { control: () => control, wanted, link, request, redraw: () => draw() });
  slot.append(entry.field, ...(first.nullable ? [none] : []));
  const dragged = throttle(request, PACE);
  scope.add(dragged.cancel);

  scope.listen(slider, "pointerdown", () => (held = true));
  const release = () => {
    if (!held) return;
    held = false;
    dragged.flush();
    draw();
  };
  for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) scope.listen(slider, type, release);
  scope.listen(slider, "input", () => {
    if (!range) return;
    queued = range.value(Number(slider.value));
    setAttribute(slider, "aria-valuetext", written(control, queued));
    dragged.call(queued);
  });
  scope.listen(none, "click", () => wanted() !== null && request(null));
  for (const each of buttons) {
    scope.listen(each.element, "click", () => {
      const value = toNumber(wanted());
      if (value !== null) request(round(value * each.factor, 12));
    });
  }

  const draw = () => {
    const value = toNumber(wanted());
    const off = row.draw(control, toggles, entry.complaint());
    slider.hidden = !range;
    if (range && !held) {
      const { low, high } = range.cover(value);
      setAttribute(slider, "min", low);
      setAttribute(slider, "max", high);
      slider.value = String(range.position(value));
      setAttribute(slider, "aria-valuetext", written(control, wanted()) || "–");
    }
    entry.draw(off);
    slider.disabled = none.disabled = off;
    setAttribute(none, "aria-pressed", String(wanted() === null));
    for (const { element } of buttons) element.disabled = off || !value || !Number.isFinite(value);
  };

  return {
    element: row.element,
    update(next, companions) {
      control = next;
      toggles = companions;
      draw();
    },
    end: row.end,
  };
}
