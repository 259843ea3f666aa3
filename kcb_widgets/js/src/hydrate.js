// @ts-check
// After a run Python replaces the widget by a still picture; where the model still lives, the picture comes alive again.
import { createScope } from "./dom.js";
import { mountView } from "./view.js";

const NOTEBOOK = ".jp-OutputArea, .jp-Notebook, .jp-NotebookPanel, .jp-LabShell, .output_area, .notebook-output";

/** @param {import("./link.js").Link} link @returns {() => void} */
export function hydrate(link) {
  const scope = createScope();
  /** @type {Map<HTMLElement, () => void>} */
  const mounted = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {HTMLElement} still */
  const mount = (still) => {
    const parts = /** @type {HTMLElement[]} */ ([...still.children]);
    for (const part of parts) part.hidden = true;
    const place = document.createElement("div");
    still.append(place);
    const end = mountView(link, place);
    mounted.set(still, () => {
      end();
      place.remove();
      for (const part of parts) part.hidden = false;
    });
  };

  const scan = () => {
    timer = undefined;
    for (const [still, end] of mounted) {
      if (still.isConnected) continue;
      mounted.delete(still);
      end();
    }
    if (!link.alive()) return;
    for (const still of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-kcb-board]"))) {
      if (still.dataset.kcbBoard === link.boardId() && !mounted.has(still)) mount(still);
    }
  };

  const release = () => {
    clearTimeout(timer);
    for (const end of mounted.values()) end();
    mounted.clear();
  };

  if (!document.querySelector(NOTEBOOK) && !document.querySelector("[data-kcb-board]")) return () => {};
  const observer = new MutationObserver(() => (timer ??= setTimeout(scan, 100)));
  observer.observe(document.body, { childList: true, subtree: true });
  const stop = () => {
    observer.disconnect();
    release();
  };
  scope.add(link.listen((topic) => topic === "alive" && !link.alive() && stop()));
  scope.add(stop);
  scan();
  return scope.end;
}
