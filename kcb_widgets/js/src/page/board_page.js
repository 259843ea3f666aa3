// @ts-check
// The entry point of a run's page: the board's own view of a model that stands in the page, with finer pictures to zoom into.
import "./page.css";
import { bytesOf, createModel, mountWidget, readData } from "./model.js";
import { windowOf } from "./window.js";

const { traits, series, levels } = readData();
/** @type {DataView[]} */
const pictures = levels.map(bytesOf);

const model = createModel({ ...traits, series: bytesOf(series) }, (content) => {
  if (content?.kind !== "window") return;
  const picture = windowOf(pictures, content.first, content.last, content.points);
  if (picture) model.reply({ kind: "window", view: content.view, request: content.request }, [picture]);
});
mountWidget(model);
