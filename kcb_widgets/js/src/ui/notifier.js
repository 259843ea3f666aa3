// @ts-check
// Tells people who look elsewhere that a run is done, failed, not finite, stalled or has an alert: in the tab's title, and by a notification.

/** @typedef {import("../link/link.js").Link} Link */

/** What is worth telling now; empty for nothing. @param {Link} link */
function newsOf(link) {
  const { status, not_finite: wrong, stalled, alerts } = link.state();
  if (link.over()) return String(status);
  if (wrong) return `${wrong.name} is ${wrong.value}`;
  return stalled ? "stalled" : (alerts?.at(-1)?.name ?? ""); // the newest
}

/** Whether the browser can notify at all, and has not been told not to. */
export const canNotify = () => typeof Notification !== "undefined" && Notification.permission !== "denied" && window.isSecureContext;

/** @param {Link} link @returns {() => void} its end */
export function createNotifier(link) {
  let told = newsOf(link);
  /** @type {string | null} the page's title before it was marked */
  let title = null;

  const restore = () => {
    if (title !== null && document.title.endsWith(title)) document.title = title;
    title = null;
  };
  const onState = () => {
    const news = newsOf(link);
    if (news === told) return;
    told = news;
    if (!news || !document.hidden) return;
    restore();
    title = document.title;
    document.title = `● ${news} · ${title}`;
    if (!link.ui.notify || !canNotify() || Notification.permission !== "granted") return;
    try {
      const { title: run, message, run: tag } = link.state();
      new Notification(`${run ?? "Run"}: ${news}`, { body: String(message ?? ""), tag: `kcb ${tag}` });
    } catch {
      // some browsers notify from service workers alone
    }
  };
  const onVisible = () => document.hidden || restore();
  document.addEventListener("visibilitychange", onVisible);
  const unlisten = link.listen((topic) => topic === "state" && onState());
  return () => {
    unlisten();
    document.removeEventListener("visibilitychange", onVisible);
    restore();
  };
}

/** The button that asks the browser for leave to notify. @param {Link} link @param {import("./dom.js").Scope} scope @param {HTMLButtonElement} element */
export function askToNotify(link, scope, element) {
  scope.listen(element, "click", async () => {
    const wanted = !link.ui.notify;
    const granted = wanted && (Notification.permission === "granted" || (await Notification.requestPermission()) === "granted");
    link.setUi({ notify: wanted && granted });
  });
}
