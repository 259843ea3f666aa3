// @ts-check
// The status of a command in words: requested, applied at a step, refused and why, or lost.

import { h, setAttribute, setText } from "./dom.js";

/** @typedef {{text: string, phase: string}} CommandStatus */

/** @type {CommandStatus} */
export const NO_STATUS = { text: "", phase: "" };

/** @param {import("../link/link.js").Link} link @param {import("../link/link.js").Outcome | null} last @param {string} asked the value as it is written */
export function commandStatus(link, last, asked) {
  if (last?.phase === "requested") return { text: `requested ${asked}`.trim(), phase: "requested" };
  if (last?.phase === "refused") return { text: `refused: ${last.message || "no reason given"}`, phase: "refused" };
  if (last?.phase === "lost") return { text: `not applied: ${link.over() ? "the run is over" : "the connection is gone"}`, phase: "refused" };
  if (last?.phase === "applied") {
    const where = last.step === null ? "applied" : `applied at step ${last.step}`;
    return { text: last.message ? `${where} · ${last.message}` : where, phase: "applied" };
  }
  return NO_STATUS;
}

/** The element that shows a command's status. */
export function createCommandStatus() {
  const element = h("span", { class: "kcb-said", role: "status", "aria-live": "polite" });
  return {
    element,
    /** @param {import("../link/link.js").Link} link @param {import("../link/link.js").Outcome | null | undefined} last @param {string} [what] what was asked */
    draw(link, last, what) {
      const { text, phase } = commandStatus(link, last ?? null, "");
      setText(element, text && what ? `${what}: ${text}` : text);
      setAttribute(element, "data-phase", phase);
    },
  };
}
