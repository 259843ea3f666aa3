// @ts-check
// Hydration: after a run Python replaces the widget by a still image. While the model lives, a live view covers that image.
import { createScope } from "./ui/dom.js";
import { mountView } from "./view.js";

const NOTEBOOK = ".jp-OutputArea, .jp-Notebook, .jp-NotebookPanel, .jp-LabShell, .output_area, .notebook-output";

const PNG = "data:image/png;base64,";

/** The still image lies in an output of its own beside the placeholder. The PNG's text chunk names its board.
 * @param {HTMLElement} still @param {string} id @returns {HTMLElement[]} */
function imagesOf(still, id) {
  const area = still.closest(".jp-OutputArea");
  const images = /** @type {NodeListOf<HTMLImageElement>} */ (area?.querySelectorAll(`img[src^="${PNG}"]`) ?? []);
  return [...images]
    .filter((image) => atob(image.src.slice(PNG.length, PNG.length + 4096)).includes(`kcb-board\0${id}`))
    .map((image) => image.closest(".jp-OutputArea-child") ?? image);
}

/** @param {import("./link/link.js").Link} link @returns {() => void} */
export function hydrate(link) {
  const scope = createScope();
  /** @type {Map<HTMLElement, {cover: () => void, end: () => void}>} */
  const mounted = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;

  /** @param {HTMLElement} still */
  const mount = (still) => {
    const place = document.createElement("div");
    // The notebook's style of rendered HTML must not reach the board: it stands beside that, where there is such.
    const rendered = /** @type {HTMLElement | null} */ (still.closest(".jp-RenderedHTMLCommon"));
    if (rendered) {
      place.className = "jp-OutputArea-output"; // laid out as the notebook lays out an output
      rendered.after(place);
    } else still.append(place);
    const end = mountView(link, place);
    /** @type {Map<HTMLElement, string>} what is hidden, and its display before */
    const covered = new Map();
    const cover = () => {
      const own = rendered ? [rendered] : /** @type {HTMLElement[]} */ ([...still.children]);
      for (const part of [...own, ...imagesOf(still, link.boardId())]) {
        if (part === place || covered.has(part)) continue;
        covered.set(part, part.style.display);
        part.style.display = "none";
      }
    };
    cover();
    mounted.set(still, {
      cover,
      end() {
        end();
        place.remove();
        for (const [part, display] of covered) part.style.display = display;
      },
    });
  };

  const scan = () => {
    timer = undefined;
    for (const [still, view] of mounted) {
      if (still.isConnected) view.cover(); // the image may arrive after its placeholder
      else {
        mounted.delete(still);
        view.end();
      }
    }
    if (link.closed()) return;
    for (const still of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-kcb-board]"))) {
      if (still.dataset.kcbBoard === link.boardId() && !mounted.has(still)) mount(still);
    }
  };

  const release = () => {
    clearTimeout(timer);
    for (const view of mounted.values()) view.end();
    mounted.clear();
  };

  if (!document.querySelector(NOTEBOOK) && !document.querySelector("[data-kcb-board]")) return () => {};
  const observer = new MutationObserver(() => (timer ??= setTimeout(scan, 100)));
  observer.observe(document.body, { childList: true, subtree: true });
  const stop = () => {
    observer.disconnect();
    release();
  };
  scope.add(link.listen((topic) => topic === "alive" && link.closed() && stop()));
  scope.add(stop);
  scan();
  return scope.end;
}
