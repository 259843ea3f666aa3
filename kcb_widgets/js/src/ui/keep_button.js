// @ts-check
// Says whether the run is kept in a file, and keeps it.
import { button, setAttribute, setText } from "./dom.js";

/** @param {import("../link/link.js").Link} link */
export function createKeepButton(link) {
  const element = button("Keep", { class: "kcb-quiet kcb-keep" }, () => link.command("keep", null));
  return {
    element,
    draw() {
      const { kept, can } = link.state();
      setText(element, !kept ? "Keep" : kept.trouble ? "not kept" : kept.path.replace(/^(.*[\\/])?.*/, (_, folder) => (folder ? `kept in ${folder}…` : "kept")));
      element.classList.toggle("kcb-wrong", !!kept?.trouble);
      const slow = kept && kept.every > 2 ? `, every ${Math.round(kept.every)} s` : "";
      const why = link.whyReadOnly() || can?.keep;
      element.disabled = !!(kept || why);
      setAttribute(element, "title", kept ? kept.trouble || `Kept in ${kept.path}${slow}` : why || "Keep it in a file");
    },
  };
}
