// @ts-check
// What went wrong or ended the run, in one line each at the top of the board, and what can be done about it.
import { button, createScope, h, setAttribute, setHidden, setText } from "../../ui/dom.js";
import { formatSetting, roundSignificant, toNumber } from "../../ui/format.js";
import { createKeyedList } from "../../ui/keyed_list.js";

/** @typedef {import("../../link/link.js").Link} Link */
/** @typedef {{key: string, text: string, bad: boolean, actions: {text: string, title: string, run: () => void}[]}} Trouble */

/** @param {Link} link the main learning rate, where it can be set */
const rateOf = (link) => link.controls().find((each) => each.name === "learning_rate" && each.enabled && (toNumber(each.value) ?? 0) > 0);

/** A value that is not finite: go back to before it, lower the rate, or stop. @param {Link} link @returns {Trouble[]} */
function notFinite(link) {
  const { not_finite: wrong } = link.state();
  if (!wrong || link.over()) return [];
  const back = [...link.snapshots()].reverse().find((each) => each.step < wrong.step);
  const rate = rateOf(link);
  const half = rate ? roundSignificant(Number(toNumber(rate.value)) / 2, 3) : null;
  const lower = () => half !== null && link.command("learning_rate", half);
  const actions = [];
  if (back) {
    const text = `Roll back to step ${back.step}${half === null ? "" : " and halve the rate"}`;
    const run = () => {
      lower();
      link.command("rollback", back.id);
    };
    actions.push({ text, title: half === null ? "" : `learning_rate becomes ${formatSetting(half)}`, run });
  } else if (half !== null) actions.push({ text: "Halve the rate", title: `learning_rate becomes ${formatSetting(half)}`, run: lower });
  actions.push({ text: "Stop", title: "End training after the current batch", run: () => link.command("stop", null) });
  const hint = back ? "" : " No snapshot from before it: a guard or Snapshots(each_epoch=True) would have kept one.";
  const at = wrong.batch === null ? `the end of epoch ${wrong.epoch + 1}` : `batch ${wrong.step} (batch ${wrong.batch} of epoch ${wrong.epoch + 1})`;
  return [{ key: "not finite", text: `${wrong.name} is ${formatSetting(wrong.value)} since ${at}.${hint}`, bad: true, actions }];
}

/** @param {Link} link @param {string} lost @returns {Trouble[]} */
function disconnected(link, lost) {
  if (!lost || link.over()) return [];
  const at = link.heard() ? `, at ${new Date(Date.now() - (performance.now() - link.received())).toLocaleTimeString()}` : "";
  const why = lost === "kernel gone" ? "This board's kernel is gone, was restarted or is out of reach" : "The kernel answered before and does not now: it died, or hangs in one long step";
  return [{ key: lost, text: `${why}. These are the last numbers it sent${at}.`, bad: true, actions: [] }];
}

/** @param {Link} link @param {string} lost @returns {Trouble[]} */
function stalled(link, lost) {
  const { stalled: stall, status } = link.state();
  if (!stall || lost || status !== "running") return [];
  const why = stall.waits_for ? `: training waits for ${stall.waits_for}` : "";
  return [{ key: "stalled", text: `No batch for ${Math.round(stall.seconds)} s${why}.`, bad: false, actions: [] }];
}

/** Alerts that hold, in Python's words. @param {Link} link @returns {Trouble[]} */
const alerting = (link) => (link.state().alerts ?? []).map(({ name, text, bad }) => ({ key: `alert ${name}`, text, bad, actions: [] }));

/** How the run ended, and the way back to its best state. @param {Link} link @returns {Trouble[]} */
function ending(link) {
  const { status, message, can } = link.state();
  if (!link.over()) return [];
  const best = [...link.snapshots()].reverse().find((each) => each.kind === "best");
  const actions = [];
  if (best && link.alive() && can?.rollback === "") {
    const at = best.metric && best.value !== null ? `, ${best.metric} ${formatSetting(roundSignificant(best.value, 4))}` : "";
    actions.push({ text: "Restore the best weights", title: `The model as it was at step ${best.step}${at}`, run: () => link.command("rollback", best.id) });
  }
  return message || actions.length ? [{ key: "ending", text: String(message ?? ""), bad: status === "failed", actions }] : [];
}

/** @type {import("../../view.js").Panel} */
export function troublePanel(body, { link, heartbeat, guard }) {
  const scope = createScope();
  /** @type {ReturnType<typeof createKeyedList<{element: HTMLElement, text: HTMLElement, buttons: HTMLElement}>>} */
  const list = createKeyedList(body);

  const draw = () => {
    const lost = heartbeat.lost();
    const troubles = [...disconnected(link, lost), ...notFinite(link), ...stalled(link, lost), ...alerting(link), ...ending(link)];
    list.draw(
      troubles,
      // A button that changed under the pointer would do something else than it said.
      ({ key, actions }) => JSON.stringify([key, actions.map((each) => each.text)]),
      ({ actions }) => {
        const text = h("p", { class: "kcb-message" });
        const buttons = h("span", { class: "kcb-presses" }, ...actions.map((each) => button(each.text, { title: each.title }, each.run)));
        return { element: h("div", { class: "kcb-told" }, text, buttons), text, buttons };
      },
      (part, { text, bad }) => {
        setText(part.text, text);
        setAttribute(part.text, "role", bad ? "alert" : "status");
        part.text.classList.toggle("kcb-error", bad);
        for (const each of part.buttons.querySelectorAll("button")) each.disabled = !link.alive();
      },
    );
    setHidden(body, !troubles.length);
  };
  scope.add(link.listen(guard((topic) => topic === "controls" && draw())));
  scope.add(heartbeat.listen(guard(draw)));
  scope.add(list.end);
  draw();
  return scope.end;
}
