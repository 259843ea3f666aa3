// @ts-check
// The entry point. anywidget calls the factory once for each model, so its closure is what the views of a model share.
import "uplot/dist/uPlot.min.css";
import "./board.css";
import { hydrate } from "./hydrate.js";
import { createLink } from "./link/link.js";
import { createNotifier } from "./ui/notifier.js";
import { createUnseen } from "./unseen.js";
import { mountView } from "./view.js";

/** @typedef {import("./link/link.js").Model} Model */

export default () => {
  /** @type {import("./link/link.js").Link | null} */
  let link = null;
  let found = () => {};
  return {
    /** @param {{model: Model}} context */
    initialize({ model }) {
      // Nothing is awaited here: anywidget drops a model that takes longer than two seconds.
      const ours = (link = createLink(model));
      const endHydration = hydrate(ours);
      const endNotifier = createNotifier(ours);
      found = createUnseen(ours);
      return () => {
        endHydration();
        endNotifier();
        found();
        ours.end();
        if (link === ours) link = null;
      };
    },
    /** @param {{model: Model, el: HTMLElement}} context */
    render({ model, el }) {
      found();
      if (link) return mountView(link, el);
      const own = createLink(model);
      const end = mountView(own, el);
      return () => {
        end();
        own.end();
      };
    },
  };
};
