// @ts-check
// The fits that belong together: how far they are, what they came to, and each of them one press away.
import { button, createScope, h, setAttribute, setHidden, setText } from "../ui/dom.js";
import { formatClock, formatTick, toNumber } from "../ui/format.js";
import { createKeyedList } from "../ui/keyed_list.js";
import { createBar } from "../ui/bar.js";

/** @param {unknown} value */
const number = (value) => formatTick(toNumber(value) ?? NaN);

/** How far all fits are, in fits. @param {Partial<import("../link/wire.js").State>} state @param {import("../link/wire.js").FitGroup} group */
function done({ run, epoch, epochs, initial_epoch: first, batch, batches }, { fits, number: began }) {
  const newest = fits[fits.length - 1];
  if (newest?.status === "finished" || newest?.status === "stopped") return began;
  const known = newest?.run === run && epochs && typeof epoch === "number";
  return began - 1 + (known ? Math.min(1, (epoch - Number(first) + (batches ? Number(batch) / batches : 0)) / Math.max(1, epochs - Number(first))) : 0);
}

/** @type {import("../view.js").Panel} */
export function fitsStrip(body, { link, guard }) {
  const scope = createScope();
  const name = h("span", { class: "kcb-fits-name" });
  const clock = h("span", { class: "kcb-muted" });
  const mean = h("span", { class: "kcb-muted", title: "mean and standard deviation of what the fits ended with" });
  const bar = createBar("fits");
  const row = h("div", { class: "kcb-fits-row", role: "group", "aria-label": "fits" });
  const back = button("Back to the latest", { class: "kcb-quiet" }, () => look(link.state().group?.fits.at(-1)?.run));
  body.append(h("div", { class: "kcb-fits-line" }, name, bar.text, clock, mean, row, back), bar.track);
  const look = (/** @type {string | undefined} */ run) => run && link.send({ kind: "look", run });
  const list = createKeyedList(row);

  const draw = () => {
    const state = link.state();
    const { group } = state;
    setHidden(body, !group);
    if (!group) return;
    const { planned, number: began, remaining, metric, counted, fits } = group;
    setText(name, group.name || "fits of this cell");
    bar.update(planned ? `fit ${began}/${planned}` : `fit ${began}`, began, planned, done(state, group));
    setHidden(bar.track, !planned);
    setText(clock, remaining && link.alive() ? `${formatClock(remaining)} left` : "");
    setText(mean, counted ? `${metric} ${number(group.mean)}${counted > 1 ? ` ± ${number(group.deviation)} over ${counted}` : ""}` : "");
    list.draw(fits, (fit) => fit.run, (fit) => ({ element: button(String(fit.number), { class: "kcb-fit" }, () => look(fit.run)) }), ({ element }, fit) => {
      setAttribute(element, "data-status", fit.status);
      setAttribute(element, "aria-pressed", String(fit.run === state.run));
      const title = `fit ${fit.number}, ${fit.title}: ${fit.status}${fit.value === null ? "" : `, ${metric} ${number(fit.value)}`}${fit.kept ? "" : ". It is not kept any more"}`;
      setAttribute(element, "title", title);
      setAttribute(element, "aria-label", title);
      /** @type {HTMLButtonElement} */ (element).disabled = !fit.kept;
    });
    setHidden(back, fits.at(-1)?.run === state.run);
  };
  scope.add(link.listen(guard((topic) => (topic === "state" || topic === "alive") && draw())));
  draw();
  return scope.end;
}
