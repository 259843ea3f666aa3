// @ts-check
// A keyed list: one element for each item that Python sends. An element is made once for its key, keeps the items' order, and
// goes with its item.

/** @typedef {{element: Element, end?: () => void}} Entry end: removes the element too */

/** @template {Entry} E @param {Element} parent */
export function createKeyedList(parent) {
  /** @type {Map<string, E>} */
  const entries = new Map();

  /** @template T @param {T[]} items @param {(item: T) => string} keyOf @param {(item: T) => E} make @param {(entry: E, item: T) => void} [update] */
  const draw = (items, keyOf, make, update) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, entry] of entries) {
      if (wanted.has(key)) continue;
      entries.delete(key);
      if (entry.end) entry.end();
      else entry.element.remove();
    }
    items.forEach((item, i) => {
      const key = keyOf(item);
      const entry = entries.get(key) ?? make(item);
      entries.delete(key);
      entries.set(key, entry); // in the items' order
      // Moving an element that is in place already would take the focus from it.
      if (parent.children[i] !== entry.element) parent.insertBefore(entry.element, parent.children[i] ?? null);
      update?.(entry, item);
    });
  };

  return { draw, all: () => [...entries.values()], end: () => draw([], String, (entry) => entry) };
}
