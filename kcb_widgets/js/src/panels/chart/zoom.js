// @ts-check
// The zoomed range, and the finer picture of it that Python is asked for.

// The first is asked for at once, the last of several in a row when they pause.
const ZOOM_DELAY_MS = 150;

/** @typedef {import("../../link/link.js").Link} Link */

/** @param {Link} link @param {string} view @param {() => number} points how many buckets are worth having */
export function createZoom(link, view, points) {
  const { ui } = link;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  let asked = -Infinity;

  const ask = () => {
    timer = undefined;
    asked = performance.now();
    if (!ui.zoom || !link.alive() || document.hidden) return;
    const { first, last } = ui.zoom;
    link.requestWindow(view, Math.max(0, Math.floor(first)), Math.max(1, Math.ceil(last)), points());
  };

  return {
    /** @param {number} first @param {number} last steps */
    set(first, last) {
      link.setUi({ zoom: { first, last }, fine: null });
      clearTimeout(timer);
      timer = setTimeout(ask, performance.now() - asked > ZOOM_DELAY_MS ? 0 : ZOOM_DELAY_MS);
    },
    reset() {
      clearTimeout(timer);
      timer = undefined;
      if (ui.zoom) link.setUi({ zoom: null, fine: null });
    },
    end: () => clearTimeout(timer),
  };
}
