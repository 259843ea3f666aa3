// @ts-check
// One line of text for an event or a snapshot.
import { formatBytes, formatSetting, formatTick, toNumber } from "./format.js";

/** @typedef {import("../link/wire.js").Event} Event */

const textOf = (/** @type {unknown} */ text) => (text ? String(text) : "");

/** How the text of each kind begins; message and source follow.
 * @type {Record<string, (event: Event, name: string, change: string) => string>} */
const OPENINGS = {
  applied: (event, name, change) => (event.old == null && event.new == null ? name : change),
  changed: (event, _, change) => `${change}, changed by ${event.source || "another callback"}`,
  held: (event, name) => `${name} held at ${formatSetting(event.new)}`,
  refused: (event, name) => `${name}${event.new === null || event.new === undefined ? "" : ` ${formatSetting(event.new)}`} refused`,
  nan: (event, name) => (event.message ? name : `${name} is ${formatSetting(event.new ?? "not a number")}`),
  stop: () => "stop",
  snapshot: () => "snapshot",
  rollback: () => "rolled back",
  resumed: (_, name) => (name === "run" ? "went on" : "resumed"),
  saved: (event) => `saved ${textOf(event.new)}`.trim(),
  evaluated: (event, name) => (typeof toNumber(event.new) === "number" ? `evaluated: ${name} ${formatSetting(event.new)}` : "evaluated"),
  recompiled: () => "training step recompiled",
};

const DRAG_S = 1; // seconds between requests that belong to one drag

/** A drag of a slider asks for a value every 50 ms: those that follow each other are one event, with the steps it took.
 * @param {Event[]} events oldest first @returns {(Event & {first?: number})[]} */
export function mergeDrags(events) {
  /** @type {(Event & {first?: number})[]} */
  const merged = [];
  for (const event of events) {
    const before = merged[merged.length - 1];
    const together =
      before?.kind === "applied" && event.kind === "applied" && before.name === event.name && event.source === "board" && before.source === "board" &&
      before.requested && event.requested && event.requested - before.requested < DRAG_S && before.message === event.message;
    if (together) merged[merged.length - 1] = { ...event, old: before.old, first: before.first ?? before.step };
    else merged.push(event);
  }
  return merged;
}

/** @param {Event & {first?: number}} event */
export function eventText(event) {
  const name = textOf(event.name);
  const change = `${name} ${formatSetting(event.old)} → ${formatSetting(event.new)}`;
  const opening = OPENINGS[event.kind]?.(event, name, change);
  // Kinds without an opening: paused, resumed, guard, trigger, warning, error, and future ones.
  const at = event.first === undefined || event.first === event.step ? `step ${formatSetting(event.step)}` : `steps ${formatSetting(event.first)} to ${formatSetting(event.step)}`;
  const parts = [at, opening ?? [textOf(event.kind), name === event.kind ? "" : name].filter(Boolean).join(" ")];
  // "rolled back to step 120" reads as one.
  if (event.kind === "rollback" && event.message) parts[1] += ` ${event.message}`;
  else if (event.message) parts.push(textOf(event.message));
  if (event.source && event.source !== name && event.kind !== "changed") parts.push(textOf(event.source));
  return parts.filter(Boolean).join(" · ");
}

const WORDS = /** @type {Record<string, string>} */ ({ manual: "by hand", best: "best", guard: "guard" });

/** Why the snapshot was taken, and its metric. @param {import("../link/wire.js").Snapshot} snapshot */
export function snapshotLabel({ kind, metric, value }) {
  const number = toNumber(value);
  return [WORDS[kind] ?? "", metric && number !== null ? `${metric} ${formatTick(number)}` : ""].filter(Boolean).join(" ");
}

/** @param {import("../link/wire.js").Snapshot} snapshot */
export function snapshotText(snapshot) {
  const epoch = Number.isFinite(snapshot.epoch) ? `epoch ${snapshot.epoch + 1}` : "";
  const bytes = Number(snapshot.bytes) > 0 ? formatBytes(snapshot.bytes) : "";
  return [`step ${snapshot.step}`, epoch, snapshotLabel(snapshot), bytes].filter(Boolean).join(" · ");
}
