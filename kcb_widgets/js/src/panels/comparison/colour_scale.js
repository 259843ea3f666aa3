// @ts-check
// The colours of an outcome: from blue to yellow, which every colour vision tells apart, and by lightness too. On a light
// ground the end is dark, on a dark one it is bright: each keeps a contrast of 3 to its ground.

const STOPS = {
  light: [[151, 134, 74], [92, 97, 110], [0, 41, 95]],
  dark: [[88, 120, 190], [165, 156, 116], [255, 233, 69]],
};

/** @param {number} part from 0, the worst or the least, to 1 @param {boolean} dark */
export function colourAt(part, dark) {
  const stops = STOPS[dark ? "dark" : "light"];
  const at = Math.min(1, Math.max(0, part)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(at));
  return `rgb(${stops[i].map((value, k) => Math.round(value + (at - i) * (stops[i + 1][k] - value))).join(" ")})`;
}

/** The scale as a background. @param {boolean} dark */
export const gradient = (dark) => `linear-gradient(to right, ${[0, 0.25, 0.5, 0.75, 1].map((part) => colourAt(part, dark)).join(", ")})`;
