// @ts-check
// What the user chose of the board's looks, kept by the browser for each notebook: the next run begins with it.

/** @typedef {import("../link/link.js").Ui} Ui */

const KEY = `kcb_widgets ${location.pathname}`;
const MOST = 100; // entries of a kind

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isRecord = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** @param {unknown} value @returns {string[]} */
const strings = (value) => (Array.isArray(value) ? value.filter((each) => typeof each === "string").slice(0, MOST) : []);

/** What is stored may be of another version, or of somebody else. @param {unknown} value @returns {Ui["plots"]} */
function readPlots(value) {
  if (!isRecord(value)) return {};
  return Object.fromEntries(Object.entries(value).slice(0, MOST).map(([id, choice]) => {
    if (!isRecord(choice)) return [id, {}];
    const { range } = choice;
    const fixed = Array.isArray(range) && range.length === 2 && range.every(Number.isFinite) && range[0] < range[1];
    /** @type {Ui["plots"][string]} */
    const read = { hidden: choice.hidden === true, wide: choice.wide === true };
    if (typeof choice.log === "boolean") read.log = choice.log;
    if (range === "all" || fixed) read.range = /** @type {any} */ (range);
    return [id, read];
  }));
}

/** @returns {Partial<Ui>} */
export function recall() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    if (!isRecord(kept)) return {};
    /** @type {Partial<Ui>} */
    const found = { plots: readPlots(kept.plots), order: strings(kept.order), hidden: new Set(strings(kept.hidden)) };
    if (kept.x === "step" || kept.x === "epoch" || kept.x === "time") found.x = kept.x;
    if (typeof kept.smoothing === "number" && kept.smoothing >= 0 && kept.smoothing < 1) found.smoothing = kept.smoothing;
    for (const name of /** @type {const} */ (["log", "notify"])) if (typeof kept[name] === "boolean") found[name] = kept[name];
    if (typeof kept.best === "string") found.best = kept.best;
    return found;
  } catch {
    return {}; // some hosts have no storage
  }
}

/** @type {Set<string>} */
const KEPT = new Set(["x", "log", "smoothing", "plots", "order", "hidden", "best", "notify"]);

/** @param {Ui} ui @param {Partial<Ui>} change what is new of it */
export function remember(ui, change) {
  if (!Object.keys(change).some((name) => KEPT.has(name))) return;
  try {
    const kept = Object.entries({ ...ui, hidden: [...ui.hidden] }).filter(([name]) => KEPT.has(name));
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)));
  } catch {
    // no storage, or a full one: the choice holds for this board
  }
}
