// @ts-check
// Progress of the run: status, what fit is doing, epoch and batch, clocks and speed. What is known no more stands still.
import { createBar } from "../ui/bar.js";
import { createScope, h, setAttribute, setText } from "../ui/dom.js";
import { formatClock, formatMilliseconds, formatRate, formatSetting } from "../ui/format.js";

const MOVING = new Set(["compiling", "running", "stopping"]);

/** What `fit` is doing, in a few words. @param {Partial<import("../link/wire.js").State>} state @param {string} lost */
function doing(state, lost) {
  const { status, phase, message, not_finite: wrong, stalled } = state;
  if (lost) return "";
  const where = wrong?.batch ? `batch ${wrong.step}` : `epoch ${Number(wrong?.epoch) + 1}`;
  if (wrong && status !== "failed") return `${wrong.name} is ${formatSetting(wrong.value)} since ${where}`;
  if (status === "running" && stalled) return stalled.waits_for ? `waits for ${stalled.waits_for}` : "";
  if (status === "compiling") return String(message || "compiling the first batch");
  if (status === "running") return phase === "validate" ? "validating" : "training";
  return "";
}

/** @type {import("../view.js").Panel} */
export function progressPanel(body, { link, heartbeat, guard }) {
  const scope = createScope();
  const status = h("span", { class: "kcb-status", role: "status", "aria-live": "polite" });
  const title = h("span", { class: "kcb-title" });
  const what = h("span", { class: "kcb-doing" });
  const elapsed = h("span", { class: "kcb-elapsed", title: "time since the run began" });
  const remaining = h("span", { class: "kcb-remaining", title: "time left to the end of the last epoch" });
  const speed = h("span", { class: "kcb-speed" });
  const epochs = createBar("epoch");
  const batches = createBar("batch");
  body.append(
    h("div", { class: "kcb-head" }, status, title, what),
    h("div", { class: "kcb-track" }, epochs.text, batches.text),
    h("div", { class: "kcb-clocks" }, elapsed, remaining, speed),
    h("div", { class: "kcb-edge" }, epochs.track, batches.track),
  );

  const drawClocks = () => {
    const state = link.state();
    const since = state.ticking && !heartbeat.lost() ? (performance.now() - link.received()) / 1000 : 0;
    setText(elapsed, typeof state.elapsed === "number" ? formatClock(state.elapsed + since) : "");
    // A paused run has no known end.
    const { remaining: rest } = state;
    const known = typeof rest === "number" && !link.over() && state.status !== "paused" && !state.stalled && !heartbeat.lost();
    setText(remaining, known ? `${formatClock(Math.max(0, rest - since))} left` : "");
  };

  const draw = () => {
    const state = link.state();
    const lost = heartbeat.lost();
    const word = lost || (state.status === "running" && state.stalled ? "stalled" : String(state.status ?? "waiting"));
    setText(status, word);
    setAttribute(status, "data-status", lost ? "lost" : word);
    status.classList.toggle("kcb-wrong", !lost && !!state.not_finite);
    setText(title, String(state.title ?? ""));
    const words = doing(state, lost);
    setText(what, words);
    setAttribute(what, "title", words);

    const done = link.over() && word === "finished";
    const epoch = typeof state.epoch === "number" ? state.epoch : null;
    const most = typeof state.epochs === "number" ? state.epochs : null;
    const length = typeof state.batches === "number" && state.batches > 0 ? state.batches : null;
    const batch = Number(state.batch) || 0;
    const part = length ? Math.min(1, batch / length) : 0;
    const current = epoch === null ? 0 : epoch + 1;
    const epochWords = most ? `epoch ${current}/${most}` : `epoch ${current}`;
    epochs.update(epochWords, current, most, done ? current : epoch === null ? 0 : epoch + part);

    if (state.phase === "validate") {
      const tested = Number(state.test_batch) || 0;
      const tests = typeof state.test_batches === "number" && state.test_batches > 0 ? state.test_batches : null;
      batches.update(tests ? `validating ${tested}/${tests}` : `validating ${tested || ""}`.trim(), tested, tests);
    } else batches.update(length ? `batch ${batch}/${length}` : `batch ${batch}`, batch, length);
    batches.track.classList.toggle("kcb-validating", state.phase === "validate");
    body.classList.toggle("kcb-idle", !MOVING.has(word));

    const [stepTime, samples, steps] = [state.ms_per_step, state.samples_per_second, state.batches_per_second].map(Number);
    setText(speed, stepTime > 0 ? `${formatMilliseconds(stepTime)}/step` : "");
    setAttribute(speed, "title", samples > 0 ? `${formatRate(samples)} samples/s` : steps > 0 ? `${formatRate(steps)} batches/s` : null);
    drawClocks();
  };

  scope.add(heartbeat.listen(guard(draw)));
  scope.every(() => document.hidden || drawClocks(), 250);
  draw();
  return scope.end;
}
