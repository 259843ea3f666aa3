// @ts-check
// The commands sent to Python: the latest of each name, and its outcome.

/** @typedef {import("./wire.js").Value} Value */
/** @typedef {{phase: "requested" | "applied" | "refused" | "lost", value: Value, step: number | null, message: string}} Outcome */

/** Commands whose value is part of their key: each value has an outcome of its own. */
const KEYED_BY_VALUE = new Set(["press", "rollback", "forget", "act"]);

/** @param {string} name @param {unknown} value */
const keyOf = (name, value) => (KEYED_BY_VALUE.has(name) ? `${name} ${value}` : name);

export function createCommands() {
  /** @type {Map<string, {id: string, name: string, late: boolean, outcome: Outcome}>} oldest first; late: asked after the end */
  const latest = new Map();

  return {
    /** @param {string} name @param {Value} value @param {boolean} late the run is over @returns {string} the command's id */
    add(name, value, late) {
      const id = crypto.randomUUID?.() ?? Math.random().toString(36).slice(2);
      latest.delete(keyOf(name, value));
      latest.set(keyOf(name, value), { id, name, late, outcome: { phase: "requested", value, step: null, message: "" } });
      return id;
    },
    /** @param {string} name @param {unknown} [value] for commands that are keyed by value @returns {Outcome | null} */
    outcome: (name, value) => latest.get(keyOf(name, value))?.outcome ?? null,
    /** The newest command of these names. @param {(name: string, value: Value) => boolean} test @returns {{name: string, outcome: Outcome} | null} */
    newest: (test) => [...latest.values()].filter((each) => test(each.name, each.outcome.value)).pop() ?? null,
    /** Takes over Python's replies.
     * @param {import("./wire.js").CommandResult[] | undefined} replies @param {boolean} over the run is over: what was asked before has no effect
     * @param {boolean} gone Python will not answer any more */
    settle(replies, over, gone) {
      const answers = new Map((Array.isArray(replies) ? replies : []).map((each) => [each?.id, each]));
      for (const { id, late, outcome } of latest.values()) {
        const answer = answers.get(id);
        if (answer?.status === "applied" || answer?.status === "refused") {
          outcome.phase = answer.status;
          outcome.step = answer.step ?? null;
          outcome.message = String(answer.message ?? "");
        } else if ((gone || (over && !late)) && outcome.phase === "requested") outcome.phase = "lost";
      }
    },
    clear: () => latest.clear(),
  };
}
