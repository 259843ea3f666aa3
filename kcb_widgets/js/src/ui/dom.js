// @ts-check
// DOM helpers in place of a framework. Strings become text nodes, never HTML: names come from outside.

/**
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, string | number | boolean>} [attributes] `true` sets an empty attribute, `false` leaves it out
 * @param {...(Node | string)} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false) element.setAttribute(name, value === true ? "" : String(value));
  }
  element.append(...children);
  return element;
}

/** @param {string} text @param {Record<string, string | number | boolean>} [attributes] @param {() => void} [onClick] goes with the button */
export function button(text, attributes, onClick) {
  const element = h("button", { type: "button", ...attributes }, text);
  if (onClick) element.addEventListener("click", onClick);
  return element;
}

/** Writing the same text again would wake live regions and cost a layout. A new text node for each text would have the
 * browser match every :has() above it anew, so the one that is there is kept.
 * @param {Node} node @param {string} text */
export function setText(node, text) {
  if (node.textContent === text) return;
  const only = node.firstChild;
  if (text && only instanceof Text && !only.nextSibling) only.data = text;
  else node.textContent = text;
}

/** Hiding what is hidden would have its style reckoned again.
 * @param {HTMLElement} element @param {boolean} hidden */
export function setHidden(element, hidden) {
  if (element.hidden !== hidden) element.hidden = hidden;
}

/** @param {Element} element @param {string} name @param {string | number | null} value null removes it */
export function setAttribute(element, name, value) {
  if (value === null) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** @typedef {ReturnType<typeof createScope>} Scope */

/** Collects clean-up functions; `end` calls each once, the last one first. */
export function createScope() {
  /** @type {(() => void)[]} */
  let undo = [];
  return {
    /** @param {(() => void) | void} fn */
    add(fn) {
      if (fn) undo.push(fn);
    },
    /** @param {EventTarget} target @param {string} type @param {(event: any) => void} fn @param {AddEventListenerOptions} [options] */
    listen(target, type, fn, options) {
      target.addEventListener(type, fn, options);
      undo.push(() => target.removeEventListener(type, fn, options));
    },
    /** @param {() => void} fn @param {number} ms */
    every(fn, ms) {
      const timer = setInterval(fn, ms);
      undo.push(() => clearInterval(timer));
    },
    end() {
      const last = undo.reverse();
      undo = [];
      for (const fn of last) {
        try {
          fn();
        } catch (error) {
          console.error("[kcb_widgets] cleaning up", error);
        }
      }
    },
  };
}

/** At most one call per `ms`; the last one always comes through, by itself after `patience` more if no other does.
 * @template T @param {(value: T) => void} fn @param {number} ms @param {number} [patience] ms */
export function throttle(fn, ms, patience = 0) {
  let last = -Infinity;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {T} */
  let latest;
  const fire = () => {
    clearTimeout(timer);
    timer = undefined;
    fn(latest);
    last = performance.now(); // after the call, whose own time does not count
  };
  return {
    /** @param {T} value */
    call(value) {
      latest = value;
      const wait = last + ms - performance.now();
      if (wait <= 0) fire();
      else timer ??= setTimeout(fire, wait + patience);
    },
    flush() {
      if (timer !== undefined) fire();
    },
    cancel() {
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
