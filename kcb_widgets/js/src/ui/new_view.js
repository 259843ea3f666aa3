// @ts-check
// Opens the board in a view of its own beside the notebook, as JupyterLab's own menu of an output does.

const COMMAND = "notebook:create-output-view";

/** JupyterLab keeps its commands to itself, but not its menus. @param {HTMLElement} root */
export function openNewView(root) {
  const { left, top } = root.getBoundingClientRect();
  root.dispatchEvent(new MouseEvent("contextmenu", { bubbles: true, cancelable: true, button: 2, clientX: left + 20, clientY: Math.max(0, top) + 20 }));
  // The menu draws itself in a message of its own.
  requestAnimationFrame(() => {
    const item = document.querySelector(`.lm-Menu [data-command="${COMMAND}"]`);
    if (!item) return; // the menu that is open now has what the page can do
    const box = item.getBoundingClientRect();
    const at = { bubbles: true, cancelable: true, clientX: box.left + box.width / 2, clientY: box.top + box.height / 2 };
    for (const type of ["pointermove", "pointerup"]) item.dispatchEvent(new PointerEvent(type, at));
  });
}
