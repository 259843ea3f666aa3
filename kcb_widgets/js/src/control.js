// @ts-check
// One control: slider, number field, buttons. It shows Python's value, or what was requested and is not answered yet.
import { createScope, h, setAttribute, setText, throttle } from "./dom.js";
import { parse, round, setting, toNumber } from "./format.js";
import { createRange } from "./slider.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {import("./link.js").Control} Control */
/** @typedef {ReturnType<typeof createControl>} Row */

const PACE = 50;
const FACTORS = [
  { name: "/10", glyph: "÷10", factor: 0.1 },
  { name: "/2", glyph: "÷2", factor: 0.5 },
  { name: "x2", glyph: "×2", factor: 2 },
  { name: "x10", glyph: "×10", factor: 10 },
];

/** @param {Link} link @param {string} name @param {Control} first */
export function createControl(link, name, first) {
  const scope = createScope();
  const range = createRange({ min: toNumber(first.min), max: toNumber(first.max) });
  const slider = h("input", { type: "range", step: "0.01", "aria-label": name, class: "kcb-slider" });
  const field = h("input", { type: "text", inputmode: "decimal", "aria-label": name, class: "kcb-field", autocomplete: "off", spellcheck: "false" });
  const buttons = FACTORS.map(({ name: label, glyph, factor }) => ({
    factor,
    element: h("button", { type: "button", "aria-label": label, title: `${name} ${glyph}` }, glyph),
  }));
  const outcome = h("span", { class: "kcb-outcome", role: "status", "aria-live": "polite" });
  const element = h(
    "div",
    { class: "kcb-control", role: "group", "aria-label": name },
    h("span", { class: "kcb-name", title: name }, name),
    slider,
    field,
    h("span", { class: "kcb-buttons" }, ...buttons.map((button) => button.element)),
    outcome,
  );
  let control = first;
  let held = false;
  let typing = false;
  let complaint = "";
  /** @type {number | null} dragged to, not sent yet */
  let queued = null;

  /** @param {number} value */
  const request = (value) => {
    complaint = "";
    queued = null;
    link.command(name, value);
  };
  const dragged = throttle(request, PACE);
  scope.add(dragged.cancel);

  /** What is requested and not answered yet, else what Python says. */
  const wanted = () => {
    if (queued !== null) return queued;
    const last = link.outcome(name);
    return toNumber(last?.phase === "requested" ? last.value : control.value);
  };

  scope.listen(slider, "pointerdown", () => (held = true));
  const release = () => {
    if (!held) return;
    held = false;
    dragged.flush();
    draw();
  };
  for (const type of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) scope.listen(slider, type, release);
  scope.listen(slider, "input", () => {
    queued = range.value(Number(slider.value));
    setAttribute(slider, "aria-valuetext", setting(queued));
    dragged.call(queued);
  });

  const commit = () => {
    if (!typing) return;
    typing = false;
    const value = parse(field.value);
    if (value === null) {
      complaint = field.value.trim() ? `“${field.value.trim()}” is not a number` : "";
      draw();
    } else if (setting(value) === setting(wanted())) draw();
    else request(value);
  };
  scope.listen(field, "input", () => (typing = true));
  scope.listen(field, "blur", commit);
  scope.listen(field, "keydown", (event) => {
    if (event.key === "Enter") commit();
    else if (event.key === "Escape") {
      typing = false;
      complaint = "";
      draw();
    }
  });
  for (const button of buttons) {
    scope.listen(button.element, "click", () => {
      const value = wanted();
      if (value !== null) request(round(value * button.factor, 12));
    });
  }

  /** @param {boolean} off @returns {{text: string, phase: string}} */
  const report = (off) => {
    if (complaint) return { text: complaint, phase: "refused" };
    const last = link.outcome(name);
    if (last?.phase === "requested") return { text: `requested ${setting(last.value)}`, phase: "requested" };
    if (last?.phase === "refused") return { text: `refused: ${last.message || "no reason given"}`, phase: "refused" };
    if (last?.phase === "lost") return { text: `not applied: ${link.over() ? "the run is over" : "the connection is gone"}`, phase: "refused" };
    if (off && control.reason) return { text: String(control.reason), phase: "off" };
    if (last?.phase === "applied") {
      const where = last.step === null ? "applied" : `applied at step ${last.step}`;
      return { text: last.message ? `${where} · ${last.message}` : where, phase: "applied" };
    }
    return { text: "", phase: "" };
  };

  const draw = () => {
    const value = wanted();
    const off = control.enabled === false || link.over() || !link.alive();
    const { low, high } = held ? range.cover(null) : range.cover(value);
    const log = control.scale === "log" && control.kind === "number";
    slider.hidden = !log;
    if (!held) {
      setAttribute(slider, "min", low);
      setAttribute(slider, "max", high);
      slider.value = String(range.position(value));
      setAttribute(slider, "aria-valuetext", setting(value));
    }
    if (!typing) field.value = value === null ? "" : setting(value);
    setAttribute(field, "aria-invalid", complaint ? "true" : null);
    slider.disabled = field.disabled = off;
    for (const button of buttons) button.element.disabled = off || !value || !Number.isFinite(value);
    const { text, phase } = report(off);
    setText(outcome, text);
    setAttribute(outcome, "data-phase", phase);
    setAttribute(outcome, "title", text);
    element.classList.toggle("kcb-off", off);
    element.dataset.phase = phase;
  };

  return {
    element,
    /** @param {Control} next */
    update(next) {
      control = next;
      draw();
    },
    end() {
      scope.end();
      element.remove();
    },
  };
}
