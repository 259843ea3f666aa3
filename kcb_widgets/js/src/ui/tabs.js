// @ts-check
// A strip of tabs and the one panel on show. Only that one exists: what is not looked at costs nothing.
import { button, createScope, h, setAttribute, setHidden, setText } from "./dom.js";

/** @typedef {{name: string, title: string, count: () => number | null, attention: () => string, there: () => boolean, mount: (body: HTMLElement) => () => void}} Tab
 * there: whether it is offered; count: null for none; attention: why somebody should look, empty for no reason */

/** @param {Tab[]} tabs @param {{chosen: () => string, choose: (name: string) => void}} choice */
export function createTabs(tabs, { chosen, choose }) {
  const scope = createScope();
  const id = `kcb-${Math.random().toString(36).slice(2, 10)}`;
  const body = h("div", { class: "kcb-tab-body", id, role: tabs.length > 1 ? "tabpanel" : false });
  const strip = h("div", { class: "kcb-tabs", role: "tablist", "aria-label": "panels" });
  const parts = tabs.map((tab) => {
    const count = h("span", { class: "kcb-count" });
    const element = button("", { class: "kcb-tab", role: "tab", "aria-controls": id, id: `${id}-${tab.name}`, "data-tab": tab.name }, () => choose(tab.name));
    element.append(h("span", {}, tab.title), count);
    return { tab, element, count };
  });
  strip.append(...parts.map((each) => each.element));
  strip.hidden = tabs.length < 2;
  let shown = "";
  let end = () => {};

  const offered = () => parts.filter(({ tab }) => tab.there());
  const current = () => (offered().find(({ tab }) => tab.name === chosen()) ?? offered()[0])?.tab.name ?? "";
  const draw = () => {
    const name = current();
    for (const { tab, element, count } of parts) {
      setHidden(element, !tab.there());
      setAttribute(element, "aria-selected", String(tab.name === name));
      setAttribute(element, "tabindex", tab.name === name ? null : -1);
      const number = tab.count();
      setText(count, number === null ? "" : String(number));
      setHidden(count, number === null);
      const why = tab.name === name ? "" : tab.attention();
      element.classList.toggle("kcb-wanted", why !== "");
      setAttribute(element, "title", why || null);
    }
    if (name === shown) return;
    const height = body.offsetHeight;
    end();
    end = () => {};
    body.replaceChildren();
    // What is below the board stays where it is while people look from one tab to another.
    body.style.minHeight = shown && height ? `${Math.max(height, parseFloat(body.style.minHeight) || 0)}px` : "";
    shown = name;
    setAttribute(body, "aria-labelledby", `${id}-${name}`);
    const tab = tabs.find((each) => each.name === name);
    if (tab) end = tab.mount(body);
  };

  scope.listen(strip, "keydown", (event) => {
    const there = offered();
    const i = there.findIndex(({ element }) => element === document.activeElement || element === /** @type {any} */ (strip.getRootNode()).activeElement);
    const moves = /** @type {Record<string, number>} */ ({ ArrowLeft: i - 1, ArrowRight: i + 1, Home: 0, End: there.length - 1 });
    if (i < 0 || !(event.key in moves)) return;
    event.preventDefault();
    const next = there[(moves[event.key] + there.length) % there.length];
    choose(next.tab.name);
    next.element.focus();
  });
  scope.add(() => end());
  scope.add(() => strip.remove());
  scope.add(() => body.remove());
  return { strip, body, draw, end: scope.end };
}
