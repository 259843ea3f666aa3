// @ts-check
// The theme: light or dark, and the colours for the canvas. They come from CSS and are read again when the page's theme changes.
import { createScope } from "./dom.js";

/** @typedef {ReturnType<typeof watchTheme>} Theme */
/** @typedef {typeof NAMES[number]} ColorName */

const NAMES = /** @type {const} */ (["fg", "muted", "bg", "grid", "train", "val", "train2", "val2", "control", "event", "bad"]);

const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });

/** @param {string} color in whatever notation the page uses @returns {number | null} 0 black … 1 white, null when transparent */
function lightness(color) {
  let [r, g, b, a = 1] = (color.match(/[\d.]+/g) ?? []).map(Number);
  // Browsers that resist fingerprinting falsify canvas pixels, so the canvas converts only colours that are not plain rgb().
  if (!/^rgb/.test(color)) {
    if (!context) return null;
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    a /= 255;
  }
  return a < 0.5 ? null : (0.2126 * r + 0.7152 * g + 0.0722 * b) / 255;
}

/** @param {HTMLElement} root */
function isDark(root) {
  const declared = document.body.dataset.jpThemeLight;
  if (declared) return declared === "false";
  /** @type {Node | null} */
  let node = root;
  while ((node = node instanceof ShadowRoot ? node.host : node.parentNode)) {
    const light = node instanceof Element ? lightness(getComputedStyle(node).backgroundColor) : null;
    if (light !== null) return light < 0.5;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches;
}

/** @param {HTMLElement} root */
export function watchTheme(root) {
  const scope = createScope();
  /** @type {Set<() => void>} */
  const listeners = new Set();
  let colors = /** @type {Record<ColorName, string>} */ ({});
  let font = "";
  let known = false;

  const read = () => {
    known = root.isConnected;
    root.dataset.kcbTheme = isDark(root) ? "dark" : "light";
    const style = getComputedStyle(root);
    colors = /** @type {typeof colors} */ (
      Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--kcb-${name}`).trim() || "gray"]))
    );
    font = style.fontFamily || "sans-serif";
    for (const listener of listeners) listener();
  };

  const observer = new MutationObserver(read);
  for (const element of [document.documentElement, document.body]) {
    observer.observe(element, {
      attributes: true,
      attributeFilter: ["class", "style", "theme", "data-theme", "data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind"],
    });
  }
  scope.add(() => observer.disconnect());
  scope.listen(matchMedia("(prefers-color-scheme: dark)"), "change", read);
  scope.add(() => listeners.clear());
  read();
  // Hosts mount a view before they put it into the page, where it has no colours yet: read them when it gets a size.
  const arrival = new ResizeObserver(() => known || read());
  arrival.observe(root);
  scope.add(() => arrival.disconnect());

  return {
    colors: () => colors,
    font: () => font,
    /** @param {() => void} fn @returns {() => void} */
    listen(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
    end: scope.end,
  };
}
