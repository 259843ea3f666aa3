// @ts-check
// A progress bar or meter with its text.
import { h, setAttribute, setText } from "./dom.js";

/** @param {string} label @param {"progressbar" | "meter"} [role] */
export function createBar(label, role = "progressbar") {
  const text = h("span", { class: "kcb-bar-text" });
  const fill = h("div", { class: "kcb-bar-fill" });
  const track = h("div", { class: "kcb-bar", role, "aria-label": label, "aria-valuemin": 0 }, fill);
  const element = h("div", { class: "kcb-bar-box" }, text, track);
  return {
    element,
    text,
    track,
    /** @param {string} words @param {number} now @param {number | null} most null: unknown length @param {number} shown how far it is filled */
    update(words, now, most, shown = now) {
      setText(text, words);
      setAttribute(track, "aria-valuetext", words);
      setAttribute(track, "aria-valuenow", most ? now : null);
      setAttribute(track, "aria-valuemax", most);
      track.classList.toggle("kcb-unknown", !most);
      fill.style.transform = most ? `scaleX(${Math.min(1, Math.max(0, shown / most))})` : "";
    },
  };
}
