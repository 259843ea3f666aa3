// @ts-check
// The list of axes: what the mouse does on the parallel coordinates, by keyboard: order, scale, ranges and categories.
import { button, createScope, h, setAttribute } from "../../ui/dom.js";
import { formatTick, parseNumber } from "../../ui/format.js";
import { keptOf, partsOf } from "./brush.js";

/** @typedef {import("./parallel_layout.js").Upright} Upright */
/** @typedef {import("./brush.js").Part} Part */

const MOST = 200; // checkboxes of an axis
const SCALES = { "": "scale: automatic", linear: "linear", log: "log", categories: "categories" };

/** @param {{onBrush: (name: string, parts: Part[] | undefined) => void, onMove: (name: string, to: number) => void, onScale: (name: string, scale: string) => void,
 *   onAdd: (name: string) => void, onRemove: (name: string) => void}} context */
export function createAxisList({ onBrush, onMove, onScale, onAdd, onRemove }) {
  const scope = createScope();
  const rows = h("div", { class: "kcb-axes" });
  const more = h("select", { "aria-label": "add an axis" });
  const element = h("details", { class: "kcb-axis-list", open: true }, h("summary", {}, "axes: order, scale, ranges"), rows, more);
  let builtFor = "";
  /** @type {((upright: Upright, scale: string) => void)[]} */
  let fill = [];
  /** @type {Upright[]} */
  let now = [];

  scope.listen(more, "change", () => {
    if (more.value) onAdd(more.value);
    more.value = "";
  });

  /** What an axis keeps, changed. @param {number} i @param {(kept: import("./brush.js").Kept) => void} change */
  const edit = (i, change) => {
    const { axis, parts, name } = now[i];
    const kept = keptOf(axis, parts);
    change(kept);
    onBrush(name, partsOf(axis, kept));
  };

  /** @param {Upright} upright @param {number} i @param {number} count */
  const build = ({ name, title, axis }, i, count) => {
    /** @type {Record<string, string>} */
    const options = { ...SCALES, ...(!axis.positive && { log: "log (not all are positive)" }) };
    const scale = h("select", { "aria-label": `scale of ${title}`, "data-key": `${name} scale` }, ...Object.entries(options).map(([value, text]) => h("option", { value, disabled: !axis.numbers && value !== "" && value !== "categories" ? true : value === "log" && !axis.positive }, text)));
    scale.addEventListener("change", () => onScale(name, scale.value));
    const back = button("←", { class: "kcb-quiet", "aria-label": `move ${title} to the left`, "data-key": `${name} back` }, () => onMove(name, i - 1));
    const on = button("→", { class: "kcb-quiet", "aria-label": `move ${title} to the right`, "data-key": `${name} on` }, () => onMove(name, i + 1));
    const away = button("×", { class: "kcb-quiet", "aria-label": `take ${title} away`, "data-key": `${name} away` }, () => onRemove(name));
    back.disabled = i === 0;
    on.disabled = i === count - 1;
    const clear = button("Clear", { class: "kcb-quiet", "aria-label": `clear the brush on ${title}`, "data-key": `${name} clear` }, () => onBrush(name, undefined));
    const body = h("div", { class: "kcb-axis-values" });
    const places = [...axis.inside, ...axis.under];
    const numbers = axis.numeric ? rangeOf(name, title, i) : null;
    if (numbers) body.append(...numbers.fields);
    const all = axis.numeric && places.length ? box("numbers", `${name} numbers`, (checked) => edit(i, (kept) => (kept.range = checked ? [null, null] : null))) : null;
    if (all) body.append(all.label);
    const boxes = places.slice(0, MOST).map(({ value, word }, k) => box(word, `${name} ${k}`, (checked) => edit(i, (kept) => (checked ? kept.places.add(value) : kept.places.delete(value)))));
    body.append(...boxes.map(({ label }) => label));
    if (places.length > MOST) body.append(h("span", { class: "kcb-muted" }, `and ${places.length - MOST} more: brush them on the axis`));
    fill.push((upright, wanted) => {
      const kept = keptOf(upright.axis, upright.parts);
      scale.value = wanted;
      clear.hidden = !upright.parts;
      numbers?.fill(upright, kept.range);
      if (all) all.input.checked = kept.range !== null;
      boxes.forEach(({ input }, k) => (input.checked = kept.places.has(places[k].value)));
    });
    return h("fieldset", { class: "kcb-axis", "data-axis": name }, h("legend", { title: name }, title), h("div", { class: "kcb-axis-actions" }, scale, clear, back, on, away), body);
  };

  /** @param {string} word @param {string} key @param {(checked: boolean) => void} change */
  const box = (word, key, change) => {
    const input = h("input", { type: "checkbox", "data-key": key });
    input.addEventListener("change", () => change(input.checked));
    return { input, label: h("label", { class: "kcb-check", title: word }, input, h("span", {}, word)) };
  };

  /** @param {string} name @param {string} title @param {number} i */
  const rangeOf = (name, title, i) => {
    const fields = /** @type {const} */ (["from", "to"]).map((end, k) => {
      const input = h("input", { type: "text", class: "kcb-short", inputmode: "decimal", "aria-label": `${title} ${end}`, "data-key": `${name} ${end}` });
      input.addEventListener("change", () => {
        const number = parseNumber(input.value);
        const { axis, parts } = now[i];
        const kept = keptOf(axis, parts);
        const other = kept.range?.[1 - k] ?? null;
        const wrong = (input.value.trim() !== "" && number === null) || (number !== null && other !== null && (k ? number < other : other < number));
        setAttribute(input, "aria-invalid", wrong ? "true" : null);
        if (wrong) return;
        kept.range = k ? [other, number] : [number, other];
        if (!parts) kept.places.clear(); // as a brush over numbers leaves out what is none
        if (!parts && number === null) return;
        onBrush(now[i].name, partsOf(axis, kept));
      });
      return input;
    });
    return {
      fields: [h("label", {}, "from ", fields[0]), h("label", {}, "to ", fields[1])],
      /** @param {Upright} upright @param {[number | null, number | null] | null} range */
      fill({ axis }, range) {
        fields.forEach((input, k) => {
          const end = range?.[k] ?? null;
          setAttribute(input, "placeholder", formatTick(k ? axis.high : axis.low));
          if (input.dataset.said === String(end) && input.getAttribute("aria-invalid")) return; // what is being mended
          if (isFocused(input) && input.dataset.said === String(end)) return;
          input.dataset.said = String(end);
          input.value = end === null ? "" : String(end);
          setAttribute(input, "aria-invalid", null);
        });
      },
    };
  };

  return {
    element,
    /** @param {Upright[]} uprights @param {Record<string, string>} scales @param {import("./quantities.js").Quantity[]} others what can be added */
    update(uprights, scales, others) {
      now = uprights;
      const key = JSON.stringify(uprights.map(({ name, title, axis }) => [name, title, axis.numeric, axis.positive, axis.inside, axis.under]));
      if (key !== builtFor) {
        builtFor = key;
        const focused = /** @type {HTMLElement | null} */ (/** @type {any} */ (element.getRootNode()).activeElement)?.dataset?.key;
        fill = [];
        rows.replaceChildren(...uprights.map((each, i) => build(each, i, uprights.length)));
        const again = focused && [...rows.querySelectorAll("[data-key]")].find((each) => /** @type {HTMLElement} */ (each).dataset.key === focused);
        if (again) /** @type {HTMLElement} */ (again).focus();
      }
      fill.forEach((one, i) => one(uprights[i], scales[uprights[i].name] ?? ""));
      const names = ["", ...others.map((each) => each.name)];
      if (names.join("\n") !== [...more.options].map((each) => each.value).join("\n")) {
        more.replaceChildren(h("option", { value: "" }, "add an axis…"), ...others.map(({ name, title }) => h("option", { value: name }, title)));
      }
      more.hidden = !others.length;
    },
    end: scope.end,
  };
}

/** @param {HTMLElement} element */
const isFocused = (element) => /** @type {any} */ (element.getRootNode()).activeElement === element;
