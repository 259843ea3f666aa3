// @ts-check
// Sorts controls by place: in the bar, among the user's own, or in the Controls tab.

/** @typedef {import("../../link/wire.js").Control} Control */

const TAB_GROUPS = new Set(["optimizer", "layers"]);
const LEARNING_RATE = /(^|\W)learning_rate$/;

/** @param {Control[]} controls */
export function arrange(controls) {
  /** @type {Control[]} */
  const main = [];
  /** @type {Control[]} */
  const lengths = [];
  /** @type {Control[]} */
  const user = [];
  /** @type {Map<string, {title: string, layers: boolean, controls: Control[]}>} */
  const collapsed = new Map();
  for (const control of controls) {
    const { group, section } = control;
    const rate = LEARNING_RATE.test(control.of || control.name);
    // The panels of callbacks and of snapshots show theirs.
    if (group === "callbacks" || group === "snapshots") continue;
    if (group === "user") user.push(control);
    else if (group === "flow" && control.kind === "number") lengths.push(control);
    else if (!TAB_GROUPS.has(group) || (group === "optimizer" && rate)) main.push(control);
    else {
      const key = group === "optimizer" ? `${group} ${section}` : group;
      const title = group === "optimizer" ? `Optimizer: ${section || "settings"}` : "Layers";
      const heading = collapsed.get(key) ?? { title, layers: group === "layers", controls: [] };
      heading.controls.push(control);
      collapsed.set(key, heading);
    }
  }
  return { main, lengths, user, collapsed };
}
