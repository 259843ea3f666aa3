// @ts-check
// Elements that follow a list of Python's: each is made once for its key, kept in the list's order, and dropped when it is gone.

/** @typedef {{element: Element, end?: () => void}} Entry end: takes the element away too */

/** @template {Entry} E @param {Element} parent */
export function createKeyedList(parent) {
  /** @type {Map<string, E>} */
  const entries = new Map();

  /** @template T @param {T[]} items @param {(item: T) => string} keyOf @param {(item: T) => E} make @param {(part: E, item: T) => void} [update] */
  const draw = (items, keyOf, make, update) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, entry] of entries) {
      if (wanted.has(key)) continue;
      entries.delete(key);
      if (entry.end) entry.end();
      else entry.element.remove();
    }
    items.forEach((item, i) => {
      let entry = entries.get(keyOf(item));
      if (!entry) entries.set(keyOf(item), (entry = make(item)));
      // Moving what is in its place already would take the focus from it.
      if (parent.children[i] !== entry.element) parent.insertBefore(entry.element, parent.children[i] ?? null);
      update?.(entry, item);
    });
  };

  return { draw, all: () => [...entries.values()], end: () => draw([], String, (entry) => entry) };
}
