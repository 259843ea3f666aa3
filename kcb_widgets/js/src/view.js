// @ts-check
// One mounted view: the bar, which stays in sight, and its panels under tabs. A panel that fails does not stop the others.
import { callbacksPanel } from "./panels/callbacks/callbacks.js";
import { chartPanel } from "./panels/chart/chart.js";
import { controlsPanel } from "./panels/controls/controls.js";
import { button, createScope, h, setAttribute, setHidden, throttle } from "./ui/dom.js";
import { epochsPanel } from "./panels/epochs/epochs.js";
import { eventsPanel, troubles } from "./panels/events.js";
import { createHeartbeat, detectHost } from "./link/heartbeat.js";
import { fitsStrip } from "./panels/fits_strip.js";
import { hooksPanel } from "./panels/hooks.js";
import { lazyPanel } from "./panels/lazy_panel.js";
import { createKeepButton } from "./ui/keep_button.js";
import { openNewView } from "./ui/new_view.js";
import { askToNotify, canNotify } from "./ui/notifier.js";
import { progressPanel } from "./panels/progress.js";
import { snapshotsPanel } from "./panels/snapshots.js";
import { steeringPanel } from "./panels/controls/steering.js";
import { createTabs } from "./ui/tabs.js";
import { troublePanel } from "./panels/trouble/trouble.js";
import { watchTheme } from "./ui/theme.js";

/** @typedef {import("./link/link.js").Link} Link */
/** @typedef {{link: Link, heartbeat: import("./link/heartbeat.js").Heartbeat, theme: import("./ui/theme.js").Theme,
 *   guard: <A extends any[]>(fn: (...args: A) => void) => (...args: A) => void}} Context */
/** @typedef {(body: HTMLElement, context: Context) => () => void} Panel a panel fills its body and returns its clean-up */

/** What stands in the bar for the names that Python gives. @type {Record<string, [string, Panel][]>} */
const BAR = {
  progress: [["progress", progressPanel], ["fits-strip", fitsStrip], ["trouble", troublePanel]],
  controls: [["steering", steeringPanel]],
};

const COUNT_INTERVAL_MS = 250; // counts need not keep up with every message

/** The table of panels, in order; `PANELS` of kcb_widgets/panels/payload.py has the same names, and `progress` besides.
 * @type {{name: string, title: string, panel: Panel, count?: (link: Link) => number | null, attention?: (link: Link) => string, there?: (link: Link) => boolean}[]} */
const TABS = [
  { name: "chart", title: "Curves", panel: chartPanel },
  { name: "fits", title: "Fits", panel: lazyPanel("fits"), count: (link) => link.state().group?.number ?? 0, there: (link) => !!link.state().group },
  { name: "classes", title: "Classes", panel: lazyPanel("classes"), there: (link) => !!link.state().classes },
  { name: "epochs", title: "Epochs", panel: epochsPanel, count: (link) => link.picture().tables.find((each) => each.name === "epochs")?.rows ?? 0 },
  { name: "controls", title: "Controls", panel: controlsPanel, count: (link) => link.controls().filter((each) => each.group !== "callbacks").length },
  { name: "snapshots", title: "Snapshots", panel: snapshotsPanel, count: (link) => link.snapshots().length },
  { name: "callbacks", title: "Callbacks", panel: callbacksPanel, count: (link) => link.cards().length, attention: (link) => link.cards().find((each) => each.error)?.error?.message ?? "" },
  { name: "hooks", title: "Timing", panel: hooksPanel, attention: (link) => link.hooks().bound },
  { name: "events", title: "Events", panel: eventsPanel, count: (link) => link.events().length, attention: unread },
];

/** Whether something went wrong since the events were looked at. @param {Link} link */
function unread(link) {
  const wrong = troubles(link.events());
  return wrong > link.ui.seen ? "something went wrong: see the events" : "";
}

/** What a tab cannot tell, its panel says when it is opened. @template T @param {() => T} fn @param {T} otherwise @returns {T} */
function carefully(fn, otherwise) {
  try {
    return fn();
  } catch (error) {
    console.warn("[kcb_widgets] a tab", error);
    return otherwise;
  }
}

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
  const heartbeat = createHeartbeat(link, root);
  scope.add(heartbeat.end);

  let panels = createScope();
  let shown = "";
  let drawTabs = () => {};
  const build = () => {
    const show = (link.show() ?? ["progress", ...TABS.map((each) => each.name)]).filter((name) => name in BAR || TABS.some((each) => each.name === name));
    if (show.join() === shown) return;
    shown = show.join();
    panels.end();
    panels = createScope();
    const context = { link, heartbeat, theme };
    const top = h("div", { class: "kcb-top" });
    root.append(top);
    panels.add(() => top.remove());
    for (const name of show) for (const [part, panel] of BAR[name] ?? []) panels.add(mountPanel(part, panel, top, context));
    const tabs = createTabs(
      TABS.filter(({ name }) => show.includes(name)).map(({ name, title, panel, count, attention, there }) => ({
        name,
        title,
        count: () => carefully(() => count?.(link) || null, null),
        there: () => carefully(() => there?.(link) ?? true, true),
        attention: () => carefully(() => attention?.(link) ?? "", ""),
        mount: (body) => mountPanel(name, panel, body, context),
      })),
      { chosen: () => link.ui.tab, choose: (tab) => link.setUi({ tab }) },
    );
    const notify = button("Notify me", { class: "kcb-toggle kcb-notify", title: "Tell me of the end, NaN or a stall" });
    askToNotify(link, panels, notify);
    const keep = createKeepButton(link);
    const beside = button("↗", { class: "kcb-quiet", "aria-label": "open in a new view", title: "Open in a new view, beside the notebook" }, () => openNewView(root));
    beside.hidden = detectHost() !== "lab";
    const row = h("div", { class: "kcb-tab-row" }, tabs.strip, keep.element, notify, beside);
    row.hidden = tabs.strip.hidden;
    root.append(row, tabs.body);
    panels.add(tabs.end);
    panels.add(() => row.remove());
    drawTabs = () => {
      tabs.draw();
      keep.draw();
      setHidden(notify, !canNotify());
      setAttribute(notify, "aria-pressed", String(link.ui.notify));
    };
    drawTabs();
  };
  // With a message's other changes where one comes soon: a frame for the counts alone costs as much as one with a plot in it.
  const counted = throttle(() => drawTabs(), COUNT_INTERVAL_MS, COUNT_INTERVAL_MS);
  scope.add(counted.cancel);
  scope.add(() => panels.end());
  scope.add(
    link.listen((topic) => {
      if (topic === "show") build();
      else if (topic === "ui") drawTabs();
      else counted.call(undefined);
    }),
  );
  build();
  heartbeat.hello();
  return scope.end;
}

/** @param {string} name @param {Panel} panel @param {HTMLElement} parent @param {Omit<Context, "guard">} context @returns {() => void} */
function mountPanel(name, panel, parent, context) {
  const body = h("section", { class: `kcb-panel kcb-${name}`, "aria-label": name });
  parent.append(body);
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
  guard(() => scope.add(panel(body, { ...context, guard })))();
  return () => {
    scope.end();
    body.remove();
  };
}
