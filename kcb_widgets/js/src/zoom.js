// @ts-check
// The zoomed range, and the finer picture of it that Python is asked for.

const PAUSE = 150;
const AGAIN = 1000;

/** @typedef {import("./link.js").Link} Link */

/** @param {Link} link @param {string} view @param {() => number} points how many buckets are worth having */
export function createZoom(link, view, points) {
  const { ui } = link;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  const ask = () => {
    timer = undefined;
    if (!ui.zoom || !link.alive() || document.hidden) return;
    const { first, last } = ui.zoom;
    link.requestWindow(view, Math.max(0, Math.floor(first)), Math.max(1, Math.ceil(last)), points());
  };

  /** The zoomed range reaches beyond what its finer picture knows, and training has gone on since. */
  const stale = () => {
    if (!ui.zoom) return false;
    const known = Math.max(ui.fine?.upTo ?? -1, link.awaited().last);
    return known < ui.zoom.last && link.picture().last > known;
  };

  return {
    /** @param {number} first @param {number} last steps */
    set(first, last) {
      link.choose({ zoom: { first, last }, fine: null });
      clearTimeout(timer);
      timer = setTimeout(ask, PAUSE);
    },
    reset() {
      clearTimeout(timer);
      timer = undefined;
      if (ui.zoom) link.choose({ zoom: null, fine: null });
    },
    /** Ask again as training goes on inside the zoomed range; not too often, and one view for all. */
    refresh() {
      if (timer !== undefined || !stale()) return;
      const wait = Math.max(0, link.awaited().at + AGAIN - performance.now());
      timer = setTimeout(() => (stale() ? ask() : (timer = undefined)), wait);
    },
    end: () => clearTimeout(timer),
  };
}
