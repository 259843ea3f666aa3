// @ts-check
// A few runs as columns: how they ended, their settings, and what was changed by hand.
import { button, createScope, h, setText } from "../../ui/dom.js";
import { formatExact, formatMoment, formatSetting } from "../../ui/format.js";

/** @typedef {{part: string, name: string, values: unknown[], differs: boolean}} Fact */
/** @typedef {{runs: {id: string, name: string}[], more: number, rows: Fact[]}} SideBySide */

const PARTS = /** @type {Record<string, string>} */ ({ run: "the run", metrics: "metrics", settings: "settings", "by hand": "changed by hand" });

/** @param {Fact} fact @param {unknown} value */
function text({ part, name }, value) {
  if (value === null || value === undefined || value === "") return "–";
  if (typeof value !== "number") return formatSetting(value);
  return part === "metrics" ? formatExact(value) : name === "duration" ? formatMoment(value) : formatSetting(value);
}

/** @param {() => void} ask for what is to be shown @param {(id: string) => {colour: string} | undefined} rowOf */
export function createSideBySide(ask, rowOf) {
  const scope = createScope();
  const only = h("input", { type: "checkbox" });
  only.checked = true;
  const said = h("span", { class: "kcb-muted" });
  const body = h("div", { class: "kcb-scroller kcb-runs", tabindex: 0, role: "region", "aria-label": "runs side by side" });
  const close = button("Close", {}, () => toggle());
  const element = h("div", { class: "kcb-side-by-side", hidden: true }, h("div", { class: "kcb-line" }, h("label", {}, only, " only what differs"), said, close), body);
  const opener = button("Side by side", { "aria-expanded": "false", title: "The runs that are drawn as columns" }, () => toggle());
  /** @type {SideBySide | null} */
  let known = null;

  const toggle = () => {
    element.hidden = !element.hidden;
    opener.setAttribute("aria-expanded", String(!element.hidden));
    if (!element.hidden) ask();
    else opener.focus();
  };

  const draw = () => {
    if (!known || element.hidden) return;
    const { runs, rows, more } = known;
    const facts = rows.filter((row) => !only.checked || row.differs || row.part === "by hand");
    const heads = runs.map((run) => {
      const cell = h("th", { scope: "col" }, run.name);
      cell.style.borderTop = `3px solid ${rowOf(run.id)?.colour ?? "transparent"}`;
      return cell;
    });
    const lines = facts.flatMap((fact, i) => {
      const cells = fact.values.map((value) => h("td", {}, text(fact, value)));
      const line = h("tr", { ...(fact.differs && !only.checked && { class: "kcb-differs" }) }, h("th", { scope: "row", title: fact.name }, fact.name.replace(/^config\./, "")), ...cells);
      if (facts[i - 1]?.part === fact.part) return [line];
      return [h("tr", { class: "kcb-part" }, h("th", { scope: "rowgroup", colspan: runs.length + 1 }, PARTS[fact.part] ?? fact.part)), line];
    });
    setText(said, runs.length < 2 ? "draw two runs or more to compare them" : more ? `the first ${runs.length} of ${runs.length + more} runs that are drawn` : "");
    const head = h("thead", {}, h("tr", {}, h("td"), ...heads));
    body.replaceChildren(h("table", { class: "kcb-run-table", "aria-label": "runs side by side" }, head, h("tbody", {}, ...lines)));
  };

  scope.listen(only, "change", draw);
  scope.listen(element, "keydown", (event) => event.key === "Escape" && toggle());
  return {
    element,
    opener,
    /** Something may be different now. */
    refresh: () => element.hidden || ask(),
    /** @param {SideBySide} next */
    update(next) {
      known = next;
      draw();
    },
    end: scope.end,
  };
}
