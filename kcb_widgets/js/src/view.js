// @ts-check
// One mounted view and its panels. A panel that fails does not stop the others.
import { callbacksPanel } from "./panels/callbacks/callbacks.js";
import { chartPanel } from "./panels/chart/chart.js";
import { controlsPanel } from "./panels/controls/controls.js";
import { createScope, h } from "./ui/dom.js";
import { eventsPanel } from "./panels/events.js";
import { createHeartbeat } from "./link/heartbeat.js";
import { hooksPanel } from "./panels/hooks.js";
import { progressPanel } from "./panels/progress.js";
import { snapshotsPanel } from "./panels/snapshots.js";
import { watchTheme } from "./ui/theme.js";

/** @typedef {import("./link/link.js").Link} Link */
/** @typedef {{link: Link, heartbeat: import("./link/heartbeat.js").Heartbeat, theme: import("./ui/theme.js").Theme,
 *   guard: <A extends any[]>(fn: (...args: A) => void) => (...args: A) => void}} Context */
/** @typedef {(body: HTMLElement, context: Context) => () => void} Panel a panel fills its body and returns its clean-up */

/** The table of panels, in order; `PANELS` of kcb_widgets/panels/board.py has the same names.
 * @type {Record<string, Panel>} */
const PANELS = {
  progress: progressPanel,
  controls: controlsPanel,
  chart: chartPanel,
  snapshots: snapshotsPanel,
  callbacks: callbacksPanel,
  hooks: hooksPanel,
  events: eventsPanel,
};

/** @param {Link} link @param {HTMLElement} el @returns {() => void} */
export function mountView(link, el) {
  const scope = createScope();
  const root = h("div", { class: "kcb-board", "data-lm-suppress-shortcuts": "true" });
  el.append(root);
  scope.add(() => root.remove());
  // The notebook's shortcuts (b, dd, arrows) must not act on keys typed in our fields and plots.
  scope.listen(root, "keydown", (event) => event.stopPropagation());
  const theme = watchTheme(root);
  scope.add(theme.end);
  const heartbeat = createHeartbeat(link, () => root.clientWidth);
  scope.add(heartbeat.end);

  let panels = createScope();
  let shown = "";
  const build = () => {
    const show = (link.show() ?? Object.keys(PANELS)).filter((name) => Object.hasOwn(PANELS, name));
    if (show.join() === shown) return;
    shown = show.join();
    panels.end();
    panels = createScope();
    for (const name of show) panels.add(mountPanel(name, root, { link, heartbeat: heartbeat, theme }));
  };
  scope.add(() => panels.end());
  scope.add(link.listen((topic) => topic === "show" && build()));
  build();
  heartbeat.hello();
  return scope.end;
}

/** @param {string} name @param {HTMLElement} root @param {Omit<Context, "guard">} context @returns {() => void} */
function mountPanel(name, root, context) {
  const body = h("section", { class: `kcb-panel kcb-${name}`, "aria-label": name });
  root.append(body);
  const scope = createScope();
  let failed = false;
  /** @param {unknown} error */
  const fail = (error) => {
    console.error(`[kcb_widgets] ${name}`, error);
    failed = true;
    scope.end();
    const text = error instanceof Error ? error.message : String(error);
    body.replaceChildren(h("p", { class: "kcb-error", role: "alert" }, `The ${name} panel failed: ${text}`));
  };
  /** @type {Context["guard"]} */
  const guard = (fn) => (...args) => {
    if (failed) return;
    try {
      fn(...args);
    } catch (error) {
      fail(error);
    }
  };
  guard(() => scope.add(PANELS[name](body, { ...context, guard })))();
  return () => {
    scope.end();
    body.remove();
  };
}
