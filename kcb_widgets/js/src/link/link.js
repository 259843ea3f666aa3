// @ts-check
// The connection to Python: the only file that sees the anywidget model. It reads traits and sends messages; it sets no trait.
import { createCommands } from "./commands.js";
import { readControls } from "./controls.js";
import { createScope } from "../ui/dom.js";
import { recall, remember } from "../ui/memory.js";
import { EMPTY, decode } from "./series_decoder.js";

/** @typedef {import("./series_decoder.js").Picture} Picture */
/** @typedef {import("./wire.js").Traits} Traits */
/** @typedef {{get: <K extends keyof Traits>(name: K) => Traits[K] | undefined, send: (content: Message, callbacks?: any, buffers?: any) => void,
 *   on: (name: string, fn: (...args: any[]) => void) => void, off: (name: string, fn: (...args: any[]) => void) => void}} Model */
/** @typedef {"state" | "controls" | "events" | "picture" | "callbacks" | "hooks" | "show" | "ui" | "alive"} Topic */
/** @typedef {import("./commands.js").Outcome} Outcome */
/** @typedef {import("./wire.js").Message} Message */
/** @typedef {import("./wire.js").Value} Value */
/** @typedef {import("./wire.js").Control} Control */
/** @typedef {ReturnType<typeof createLink>} Link */
/** @typedef {Link["ui"]} Ui */

/** @type {Set<import("./wire.js").Status | undefined>} */
export const END_STATUSES = new Set(["finished", "stopped", "interrupted", "failed"]);

/** @template T @param {T[] | undefined} value @returns {T[]} */
const records = (value) => (Array.isArray(value) ? value.filter((each) => each && typeof each === "object") : []);

