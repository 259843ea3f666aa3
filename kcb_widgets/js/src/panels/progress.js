// @ts-check
// Progress of the run: status, epoch and batch, clocks and speed.
import { createBar } from "../ui/bar.js";
import { createScope, h, setAttribute, setText } from "../ui/dom.js";
import { formatClock, formatMilliseconds, formatRate } from "../ui/format.js";

/** @type {import("../view.js").Panel} */
export function progressPanel(body, { link, guard }) {
  const scope = createScope();
  const status = h("span", { class: "kcb-status", role: "status", "aria-live": "polite" });
  const title = h("span", { class: "kcb-title" });
  const elapsed = h("span", { class: "kcb-elapsed", title: "time since the run began" });
  const remaining = h("span", { class: "kcb-remaining" });
  const speed = h("span", { class: "kcb-speed" });
  const message = h("p", { class: "kcb-message" });
  const epochs = createBar("epoch");
  const batches = createBar("batch");
  body.append(
    h("div", { class: "kcb-head" }, status, title, h("span", { class: "kcb-clocks" }, elapsed, remaining)),
    h("div", { class: "kcb-bars" }, epochs.element, batches.element, speed),
    message,
  );

  const drawClocks = () => {
    const state = link.state();
    const since = state.ticking ? (performance.now() - link.received()) / 1000 : 0;
    setText(elapsed, typeof state.elapsed === "number" ? formatClock(state.elapsed + since) : "");
    // A paused run has no known end.
    const { remaining: rest } = state;
    const left = typeof rest === "number" && !link.over() && state.status !== "paused" ? Math.max(0, rest - since) : null;
    setText(remaining, left === null ? "" : `${formatClock(left)} left`);
  };

  const draw = () => {
    const state = link.state();
    const word = String(state.status ?? "waiting");
    setText(status, word);
    setAttribute(status, "data-status", word);
    setText(title, String(state.title ?? ""));
    const failed = word === "failed" || word === "interrupted";
    const noControls = link.show()?.includes("controls") === false;
    setText(message, failed || noControls ? String(state.message ?? "") : "");
    message.classList.toggle("kcb-error", word === "failed");

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
    batches.element.classList.toggle("kcb-validating", state.phase === "validate");
    body.classList.toggle("kcb-idle", !["compiling", "running", "stopping"].includes(word));

    const speeds = [];
    const [stepTime, samples, steps] = [state.ms_per_step, state.samples_per_second, state.batches_per_second].map(Number);
    if (stepTime > 0) speeds.push(`${formatMilliseconds(stepTime)}/step`);
    if (samples > 0) speeds.push(`${formatRate(samples)} samples/s`);
    else if (steps > 0) speeds.push(`${formatRate(steps)} batches/s`);
    setText(speed, speeds.join(" · "));
    drawClocks();
  };

  scope.add(link.listen(guard((topic) => topic === "state" && draw())));
  scope.every(() => document.hidden || drawClocks(), 250);
  draw();
  return scope.end;
}
