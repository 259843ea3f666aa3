// @ts-check
// Elements that follow a list of Python's: each is made once for its key, kept in the list's order, and dropped when it is gone.

/** @typedef {{element: Element, end?: () => void}} Part end: takes the element away too */

/** @template {Part} P @param {Element} parent */
export function createParts(parent) {
  /** @type {Map<string, P>} */
  const parts = new Map();

  /** @template T @param {T[]} items @param {(item: T) => string} keyOf @param {(item: T) => P} make @param {(part: P, item: T) => void} [update] */
  const draw = (items, keyOf, make, update) => {
    const wanted = new Set(items.map(keyOf));
    for (const [key, part] of parts) {
      if (wanted.has(key)) continue;
      parts.delete(key);
      if (part.end) part.end();
      else part.element.remove();
    }
    items.forEach((item, i) => {
      let part = parts.get(keyOf(item));
      if (!part) parts.set(keyOf(item), (part = make(item)));
      // Moving what is in its place already would take the focus from it.
      if (parent.children[i] !== part.element) parent.insertBefore(part.element, parent.children[i] ?? null);
      update?.(part, item);
    });
  };

  return { draw, all: () => [...parts.values()], end: () => draw([], String, (part) => part) };
}
