// @ts-check
// How settings relate to results: the strip of views, what is common to them, and which runs lie within the brushes.
import { button, createScope, h, setAttribute, setHidden, setText } from "../../ui/dom.js";
import { createAxis } from "./axis.js";
import { createAxisList } from "./axis_list.js";
import { bestOf, within } from "./brush.js";
import { colourAt } from "./colour_scale.js";
import { createOutcomeChooser } from "./outcome_chooser.js";
import { createParallel } from "./parallel.js";
import { directionOf, outcomeOf, quantitiesOf, wordOf } from "./quantities.js";
import { createScatter } from "./scatter.js";
import { createScatterChooser } from "./scatter_chooser.js";

/** @typedef {import("./comparison.js").Row} Row */
/** @typedef {import("./brush.js").Part} Part */
/** @typedef {{view: string[], axes: string[] | null, scales: Record<string, string>, brush: Record<string, Part[]>, outcome: string | null, best: number, scatter: [string | null, string | null]}} Chosen */

/** @type {Record<string, string>} */
const VIEWS = { curves: "Curves", parallel: "Parallel coordinates", scatter: "Scatter" };
/** @type {Chosen} */
const FIRST = { view: ["curves"], axes: null, scales: {}, brush: {}, outcome: null, best: 100, scatter: [null, null] };
const FIRST_SETTINGS = 6; // axes besides the outcome, while none are chosen
const MOST_AXES = 30;
const MOST_DRAWN = 200; // runs; Python draws no more

/** @param {{theme: import("../../ui/theme.js").Theme, table: () => import("./comparison.js").Table, choices: () => import("./comparison.js").Choices, choose: (changed: object) => void, shown: () => string[],
 *   curves: HTMLElement[], onHover: (id: string | null) => void, onKept: () => void, onIsolate: (id: string) => void, onToggle: (id: string) => void}} context */
