// @ts-check
// The heartbeat of one view. The answers tell whether controls reach training: the badge's status.
import { createScope } from "../ui/dom.js";
import { formatMilliseconds } from "../ui/format.js";

/** @typedef {import("./link.js").Link} Link */
/** @typedef {ReturnType<typeof createHeartbeat>} Heartbeat */
/** @typedef {{kind: "live" | "queued" | "silent" | "dead" | "over" | "checking", text: string, title: string}} ConnectionStatus */

const HEARTBEAT_MS = 4000;
const ANSWER_TIMEOUT_MS = 3000;
const COMPILE_TIMEOUT_MS = 60000;
const SILENCE_MS = 10000; // where answers came before: longer than this, or than so many steps, is trouble
const SILENCE_STEPS = 20;
/** @type {Set<import("./wire.js").Status | undefined>} */
export const BUSY_STATUSES = new Set(["compiling", "running", "stopping", "paused"]);
/** @type {Partial<Record<import("./wire.js").MessagePath, string>>} */
const PATH_TEXTS = {
  pump: "messages arrive between batches",
  subshell: "messages arrive on a thread of their own",
  main: "messages arrive on the kernel's main thread",
};

/** @returns {import("./wire.js").Hello["host"]} */
export function detectHost() {
  const page = document.body;
  if (page.className.includes("vscode") || "acquireVsCodeApi" in window) return "vscode";
  if ("google" in window && /** @type {any} */ (window).google?.colab) return "colab";
  if (document.querySelector(".jp-NotebookShell, #notebook-panel") || page.dataset.notebook) return "notebook";
  if (document.querySelector(".jp-LabShell, #jp-main-dock-panel")) return "lab";
  if (document.querySelector("#voila-config-data, .voila-notebook") || page.dataset.voila) return "voila";
  if (document.querySelector("marimo-anywidget")) return "marimo";
  return "other";
}

/** @param {Link} link @param {HTMLElement} root of the view */
export function createHeartbeat(link, root) {
  const scope = createScope();
  const view = Math.random().toString(36).slice(2, 12);
  /** @type {Map<number, number>} hellos not answered yet: seq -> when sent */
  const waiting = new Map();
  /** @type {Set<() => void>} */
  const listeners = new Set();
  /** @type {number | null} */
  let latency = null;
  let seq = 0;

  const hello = () => {
    if (document.hidden || link.closed()) return;
    waiting.set(++seq, performance.now());
    link.send({ kind: "hello", view, seq, visible: true, width: Math.round(root.clientWidth), host: detectHost() });
  };
  const bye = () => {
    waiting.clear();
    link.send({ kind: "bye", view });
  };
  const notify = () => listeners.forEach((listener) => listener());

  const onState = () => {
    const heard = Number(link.state().heard?.[view] ?? 0);
    const sent = waiting.get(heard);
    if (sent !== undefined) latency = performance.now() - sent;
    for (const each of waiting.keys()) {
      if (each > heard) break;
      waiting.delete(each);
      link.trust();
    }
    notify();
  };

  /** Whether nobody answers who did while this run was trained. @param {number} wait ms */
  const silent = (wait) => {
    const { status, path, ms_per_step: step } = link.state();
    const heard = latency !== null && (path === "pump" || path === "subshell") && BUSY_STATUSES.has(status);
    return heard && wait > Math.max(SILENCE_MS, SILENCE_STEPS * (Number(step) || 0));
  };

  /** For how long an answer is outstanding. */
  const waited = () => {
    const [oldest] = waiting.values();
    return oldest === undefined ? 0 : performance.now() - oldest;
  };

  /** The host marks the views of a model that has no connection: its kernel was restarted, or it came out of a saved notebook. */
  const cutOff = () => waited() > ANSWER_TIMEOUT_MS && root.closest(".jupyter-widgets-disconnected") !== null;

  /** An answer should have come, at the pace of the run. */
  const late = () => {
    const { status, ms_per_step: step } = link.state();
    return waited() > (status === "compiling" ? COMPILE_TIMEOUT_MS : Math.max(ANSWER_TIMEOUT_MS, 3 * (Number(step) || 0)));
  };

  const look = () => {
    if (cutOff() || (link.suspect() && !link.over() && late())) link.giveUp();
    notify();
  };

  /** @returns {ConnectionStatus} */
  const status = () => {
    const state = link.state();
    if (link.over()) return { kind: "over", text: "run is over", title: link.alive() ? "There is nothing left to steer." : link.whyReadOnly() };
    if (!link.alive()) return { kind: "dead", text: "read-only", title: link.whyReadOnly() };
    const wait = waited();
    const checking = state.status === "compiling" ? "The first batch is being compiled; messages wait for it." : "Waiting for Python's answer.";
    if (late()) {
      if (silent(wait)) return { kind: "silent", text: "no answer", title: `Python answered before, and has not for ${Math.round(wait / 1000)} s.` };
      if (BUSY_STATUSES.has(state.status)) {
        const why = state.pump?.ok === false && state.pump.reason ? ` ${state.pump.reason}` : "";
        const title = `No answer for ${Math.round(wait / 1000)} s: the kernel reads messages only when the cell ends.${why}`;
        return { kind: "queued", text: "queued until the cell ends", title };
      }
      return { kind: "checking", text: "no answer yet", title: checking };
    }
    if (latency === null) return { kind: "checking", text: "checking…", title: checking };
    return { kind: "live", text: "live", title: `${PATH_TEXTS[state.path ?? ""] ?? "messages arrive"}; answered in ${formatMilliseconds(latency)}` };
  };

  scope.add(link.listen((topic) => (topic === "state" ? onState() : topic === "alive" && (link.suspect() && hello(), notify()))));
  scope.every(hello, HEARTBEAT_MS);
  scope.every(() => document.hidden || look(), 500);
  scope.listen(document, "visibilitychange", () => (document.hidden ? bye() : hello()));
  scope.add(bye);
  scope.add(() => listeners.clear());

  return {
    view,
    hello,
    status,
    /** What became of Python where a run is under way and nobody answers for it; empty where all is well. */
    lost: () => {
      const { kind } = status();
      return kind === "dead" ? "kernel gone" : kind === "silent" ? "no answer" : "";
    },
    /** Told of each new state, too. @param {() => void} fn @returns {() => void} */
    listen(fn) {
      listeners.add(fn);
      return () => void listeners.delete(fn);
    },
    end: scope.end,
  };
}
