// @ts-check
// A button that opens a small box of others. Escape and leaving it close it.
import { createScope, h } from "./dom.js";

/** @param {string} label @param {string} glyph @param {Node[]} items @param {Record<string, string>} [attributes] */
export function createMenu(label, glyph, items, attributes = {}) {
  const scope = createScope();
  const summary = h("summary", { "aria-label": label, title: label, ...attributes }, glyph);
  const body = h("div", { class: "kcb-menu-body", role: "group", "aria-label": label }, ...items);
  const element = h("details", { class: "kcb-menu" }, summary, body);
  const close = () => {
    if (element.contains(document.activeElement)) summary.focus();
    element.open = false;
  };
  scope.listen(element, "keydown", (event) => {
    if (event.key !== "Escape" || !element.open) return;
    event.stopPropagation();
    close();
  });
  scope.listen(element, "focusout", (event) => event.relatedTarget && !element.contains(event.relatedTarget) && (element.open = false));
  scope.listen(document, "pointerdown", (event) => element.open && !event.composedPath().includes(element) && (element.open = false));
  return { element, summary, body, close, end: scope.end };
}
