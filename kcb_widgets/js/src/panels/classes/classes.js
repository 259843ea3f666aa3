// @ts-check
// A panel of its own code: what the model says of classes at the ends of epochs: confusion, scores, calibration, samples.
import "./classes.css";
import { createScope, h, setHidden, setText, throttle } from "../../ui/dom.js";
import { formatSeconds, formatTick } from "../../ui/format.js";
import { calibrationPlot } from "./calibration.js";
import { createMatrix } from "./matrix.js";

/** @typedef {import("../../link/wire.js").ClassesReply} Reply */

const ASK_MS = 1000;
const EVERY_MS = 5000; // while nothing is new, so that Python knows that somebody looks

/** @param {number | null} value from 0 to 1 */
const part = (value) => (value === null ? "–" : value.toFixed(3));

/** @param {HTMLElement} body @param {import("../../view.js").Context} context @returns {() => void} */
export default function classesPanel(body, { link, heartbeat, guard }) {
  const scope = createScope();
  const slider = h("input", { type: "range", class: "kcb-slider", min: 0, max: 0, step: 1, "aria-label": "epoch" });
  const at = h("span", {});
  const said = h("span", { class: "kcb-muted", role: "status" });
  const why = h("p", { class: "kcb-muted", role: "status" });
  const matrix = createMatrix((cell) => ask(cell));
  const rows = h("tbody");
  const scores = h("table", { class: "kcb-table", "aria-label": "scores of classes" }, h("thead", {}, h("tr", {}, ...["class", "precision", "recall", "F1", "support"].map((name) => h("th", { scope: "col" }, name)))), rows);
  const calibration = h("div", { class: "kcb-calibration" });
  const all = h("div", { class: "kcb-class-parts", hidden: true }, matrix.element, h("div", { class: "kcb-scroller", tabindex: 0, role: "region", "aria-label": "scores" }, scores), calibration);
  body.append(h("div", { class: "kcb-line" }, h("label", { class: "kcb-class-epoch" }, "epoch ", slider, at), said), why, all, matrix.samples);
  let request = 0;
  /** What is looked at outlives the view: a finished board is mounted anew. epoch: null for always the latest; open: a cell whose samples are shown.
   * @type {{epoch: number | null, open: number[] | null}} */
  const chosen = (/** @type {any} */ (link.ui).classes ??= { epoch: null, open: null });
  /** @type {number[]} */
  let epochs = [];

  const send = throttle(() => link.send({ kind: "classes", view: heartbeat.view, request: ++request, epoch: chosen.epoch, cell: chosen.open }), ASK_MS);
  /** @param {number[] | null} cell */
  const ask = (cell) => {
    chosen.open = cell;
    send.call(undefined);
    send.flush();
  };
  scope.add(send.cancel);

  /** @param {Reply} reply */
  const draw = (reply) => {
    epochs = reply.epochs;
    const last = Math.max(0, epochs.length - 1);
    const now = reply.epoch === null ? last : epochs.indexOf(reply.epoch);
    slider.max = String(last);
    slider.disabled = epochs.length < 2;
    if (document.activeElement !== slider || chosen.epoch === null) slider.value = String(now);
    setText(at, reply.epoch === null ? "" : `${reply.epoch + 1}${now === last ? ", the latest" : ""}`);
    setText(why, reply.why);
    setHidden(all, reply.epoch === null);
    const { calibration: bins } = reply;
    setText(said, [
      reply.accuracy === null ? "" : `accuracy ${part(reply.accuracy)}`,
      bins && bins.error !== null ? `calibration error ${part(bins.error)}` : "",
      reply.from_samples,
      reply.left_out ? `${reply.left_out} left out: not finite` : "",
      reply.cost ? `cost ${formatSeconds(reply.cost)}` : "",
      reply.skipped ? `${reply.skipped} epochs left out, to cost no more` : "",
    ].filter(Boolean).join(" · "));
    if (reply.epoch === null) return;
    matrix.draw(reply);
    rows.replaceChildren(...reply.scores.map((each) => h("tr", {}, h("th", { scope: "row" }, each.name), ...[each.precision, each.recall, each.f1].map((value) => h("td", {}, part(value))), h("td", {}, formatTick(each.support)))));
    calibration.replaceChildren(...(bins ? [calibrationPlot(bins)] : []));
  };

  scope.add(link.read(guard((content) => {
    if (content?.kind === "classes" && content.view === heartbeat.view && content.request === request) draw(content);
  })));
  scope.listen(slider, "input", () => {
    const wanted = Number(slider.value);
    chosen.epoch = wanted >= epochs.length - 1 ? null : epochs[wanted];
    ask(chosen.open);
  });
  scope.add(link.listen((topic) => topic === "picture" && send.call(undefined)));
  scope.every(() => document.hidden || send.call(undefined), EVERY_MS);
  send.call(undefined);
  return scope.end;
}
