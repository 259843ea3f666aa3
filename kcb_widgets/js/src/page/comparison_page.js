// @ts-check
// The entry point of a comparison's page: the comparison's own view, of a model that reckons in the page what a kernel would.
import "./page.css";
import { sideBySide } from "./beside.js";
import { compare } from "./compared_curves.js";
import { drawnOf, tableOf } from "./compared_looks.js";
import { bytesOf, createModel, mountWidget, readData } from "./model.js";

/** By names and ids that people and files give: "constructor" may be one. @template T @param {Record<string, T>} known @returns {Record<string, T>} */
const bare = (known) => Object.assign(Object.create(null), known);

const { chosen, table, shared, limits, curves, places, together, colours, words, series, bytes } = readData();
/** @type {import("./compared_curves.js").Shipped} */
const shipped = {
  curves: bare(curves), places: bare(places), together: bare(together), colours: bare(colours), words, series,
  bytes: bytesOf(bytes), ids: table.rows.map((/** @type {{id: string}} */ row) => row.id),
};
const RELATIONS = ["view", "axes", "scales", "brush", "outcome", "best", "scatter"]; // they change no curve

/** @param {import("./model.js").PageModel} model @param {string} view @param {number | null} request @param {number | null} first @param {number | null} last */
function sendCurves(model, view, request, first, last) {
  const { header, buffer } = compare(shipped, model.get("chosen"), first, last);
  model.reply({ kind: "curves", view, request, ...header }, [buffer]);
}

/** @param {import("./model.js").PageModel} model */
const sendTable = (model) => model.reply(tableOf(table, shipped, model.get("chosen")));

const model = createModel({ chosen, limits }, (content, model) => {
  if (content.kind === "hello" && content.first) {
    sendTable(model);
    sendCurves(model, "", null, null, null);
  } else if (content.kind === "choose") {
    const names = Object.keys(content.choices);
    model.set("chosen", { ...model.get("chosen"), ...content.choices });
    if (names.includes("colour") || names.includes("group")) sendTable(model);
    if (!names.length || names.some((name) => !RELATIONS.includes(name))) sendCurves(model, "", null, null, null);
  } else if (content.kind === "window" && content.first < content.last) sendCurves(model, content.view, content.request, content.first, content.last);
  else if (content.kind === "side_by_side") model.reply({ kind: "side_by_side", view: content.view, ...sideBySide(table, drawnOf(shipped.ids, model.get("chosen")), shared, shipped.places) });
});
mountWidget(model);
