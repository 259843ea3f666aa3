// @ts-check
// A panel of its own code: the curves of fits that belong together, their mean, and a table of what each came to.
import "./fits.css";
import { createScope, h, setText, throttle } from "../../ui/dom.js";
import { formatTick, toNumber } from "../../ui/format.js";
import { createFitsPlot } from "./fits_plot.js";

const ASK_MS = 1000;

/** @param {unknown} value */
const words = (value) => (value === null || value === undefined ? "" : formatTick(toNumber(value) ?? NaN));

/** @param {import("../../link/wire.js").FitsReply} header @param {DataView} raw @returns {import("./fits_plot.js").FitCurves} */
function decode(header, raw) {
  const { points } = header;
  const all = new Float32Array(raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength));
  const rows = Array.from({ length: all.length / Math.max(1, points) }, (_, i) => Array.from(all.subarray(i * points, (i + 1) * points), (value) => (Number.isFinite(value) ? value : null)));
  const [x, ...lines] = rows;
  const [mean, low, high, count] = lines.splice(-4);
  return { axis: header.axis, fits: header.fits, x: /** @type {number[]} */ (x ?? []), lines, mean: mean ?? [], low: low ?? [], high: high ?? [], count: count ?? [] };
}

/** @param {HTMLElement} body @param {import("../../view.js").Context} context @param {typeof import("uplot")} uPlot @returns {() => void} */
export default function fitsPanel(body, { link, heartbeat, theme, guard }, uPlot) {
  const scope = createScope();
  const metric = h("select", { "aria-label": "metric" });
  const reading = h("span", { class: "kcb-muted", role: "status" });
  const plot = createFitsPlot({ uPlot, theme, onRead: (text) => setText(reading, text), look: (number) => look(number) });
  const rows = h("tbody");
  const column = h("th", { scope: "col" });
  const table = h("table", { class: "kcb-table kcb-fits-table", "aria-label": "fits" }, h("thead", {}, h("tr", {}, ...["fit", "run", "status"].map((name) => h("th", { scope: "col" }, name)), column)), rows);
  const note = h("p", { class: "kcb-muted" });
  body.append(h("div", { class: "kcb-line" }, metric, reading), plot.element, note, table);
  let request = 0;
  let wanted = "";

  const look = (/** @type {number} */ number) => {
    const fit = link.state().group?.fits.find((each) => each.number === number);
    if (fit?.kept) link.send({ kind: "look", run: fit.run });
  };
  const ask = throttle(() => link.send({ kind: "fits", view: heartbeat.view, request: ++request, metric: wanted }), ASK_MS);
  scope.add(ask.cancel);

  const drawTable = () => {
    const { group, run } = link.state();
    if (!group) return;
    setText(column, group.metric || "metric");
    rows.replaceChildren(
      ...group.fits.map((fit) => h("tr", { "data-run": fit.run, ...(fit.run === run && { "aria-current": "true" }) }, h("th", { scope: "row" }, String(fit.number)), h("td", {}, fit.title), h("td", {}, fit.status), h("td", {}, words(fit.value)))),
      ...(group.counted ? [h("tr", { class: "kcb-fits-mean" }, h("th", { scope: "row" }, "mean"), h("td", {}, `of ${group.counted}`), h("td", {}), h("td", {}, `${words(group.mean)}${group.counted > 1 ? ` ± ${words(group.deviation)}` : ""}`))] : []),
    );
    plot.mark(group.fits.find((each) => each.run === run)?.number ?? 0);
  };

  scope.add(link.read(guard((content, buffers) => {
    if (content?.kind !== "fits" || content.view !== heartbeat.view || content.request !== request || !(buffers[0] instanceof DataView)) return;
    const names = /** @type {string[]} */ (content.metrics);
    if (names.join("\n") !== [...metric.options].map((each) => each.value).join("\n")) metric.replaceChildren(...names.map((name) => h("option", { value: name }, name)));
    metric.value = content.metric;
    const curves = decode(content, buffers[0]);
    plot.update(curves);
    const most = Math.max(0, ...curves.count.map(Number));
    setText(note, `${content.axis === "epoch" ? "Ends of epochs" : "Batches"}; thick: the mean where at least two fits have a value (at most ${most} do), shaded: one standard deviation to either side.`);
  })));
  scope.listen(metric, "change", () => {
    wanted = metric.value;
    ask.call(undefined);
    ask.flush();
  });
  scope.add(link.listen(guard((topic) => {
    if (topic !== "state") return;
    drawTable();
    ask.call(undefined);
  })));
  scope.add(plot.end);
  drawTable();
  ask.call(undefined);
  return scope.end;
}
