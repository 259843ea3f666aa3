// @ts-check
// Events and snapshots in one readable line each.
import { setting, size, tick, toNumber } from "./format.js";

/** @typedef {Record<string, any>} Event */

const said = (/** @type {unknown} */ text) => (text ? String(text) : "");

/** How each kind begins; the message and who it came from follow.
 * @type {Record<string, (event: Event, name: string, change: string) => string>} */
const OPENINGS = {
  applied: (_, __, change) => change,
  changed: (event, _, change) => `${change}, changed by ${event.source || "another callback"}`,
  held: (event, name) => `${name} held at ${setting(event.new)}`,
  refused: (event, name) => `${name}${event.new === null || event.new === undefined ? "" : ` ${setting(event.new)}`} refused`,
  nan: (event, name) => (event.message ? name : `${name} is ${setting(event.new ?? "not a number")}`),
  stop: () => "stop",
  snapshot: () => "snapshot",
  rollback: () => "rolled back",
  saved: (event) => `saved ${said(event.new)}`.trim(),
  evaluated: (event, name) => (typeof toNumber(event.new) === "number" ? `evaluated: ${name} ${setting(event.new)}` : "evaluated"),
  recompiled: () => "training step recompiled",
};

/** @param {Event} event */
export function sentence(event) {
  const name = said(event.name);
  const change = `${name} ${setting(event.old)} → ${setting(event.new)}`;
  const opening = OPENINGS[event.kind]?.(event, name, change);
  // paused, resumed, guard, trigger, warning, error and what is yet to be thought of
  const parts = [`step ${setting(event.step)}`, opening ?? [said(event.kind), name === event.kind ? "" : name].filter(Boolean).join(" ")];
  // "rolled back to step 120" reads as one.
  if (event.kind === "rollback" && event.message) parts[1] += ` ${event.message}`;
  else if (event.message) parts.push(said(event.message));
  if (event.source && event.source !== name && event.kind !== "changed") parts.push(said(event.source));
  return parts.filter(Boolean).join(" · ");
}

const WORDS = /** @type {Record<string, string>} */ ({ manual: "by hand", best: "best", guard: "guard" });

/** What a snapshot is of. @param {import("../link/link.js").Snapshot} snapshot */
export function snapshotWords({ kind, metric, value }) {
  const number = toNumber(value);
  return [WORDS[kind] ?? "", metric && number !== null ? `${metric} ${tick(number)}` : ""].filter(Boolean).join(" ");
}

/** @param {import("../link/link.js").Snapshot} snapshot */
export function snapshotSentence(snapshot) {
  const epoch = Number.isFinite(snapshot.epoch) ? `epoch ${snapshot.epoch + 1}` : "";
  const bytes = Number(snapshot.bytes) > 0 ? size(snapshot.bytes) : "";
  return [`step ${snapshot.step}`, epoch, snapshotWords(snapshot), bytes].filter(Boolean).join(" · ");
}
