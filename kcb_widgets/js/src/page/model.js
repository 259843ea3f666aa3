// @ts-check
// A model without a kernel: its traits stand in the page, and what a view sends is answered there.

/** @typedef {ReturnType<typeof createModel>} PageModel */

/** @param {Record<string, unknown>} traits @param {(content: any, model: PageModel) => void} answer what a view has sent */
export function createModel(traits, answer) {
  /** @type {Map<string, Set<(...args: any[]) => void>>} */
  const handlers = new Map();
  /** @param {string} name @param {...unknown} args */
  const trigger = (name, ...args) => [...(handlers.get(name) ?? [])].forEach((fn) => fn(...args));
  const model = {
    /** @param {string} name @returns {any} */
    get: (name) => traits[name],
    /** @param {string} name @param {(...args: any[]) => void} fn */
    on: (name, fn) => void handlers.set(name, (handlers.get(name) ?? new Set()).add(fn)),
    /** @param {string} name @param {(...args: any[]) => void} fn */
    off: (name, fn) => void handlers.get(name)?.delete(fn),
    /** Answers come later, as from a kernel. @param {object} content */
    send: (content) => queueMicrotask(() => answer(content, model)),
    /** @param {string} name @param {unknown} value */
    set(name, value) {
      traits[name] = value;
      trigger(`change:${name}`);
    },
    /** @param {object} content @param {DataView[]} [buffers] */
    reply: (content, buffers = []) => trigger("msg:custom", content, buffers),
  };
  return model;
}

/** What Python left in the page. @returns {any} */
export const readData = () => JSON.parse(document.getElementById("kcb-data")?.textContent ?? "{}");

/** @param {string} base64 */
export function bytesOf(base64) {
  const raw = Uint8Array.from(atob(base64), (each) => each.charCodeAt(0));
  return new DataView(raw.buffer);
}

/** Mounts the page's widget, which its bundle left behind. @param {PageModel} model */
export function mountWidget(model) {
  const made = /** @type {any} */ (globalThis).kcbWidget;
  const widget = typeof made === "function" ? made() : made;
  const el = document.getElementById("kcb-view");
  if (!el) return;
  widget.initialize?.({ model });
  widget.render({ model, el });
}
