// @ts-check
// What steers, in the bar: pause, step and stop, the learning rate, undo, and the user's own controls.
import { commandStatus } from "../../ui/command_status.js";
import { button, createScope, h, setAttribute, setText } from "../../ui/dom.js";
import { formatSetting, parseNumber } from "../../ui/format.js";
import { arrange } from "./arrange.js";
import { createBest } from "./best.js";
import { createControlList } from "./control_list.js";
import { formatValue } from "./control_row.js";
import { createStopButton } from "./stop_button.js";
import { createUserControls } from "./user_controls.js";

/** @typedef {import("../../link/link.js").Link} Link */

const FLOW_COMMANDS = new Set(["pause", "resume", "step", "finish_epoch", "stop", "evaluate", "snapshot", "save", "undo", "freeze", "unfreeze", "rollback"]);

/** The number of batches of a step; null where the text is not a whole number from 1 on. @param {Link} link */
export function stepSize(link) {
  const value = parseNumber(link.ui.batches);
  return value !== null && Number.isInteger(value) && value >= 1 ? value : null;
}

/** @param {Link} link */
const isPaused = (link) => link.state().flow?.paused === true || link.state().status === "paused";

/** Says where the fit pauses or stops, and Python's message. @param {Link} link */
function noteTexts(link) {
  const { step: at, flow, message, status } = link.state();
  // How it ended stands above; what is compiled stands beside the status.
  if (link.over() || status === "compiling") return [];
  if (status === "paused") return message ? [message] : [`paused at step ${at}`];
  if (flow?.paused) return ["pauses before the next batch", message];
  if (typeof flow?.until === "number") return [`pauses at step ${flow.until}`, message];
  if (flow?.until === "epoch") return ["pauses at the end of this epoch", message];
  return [flow?.stop === "epoch" && !message ? "stops after this epoch" : "", message];
}

/** Pause, Step and Stop. @param {Link} link */
function createFlowButtons(link) {
  const pause = button("Pause", { class: "kcb-pause" }, () => link.command(isPaused(link) ? "resume" : "pause", null));
  const step = button("Step", {}, () => stepSize(link) !== null && link.command("step", stepSize(link)));
  const stop = createStopButton(link);
  const element = h("div", { class: "kcb-flow", role: "group", "aria-label": "flow" }, pause, step, stop.element);
  return {
    element,
    draw() {
      const [paused, off, count] = [isPaused(link), link.readOnly(), stepSize(link)];
      setText(pause, paused ? "Resume" : "Pause");
      const why = link.whyReadOnly();
      setAttribute(pause, "title", why || (paused ? "Go on training" : "Pause before the next batch"));
      pause.classList.toggle("kcb-primary", paused && !off);
      setAttribute(step, "title", why || `Train ${count === 1 || count === null ? "one batch" : `${count} batches`}, then pause`);
      pause.disabled = step.disabled = off;
      stop.draw();
    },
    end: stop.end,
  };
}

/** The button that takes back the latest change. @param {Link} link */
function createUndo(link) {
  const element = button("↶", { class: "kcb-undo", "aria-label": "Undo" }, () => link.command("undo", null));
  return {
    element,
    draw() {
      const { undo, can } = link.state();
      element.disabled = link.readOnly() || !undo;
      const back = undo ? `Undo: take back ${undo.name} ${formatSetting(undo.old)} → ${formatSetting(undo.new)}` : can?.undo || "Nothing was changed by hand yet";
      setAttribute(element, "title", link.whyReadOnly() || back);
    },
  };
}

/** @type {import("../../view.js").Panel} */
export function steeringPanel(body, { link, heartbeat, guard }) {
  const scope = createScope();
  const flow = createFlowButtons(link);
  const userControls = createUserControls(link);
  const [undo, best] = [createUndo(link), createBest(link)];
  const badge = h("span", { class: "kcb-badge" });
  const note = h("span", { class: "kcb-note" });
  const status = h("span", { class: "kcb-said" });
  const news = h("div", { class: "kcb-news", role: "status", "aria-live": "polite" }, note, status);
  const rows = createControlList(link, (control) => control.name, news);
  const rates = h("div", { class: "kcb-rates" }, rows.element, h("div", { class: "kcb-pinned" }, undo.element, best.element));
  body.append(news, h("div", { class: "kcb-right" }, badge, flow.element), rates, userControls.element);
  for (const each of [flow, rows, userControls]) scope.add(each.end);

  const drawBadge = () => {
    const { kind, text, title } = heartbeat.status();
    setText(badge, text);
    setAttribute(badge, "data-reach", kind);
    setAttribute(badge, "title", `${text}: ${title}`);
  };

  /** @param {import("../../link/wire.js").Control[]} lengths */
  const drawNews = (lengths) => {
    setText(note, noteTexts(link).filter(Boolean).map(String).join(" · "));
    const last = link.newest((name) => FLOW_COMMANDS.has(name) || lengths.some((each) => each.name === name));
    const control = lengths.find((each) => each.name === last?.name);
    const value = last && (control ? formatValue(control, last.outcome.value) : last.name === "step" ? String(last.outcome.value) : "");
    const { text, phase } = commandStatus(link, last?.outcome ?? null, value ?? "");
    setText(status, text ? `${last?.name.replaceAll("_", " ")}: ${text}` : "");
    setAttribute(status, "data-phase", phase);
    setAttribute(news, "title", [...news.children].map((each) => each.textContent).filter(Boolean).join(" · ") || null);
  };

  const draw = () => {
    const wanted = arrange(link.controls());
    rows.update(wanted.main);
    userControls.update(wanted.user);
    for (const each of [flow, undo, best]) each.draw();
    drawNews(wanted.lengths);
  };

  scope.add(link.listen(guard((topic) => ["state", "controls", "alive", "ui"].includes(topic) && draw())));
  scope.add(heartbeat.listen(guard(drawBadge)));
  drawBadge();
  draw();
  return scope.end;
}
