// @ts-check
// A number control: a field, a slider where the range is known, and factor buttons for learning rates.
import { createControlRow, formatValue, requestedOrCurrent } from "./control_row.js";
import { button, h, setAttribute, setHidden, throttle } from "../../ui/dom.js";
import { roundSignificant, toNumber } from "../../ui/format.js";
import { createNumberField } from "./number_field.js";
import { createSliderScale } from "./slider_scale.js";

/** @typedef {import("../../link/wire.js").Control} Control */

const DRAG_INTERVAL_MS = 50;
const FACTORS = [
  { name: "/10", glyph: "÷10", factor: 0.1 },
  { name: "/2", glyph: "÷2", factor: 0.5 },
  { name: "x2", glyph: "×2", factor: 2 },
  { name: "x10", glyph: "×10", factor: 10 },
];

/** @param {import("../../link/link.js").Link} link @param {Control} first @param {string} text @returns {import("./control_row.js").Row} */
export function createNumberControl(link, first, text) {
  const { name } = first;
  let control = first;
  /** @type {Control[]} */
  let toggles = [];
  let dragging = false;
  /** @type {number | null} the dragged value that is not sent yet */
  let unsent = null;
  const scale = createSliderScale(first);
  const wanted = () => (unsent !== null ? unsent : requestedOrCurrent(link, control));
  const slider = h("input", { type: "range", step: scale?.step ?? 1, "aria-label": name, class: "kcb-slider" });
  const none = button("off", { class: "kcb-toggle", title: `Switch ${name} off` });
  const slot = h("span", { class: "kcb-entry-slot" });
  const factors = first.scale === "log" && !first.of && /(^|\W)learning_rate$/.test(name) ? FACTORS : [];
  const buttons = factors.map(({ name: label, glyph, factor }) => ({
    factor,
    element: button(glyph, { "aria-label": label, title: `${name} ${glyph}` }),
  }));
  const row = createControlRow(link, first, text, slider, slot, h("span", { class: "kcb-buttons" }, ...buttons.map((each) => each.element)));
  const { scope } = row;

  /** @param {import("../../link/wire.js").Value} value */
  const request = (value) => {
    field.clearError();
    unsent = null;
    link.command(name, value);
  };
  const field = createNumberField(scope, name, { control: () => control, wanted, link, request, redraw: () => draw() });
  slot.append(field.input, ...(first.nullable ? [none] : []));
  const throttled = throttle(request, DRAG_INTERVAL_MS);
  scope.add(throttled.cancel);

  scope.listen(slider, "pointerdown", () => (dragging = true));
  const release = () => {
    if (!dragging) return;
    dragging = false;
    throttled.flush();
    draw();
  };
  for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) scope.listen(slider, type, release);
  scope.listen(slider, "input", () => {
    if (!scale) return;
    unsent = scale.value(Number(slider.value));
    setAttribute(slider, "aria-valuetext", formatValue(control, unsent));
    throttled.call(unsent);
  });
  scope.listen(none, "click", () => wanted() !== null && request(null));
  for (const each of buttons) {
    scope.listen(each.element, "click", () => {
      const value = toNumber(wanted());
      if (value !== null) request(roundSignificant(value * each.factor, 12));
    });
  }

  const draw = () => {
    const value = toNumber(wanted());
    const off = row.draw(control, toggles, field.error());
    setHidden(slider, !scale);
    if (scale && !dragging) {
      const { low, high } = scale.cover(value);
      setAttribute(slider, "min", low);
      setAttribute(slider, "max", high);
      slider.value = String(scale.position(value));
      setAttribute(slider, "aria-valuetext", formatValue(control, wanted()) || "–");
    }
    field.draw(off);
    slider.disabled = none.disabled = off;
    setAttribute(none, "aria-pressed", String(wanted() === null));
    for (const { element } of buttons) element.disabled = off || !value || !Number.isFinite(value);
  };

  return {
    element: row.element,
    outcome: row.outcome,
    update(next, companions) {
      control = next;
      toggles = companions;
      draw();
    },
    end: row.end,
  };
}
