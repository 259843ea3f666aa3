// @ts-check
// The entry point of a comparison's page: the comparison's own view, of a model that reckons in the page what a kernel would.
import "./page.css";
import { compare } from "./compared_curves.js";
import { bytesOf, createModel, mountWidget, readData } from "./model.js";

const { chosen, table, together, curves, bytes, limits } = readData();
/** @type {import("./compared_curves.js").Shipped} */
const shipped = { curves, bytes: bytesOf(bytes), together, ids: table.rows.map((/** @type {{id: string}} */ row) => row.id) };

/** @param {import("./model.js").PageModel} model @param {string} view @param {number | null} request @param {number | null} first @param {number | null} last */
function sendCurves(model, view, request, first, last) {
  const { header, buffer } = compare(shipped, model.get("chosen"), first, last);
  model.reply({ kind: "curves", view, request, ...header }, [buffer]);
}

const model = createModel({ chosen, limits }, (content, model) => {
  if (content.kind === "hello" && content.first) {
    model.reply(table);
    sendCurves(model, "", null, null, null);
  } else if (content.kind === "choose") {
    model.set("chosen", { ...model.get("chosen"), ...content.choices });
    sendCurves(model, "", null, null, null);
  } else if (content.kind === "window" && content.first < content.last) sendCurves(model, content.view, content.request, content.first, content.last);
});
mountWidget(model);