export function createRelations({ theme, table, choices, choose, shown, curves, onHover, onKept, onIsolate, onToggle }) {
  const scope = createScope();
  /** What was chosen here and is not confirmed yet: a kernel may be busy for long. @type {Partial<Chosen>} */
  let ahead = {};
  /** @returns {Chosen & import("./comparison.js").Choices} */
  const now = () => ({ ...FIRST, ...choices(), ...ahead });
  /** @type {Map<string, import("./quantities.js").Quantity>} */
  let known = new Map();
  /** @type {Set<string>} */
  let kept = new Set();
  let filtered = false;

  const toggles = Object.entries(VIEWS).map(([name, title]) => button(title, { class: "kcb-toggle", "data-view": name }, () => {
    const { view } = now();
    change({ view: Object.keys(VIEWS).filter((each) => (each === name) !== view.includes(each)) });
  }));
  const strip = h("div", { class: "kcb-views", role: "group", "aria-label": "views" }, ...toggles);
  const head = createOutcomeChooser({ onOutcome: (name) => change({ outcome: name }), onBest: (best) => change({ best }) });
  const count = h("span", { class: "kcb-count-of-runs", role: "status" });
  const drawThese = button("Draw these", { title: "Show the curves of these runs" }, () => {
    const ids = table().rows.map((row) => row.id).filter((id) => kept.has(id)).slice(0, MOST_DRAWN);
    const { view } = now();
    change({ view: Object.keys(VIEWS).filter((each) => each === "curves" || view.includes(each)) }, { shown: ids });
  });
  const clear = button("Clear brushes", {}, () => change({ brush: {}, best: 100 }));
  const note = h("span", { class: "kcb-muted" });
  const line = h("div", { class: "kcb-line kcb-within" }, count, drawThese, clear, note);
  const place = h("div", { class: "kcb-relations" });
  const element = h("div", {}, head.element, place, line);

  /** @param {Partial<Chosen>} changed @param {object} [more] */
  const change = (changed, more = {}) => {
    ahead = { ...ahead, ...changed };
    choose({ ...changed, ...more });
    draw();
    onKept();
  };

  const brushes = () => new Map(Object.entries(now().brush));
  const scales = () => new Map(Object.entries(now().scales));
  /** @param {string} name @param {Part[] | undefined} parts @param {boolean} [done] */
  const brush = (name, parts, done = true) => {
    const next = brushes();
    if (parts) next.set(name, parts);
    else next.delete(name);
    const changed = { brush: Object.fromEntries(next) };
    if (done) return change(changed);
    ahead = { ...ahead, ...changed };
    draw();
  };
  /** @param {string} name @param {string} scale */
  const rescale = (name, scale) => {
    const next = scales();
    if (scale) next.set(name, scale);
    else next.delete(name);
    change({ scales: Object.fromEntries(next) });
  };
  const outcome = () => outcomeOf(known, now());
  const axes = () => {
    const { axes: wanted } = now();
    const own = outcome();
    return (wanted ?? [...new Set([...table().settings.slice(0, FIRST_SETTINGS), ...(own ? [own.name] : [])])]).filter((name) => known.has(name));
  };
  /** A brush of single numbers is of categories. @param {import("./quantities.js").Quantity} quantity */
  const axisOf = ({ name, of }) => {
    const byValue = brushes().get(name)?.some((part) => typeof part === "number");
    return createAxis(table().rows.map(of), scales().get(name) ?? (byValue ? "categories" : undefined));
  };
  /** @param {string} name @param {number} to */
  const move = (name, to) => {
    const next = axes().filter((each) => each !== name);
    next.splice(to, 0, name);
    change({ axes: next });
  };

  /** @param {string | null} id */
  const light = (id) => {
    for (const each of open.values()) each.highlight(id);
  };
  /** @param {string | null} id */
  const hover = (id) => {
    light(id);
    onHover(id);
  };

  /** The views that are open; only those exist. @type {Map<string, {element: HTMLElement, draw: () => void, highlight: (id: string | null) => void, end: () => void}>} */
  const open = new Map();
  /** @type {Record<string, () => {element: HTMLElement, draw: () => void, highlight: (id: string | null) => void, end: () => void}>} */
  const makers = {
    parallel() {
      const plot = createParallel({ theme, onHover: hover, onBrush: brush, onMove: move });
      const list = createAxisList({
        onBrush: brush,
        onMove: move,
        onScale: rescale,
        onAdd: (name) => change({ axes: [...axes(), name] }),
        onRemove: (name) => change({ axes: axes().filter((each) => each !== name) }),
      });
      const read = h("p", { class: "kcb-reading-out" });
      return {
        element: h("section", { class: "kcb-relating", "aria-label": "parallel coordinates" }, h("div", {}, plot.element, read), list.element),
        draw() {
          const parts = brushes();
          const uprights = axes().flatMap((name) => {
            const quantity = known.get(name);
            return quantity ? [{ ...quantity, axis: axisOf(quantity), parts: parts.get(name) }] : [];
          });
          const colours = colouring();
          plot.update({ uprights, rows: table().rows, kept, ...colours });
          list.update(uprights, now().scales, uprights.length < MOST_AXES ? [...known.values()].filter(({ name }) => !uprights.some((each) => each.name === name)) : []);
        },
        highlight(id) {
          plot.highlight(id);
          const row = table().rows.find((each) => each.id === id);
          const own = outcome();
          setText(read, row ? `${row.name}${own ? `: ${own.title} ${wordOf(own.of(row))}` : ""}` : "");
        },
        end() {
          plot.end();
          list.end();
        },
      };
    },
    scatter() {
      const plot = createScatter({ theme, onHover: hover, onIsolate, onToggle });
      const chooser = createScatterChooser({ onPair: (pair) => change({ scatter: pair }), onScale: rescale });
      return {
        element: h("section", { "aria-label": "scatter" }, chooser.element, plot.element),
        draw() {
          const [x, y] = now().scatter;
          const sides = [x ?? table().settings[0] ?? "duration", y ?? outcome()?.name ?? ""].map((name) => {
            const quantity = known.get(name);
            return quantity ? { quantity, axis: axisOf(quantity) } : null;
          });
          chooser.update(known, sides[0], sides[1], now().scatter);
          plot.update({ x: sides[0], y: sides[1], rows: table().rows, kept, shown: new Set(shown()) });
        },
        highlight: plot.highlight,
        end() {
          plot.end();
          chooser.end();
        },
      };
    },
  };

  const isDark = () => /** @type {HTMLElement | null} */ (element.closest("[data-kcb-theme]"))?.dataset.kcbTheme === "dark";
  /** How lines are coloured by the outcome, and what the legend says. */
  const colouring = () => {
    const own = outcome();
    const dark = isDark();
    const axis = own && axisOf(own);
    const direction = own && directionOf(table(), own.name);
    const part = (/** @type {Row} */ row) => {
      const spot = own && axis?.spot(own.of(row));
      return spot && "at" in spot ? (direction === "min" ? 1 - spot.at : spot.at) : null;
    };
    head.explain(axis, direction, dark);
    return { colour: (/** @type {Row} */ row) => { const at = part(row); return at === null ? null : colourAt(at, dark); }, rank: (/** @type {Row} */ row) => part(row) ?? -1 };
  };

  const draw = () => {
    known = quantitiesOf(table());
    const { rows } = table();
    const own = outcome();
    const { brush: chosen, best, view, axes: wanted, scatter, outcome: by } = now();
    const direction = own && directionOf(table(), own.name);
    const top = own && direction && best < 100 ? bestOf(rows, own, direction, best) : null;
    kept = within(rows, known, brushes(), top);
    filtered = kept.size < rows.length;
    for (const each of toggles) setAttribute(each, "aria-pressed", String(view.includes(each.dataset.view ?? "")));
    for (const each of curves) setHidden(each, !view.includes("curves"));
    for (const [name, make] of Object.entries(makers)) {
      const present = open.get(name);
      if (view.includes(name) && !present) {
        const made = make();
        open.set(name, made);
        if (name === "parallel") place.prepend(made.element);
        else place.append(made.element);
      } else if (!view.includes(name) && present) {
        present.end();
        present.element.remove();
        open.delete(name);
      }
    }
    setHidden(head.element, !open.size);
    head.update(known, own, direction, best);
    if (!open.has("parallel")) head.explain(null, null, false);
    for (const each of open.values()) each.draw();
    const asked = Object.keys(chosen).length > 0 || top !== null;
    setHidden(line, !asked && !open.size);
    setText(count, `${kept.size} of ${rows.length} runs`);
    setHidden(clear, !asked);
    drawThese.disabled = !kept.size;
    setAttribute(drawThese, "title", kept.size > MOST_DRAWN ? `Show the curves of the newest ${MOST_DRAWN} of these runs` : "Show the curves of these runs");
    const strange = rows.length ? [...new Set([...(wanted ?? []), ...Object.keys(chosen), ...scatter, by])].filter((name) => name && !known.has(name)) : [];
    setText(note, strange.length ? `no column of the table is called ${strange.join(", ")}` : "");
  };

  scope.add(head.end);
  scope.add(theme.listen(() => draw()));
  scope.add(() => {
    for (const each of open.values()) each.end();
    open.clear();
  });

  return {
    strip,
    element,
    draw,
    highlight: light,
    /** Python says what is chosen. */
    confirmed() {
      const said = /** @type {Record<string, unknown>} */ ({ ...choices() });
      ahead = Object.fromEntries(Object.entries(ahead).filter(([name, value]) => JSON.stringify(said[name]) !== JSON.stringify(value)));
    },
    /** It was not to be. */
    refused() {
      ahead = {};
      draw();
      onKept();
    },
    /** Whether a run is in the table. @param {Row} row */
    keeps: (row) => !filtered || kept.has(row.id),
    end: scope.end,
  };
}