/** @param {Model} model */
export function createLink(model) {
  const scope = createScope();
  /** @type {Set<(topic: Topic) => void>} */
  const listeners = new Set();
  /** @type {Set<(content: any, buffers: unknown[]) => void>} what panels of their own code wait for */
  const readers = new Set();
  const commands = createCommands();
  /** @type {Control[] | null} null: read them again */
  let controls = null;
  /** @type {Picture} */
  let picture = EMPTY;
  let problem = "";
  let open = true;
  let lost = false; // a view found that nobody answers; somebody may again
  let suspect = false;
  let heard = false;
  let request = 0;
  let askingView = "";
  let run = "";
  let received = performance.now();

  /** The user's choices of what is shown. They outlive every view and are not sent to Python. */
  const ui = {
    x: /** @type {"step" | "epoch" | "time"} */ ("step"),
    log: false,
    smoothing: 0.9,
    /** @type {Set<string>} */
    hidden: new Set(),
    /** @type {{first: number, last: number} | null} in steps, fractions allowed */
    zoom: null,
    /** @type {Picture | null} the finer picture of the zoomed range */
    fine: null,
    /** @type {Map<string, boolean>} the disclosures that the user opened or closed */
    open: new Map(),
    filter: "",
    batches: "1",
    tab: "chart",
    /** @type {Record<string, Partial<import("../panels/chart/layout.js").PlotChoice>>} */
    plots: {},
    /** @type {string[]} the plots that the user put in order */
    order: [],
    sort: { by: "epoch", down: true }, // of the table of epochs
    notify: false,
    best: "", // the metric whose best value is pinned
    seen: 0, // events that tell of something wrong, as far as they were looked at
  };

  Object.assign(ui, recall());

  /** @param {Topic} topic */
  const notify = (topic) => {
    for (const listener of [...listeners]) {
      try {
        listener(topic);
      } catch (error) {
        console.error("[kcb_widgets]", error);
      }
    }
  };

  /** A host may hand over less than the whole. @returns {Partial<import("./wire.js").State>} */
  const state = () => {
    const value = model.get("state");
    return value && typeof value === "object" ? value : {};
  };

  /** @param {Message} content */
  const send = (content) => {
    if (!open) return;
    try {
      model.send(content);
    } catch {
      die();
    }
  };

  const die = () => {
    if (!open) return;
    open = false;
    settle();
    notify("alive");
  };

  const over = () => END_STATUSES.has(state().status);
  const alive = () => open && !lost;
  const settle = () => commands.settle(state().commands, over(), !alive());

  /** @param {boolean} now */
  const setLost = (now) => {
    if (lost === now) return;
    lost = now;
    settle();
    notify("alive");
  };

  const onState = () => {
    received = performance.now();
    const now = String(state().run ?? "");
    if (run && now !== run) {
      commands.clear();
      ui.zoom = ui.fine = null;
      ui.seen = 0;
    }
    run = now;
    controls = null;
    settle();
    notify("state");
  };

  const onControls = () => {
    controls = null;
    notify("controls");
  };

  const onSeries = () => {
    try {
      picture = decode(model.get("series"));
      problem = "";
    } catch (error) {
      problem = `The latest picture could not be read: ${error instanceof Error ? error.message : error}`;
    }
    notify("picture");
  };

  /** @param {Partial<import("./wire.js").WindowReply> | undefined} content @param {unknown[] | undefined} buffers */
  const onMessage = (content, buffers) => {
    for (const read of [...readers]) read(content, buffers ?? []);
    if (content?.kind !== "window" || content.request !== request || content.view !== askingView || !ui.zoom) return;
    try {
      ui.fine = decode(buffers?.[0]);
      notify("picture");
    } catch (error) {
      console.warn("[kcb_widgets] a finer picture could not be read", error);
    }
  };

  const onConnectionChange = () => {
    suspect = true;
    notify("alive");
  };

  const handlers = /** @type {const} */ ([
    ["change:state", () => ((heard = true), onState())],
    ["change:controls", onControls],
    ["change:series", onSeries],
    .../** @type {const} */ (["events", "callbacks", "hooks", "show"]).map((topic) => /** @type {const} */ ([`change:${topic}`, () => notify(topic)])),
    ["msg:custom", onMessage],
    ["destroy", die],
    ["comm:close", die],
    ["comm_live_update", onConnectionChange],
  ]);
  for (const [name, fn] of handlers) {
    model.on(name, fn);
    scope.add(() => model.off(name, fn));
  }
  onState();
  onSeries();

  return {
    ui,
    state,
    /** @returns {Control[]} */
    controls: () => (controls ??= readControls(model.get("controls"), state().values)),
    /** Snapshots of the model, oldest first. @returns {import("./wire.js").Snapshot[]} */
    snapshots: () => records(state().snapshots).filter((each) => typeof each.id === "string" && Number.isFinite(each.step)),
    boardId: () => String(model.get("board_id") ?? ""),
    /** @returns {import("./wire.js").Event[]} */
    events: () => records(model.get("events")),
    /** The callbacks beside the monitor. @returns {import("./wire.js").Card[]} */
    cards: () => records(model.get("callbacks")).map((card) => ({
      ...card,
      id: String(card.id),
      ...Object.fromEntries(/** @type {const} */ (["facts", "hooks", "files", "actions"]).map((name) => [name, records(/** @type {object[]} */ (card[name]))])),
    })),
    /** @returns {import("./wire.js").Hooks} */
    hooks: () => {
      const { rows, trace, epoch, bound } = model.get("hooks") ?? {};
      return { rows: records(rows), trace: Array.isArray(trace) ? trace.map(String) : [], epoch: epoch ? { total: Number(epoch.total) || 0, parts: records(epoch.parts) } : null, bound: String(bound ?? "") };
    },
    /** The panels to show; null where Python has not said. @returns {string[] | null} */
    show: () => {
      const value = model.get("show");
      return Array.isArray(value) ? value.map(String) : null;
    },
    /** When the state came, on the clock of performance.now(). */
    received: () => received,
    /** Whether Python has sent anything to this page. */
    heard: () => heard,
    picture: () => picture,
    problem: () => problem,
    /** Somebody answers, as far as is known. */
    alive,
    /** Nobody ever will again. */
    closed: () => !open,
    over,
    /** Commands have no effect. */
    readOnly: () => !alive() || over(),
    /** Why they have none; empty where they have. */
    whyReadOnly: () => (!alive() ? "The connection to Python is gone" : over() ? "The run is over" : ""),
    /** The host reported a change of the connection, and Python has not answered since. */
    suspect: () => suspect,
    trust: () => void ((suspect = false), setLost(false)),
    giveUp: () => setLost(true),
    send,
    /** @param {(topic: Topic) => void} fn @returns {() => void} */
    listen(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
    /** Messages of all kinds. @param {(content: any, buffers: unknown[]) => void} fn @returns {() => void} */
    read(fn) {
      readers.add(fn);
      return () => void readers.delete(fn);
    },
    /** @param {string} name @param {Value} value */
    command(name, value) {
      send({ kind: "command", run, id: commands.add(name, value, over()), name, value });
      if (!open) settle();
      notify("state");
    },
    outcome: commands.outcome,
    newest: commands.newest,
    /** @param {string} view @param {number} first @param {number} last @param {number} points */
    requestWindow(view, first, last, points) {
      askingView = view;
      send({ kind: "window", view, request: ++request, run, first, last, points });
    },
    /** @param {Partial<typeof ui>} change */
    setUi(change) {
      Object.assign(ui, change);
      remember(ui, change);
      notify("ui");
    },
    end() {
      die();
      scope.end();
      listeners.clear();
    },
  };
}
