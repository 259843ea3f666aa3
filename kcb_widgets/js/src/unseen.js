// @ts-check
// A board that trains on and has no place in the page, as after a reload before the notebook was saved with its output: a
// note says so, and has room for the board.
import { button, h } from "./ui/dom.js";
import { BUSY_STATUSES, detectHost } from "./link/heartbeat.js";
import { mountView } from "./view.js";

const WAIT_MS = 5000; // a place that there is has been drawn by then

/** @param {import("./link/link.js").Link} link @returns {() => void} its end, where a place is found too */
export function createUnseen(link) {
  if (!/lab|notebook/.test(detectHost())) return () => {};
  let endView = () => {};
  const show = button("Show it here", {}, () => {
    show.remove();
    endView = mountView(link, note);
  });
  const why = "A fit trains on, and its board is not in sight. If the page was reloaded with the notebook unsaved, monitor.board in a new cell shows it when the cell that trains is done. ";
  const note = h("aside", { class: "kcb-unseen", "aria-label": "board" }, h("p", {}, button("\u00d7", { "aria-label": "dismiss" }, () => end()), why, show));
  const timer = setTimeout(() => BUSY_STATUSES.has(link.state().status) && document.body.append(note), WAIT_MS);
  const unlisten = link.listen((topic) => topic === "state" && link.over() && show.isConnected && end());
  const end = () => {
    clearTimeout(timer);
    unlisten();
    endView();
    note.remove();
  };
  return end;
}
