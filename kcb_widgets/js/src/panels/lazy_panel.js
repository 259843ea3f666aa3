// @ts-check
// A panel whose code is not in the board's own: Python sends it when a page first opens the panel.
import uPlot from "uplot";
import { createScope, h } from "../ui/dom.js";

/** @typedef {import("../view.js").Context} Context */
/** @typedef {{default: (body: HTMLElement, context: Context, uPlot: typeof import("uplot")) => () => void}} Module */

/** By name, for all boards of the page. @type {Map<string, {module: Module, style: string}>} */
const loaded = new Map();

/** @param {import("../link/wire.js").ModuleRequest["name"]} name @returns {import("../view.js").Panel} */
export const lazyPanel = (name) => (body, context) => {
  const { link, heartbeat, guard } = context;
  const scope = createScope();
  const said = h("p", { class: "kcb-muted", role: "status" });
  const fill = guard(() => {
    const { module, style } = /** @type {{module: Module, style: string}} */ (loaded.get(name));
    body.replaceChildren(h("style", {}, style));
    scope.add(module.default(body, context, uPlot));
  });
  const say = () => (said.textContent = link.alive() ? "Python sends this panel between two batches." : "Python sends this panel, and it is gone.");
  if (loaded.has(name)) fill();
  else {
    body.append(said);
    say();
    let waits = true;
    scope.add(() => (waits = false));
    scope.add(link.listen((topic) => waits && topic === "alive" && say()));
    scope.add(link.read(guard(async (content) => {
      if (!waits || content?.kind !== "module" || content.name !== name) return;
      const url = URL.createObjectURL(new Blob([content.code], { type: "text/javascript" }));
      try {
        loaded.set(name, { module: await import(url), style: String(content.style) });
        if (waits) fill();
        waits = false;
      } catch (error) {
        said.textContent = `This panel could not be loaded: ${error instanceof Error ? error.message : error}`;
      } finally {
        URL.revokeObjectURL(url);
      }
    })));
    link.send({ kind: "module", view: heartbeat.view, name });
  }
  return scope.end;
};
