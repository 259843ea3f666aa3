// @ts-check
// The zoomed range, and the finer picture of it that Python is asked for.

const PAUSE = 150;

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
    end: () => clearTimeout(timer),
  };
}
