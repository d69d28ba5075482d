// Dialogs, menus and short messages.
import { fill, h, icon } from "./dom.js";
import { bytes, has, number, percent, t } from "./messages.js";

// Errors whose message tells what the words of the page cannot, such as the parts of a network that are not known; it is English.
const detailed = ["cannot", "data", "doesNotFit", "memory", "modelUnsupported", "notAModel", "unexpected"];

// Errors whose limit is a size; those of others are counts.
const sized = ["tooLarge", "imageTooLarge"];

/** What a person reads of an error. */
export function errorText(error) {
  const code = `error.${error.code ?? "unknown"}`;
  if (!has(code)) return error.message || t("error.unknown");
  const values = { ...error.details };
  if (typeof values.limit === "number") values.limit = sized.includes(error.code) ? bytes(values.limit) : number(values.limit);
  return detailed.includes(error.code) && error.message ? `${t(code, values)} (${error.message})` : t(code, values);
}

/** The words of the page for a sentence of the program; null where it has none. */
export function words({ code, values = {} }) {
  if (!code || !has(`said.${code}`)) return null;
  const shown = Object.entries(values).map(([name, value]) => [name, /^\d+$/.test(value) ? Number(value)
    : /^\d+(\.\d+)?%$/.test(value) ? percent(Number.parseFloat(value) / 100) : value]);
  return t(`said.${code}`, Object.fromEntries(shown));
}

/** A sentence of the program in the language of the page, or as it is, marked as English. */
export const sentence = (said) => words(said) ?? h("span", { lang: "en" }, said.text);

/** The same as plain text. */
export const sentenceText = (said) => words(said) ?? said.text;

/** Does something and says so when it fails; undefined then. */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (error.status === undefined) console.error(error);
    toast(errorText(error), { kind: "error" });
    return undefined;
  }
}

let opened = 0;

/** A button. */
export function button(label, { symbol, kind = "", onclick, ...more } = {}) {
  return h(`button.button${kind ? `.${kind}` : ""}`, { type: "button", onclick, ...more }, symbol && icon(symbol), h("span", label));
}

/** A button that shows only a drawing; the label is for screen readers and as a tip. */
export function iconButton(symbol, label, onclick, more = {}) {
  return h("button.icon-button", { type: "button", title: label, "aria-label": label, onclick, ...more }, icon(symbol));
}

/**
 * Opens a dialog. The content is made by build(close); close(value) ends it with a value. Escape, a press outside and the cross end it with undefined.
 */
export function openDialog(title, build, { wide = false } = {}) {
  return new Promise((resolve) => {
    let answer, pressedOutside = false;
    const id = `dialog-${++opened}`, element = h(`dialog${wide ? ".wide" : ""}`, { "aria-labelledby": id });
    const close = (value) => {
      answer = value;
      element.close();
    };
    fill(element, h("header", h("h2", { id }, title), iconButton("close", t("dialog.close"), () => close(undefined))), build(close, element));
    element.addEventListener("pointerdown", (event) => { pressedOutside = event.target === element && outside(element, event); });
    element.addEventListener("click", (event) => {
      if (pressedOutside && event.target === element && outside(element, event)) close(undefined);
    });
    element.addEventListener("close", () => {
      element.dispatchEvent(new Event("ended"));
      moveMessages([...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body);
      element.remove();
      resolve(answer);
    });
    document.body.append(element);
    element.showModal();
    moveMessages(element);
  });
}

// All but the open dialog is inert: messages are seen, heard and pressed only inside it.
function moveMessages(place) {
  place.append(document.getElementById("toasts"), document.getElementById("announcer"));
}

function outside(element, { clientX, clientY }) {
  const box = element.getBoundingClientRect();
  return clientX < box.left || clientX > box.right || clientY < box.top || clientY > box.bottom;
}

/** Asks whether to do something that cannot be taken back. */
export function confirmDialog(title, message, action) {
  return openDialog(title, (close) => [
    h("p", message),
    h("div.actions",
      button(t("dialog.cancel"), { onclick: () => close(false), autofocus: true }),
      button(action, { kind: "danger", onclick: () => close(true) })),
  ]);
}

/**
 * Asks for a name. submit(name) may throw: its error is shown and the dialog stays open.
 */
export function nameDialog(title, label, value, action, submit, longest = 64) {
  return openDialog(title, (close) => {
    const input = h("input", { id: "dialog-name", type: "text", value, maxLength: longest, required: true, autocomplete: "off", autofocus: true });
    const problem = h("p.problem", { id: "dialog-problem", role: "alert" });
    input.setAttribute("aria-describedby", "dialog-problem");
    const form = h("form", { novalidate: true, onsubmit: async (event) => {
      event.preventDefault();
      const name = input.value.trim();
      if (name === "") {
        fill(problem, t("dialog.nameMissing"));
        input.focus();
        return;
      }
      try {
        await submit(name);
        close(name);
      } catch (error) {
        fill(problem, errorText(error));
        input.focus();
      }
    } },
    h("label.field", { htmlFor: "dialog-name" }, label), input, problem,
    h("div.actions", button(t("dialog.cancel"), { onclick: () => close(undefined) }), button(action, { kind: "primary", type: "submit" })));
    queueMicrotask(() => input.select());
    return form;
  });
}

/** A button that opens a list of actions: [label, symbol, run], with a fourth true for those that destroy. */
export function menuButton(label, actions) {
  const list = h("div.menu", { popover: "auto" });
  const opener = iconButton("dots", label, () => list.togglePopover(), { "aria-expanded": "false" });
  for (const [name, symbol, run, destroys] of actions) {
    list.append(h(`button${destroys ? ".destroys" : ""}`, { type: "button", onclick: () => {
      list.hidePopover();
      run();
    } }, icon(symbol), h("span", name)));
  }
  list.addEventListener("toggle", (event) => {
    const open = event.newState === "open";
    opener.setAttribute("aria-expanded", String(open));
    if (!open) return;
    const from = opener.getBoundingClientRect(), size = list.getBoundingClientRect();
    const below = from.bottom + size.height + 8 < innerHeight;
    list.style.top = `${below ? from.bottom + 4 : Math.max(8, from.top - size.height - 4)}px`;
    list.style.left = `${Math.max(8, Math.min(from.right - size.width, innerWidth - size.width - 8))}px`;
    list.querySelector("button").focus();
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const all = [...list.querySelectorAll("button")];
    all[(all.indexOf(document.activeElement) + step + all.length) % all.length].focus();
  });
  return h("span.menu-holder", opener, list);
}

/** A short message that goes by itself; with an action, such as undo, it stays longer. */
export function toast(message, { kind = "note", action, run } = {}) {
  const holder = document.getElementById("toasts");
  const element = h(`div.toast.${kind}`, { role: kind === "error" ? "alert" : "status" },
    icon(kind === "error" ? "warning" : "check"), h("p", message));
  const gone = () => element.remove();
  if (action) element.append(button(action, { kind: "plain", onclick: () => {
    gone();
    run();
  } }));
  element.append(iconButton("close", t("dialog.dismiss"), gone));
  while (holder.children.length >= 3) holder.firstChild.remove();
  holder.append(element);
  let timer = setTimeout(gone, kind === "error" || action ? 9000 : 5000);
  // Nobody should lose a message that they are about to use.
  element.addEventListener("pointerenter", () => clearTimeout(timer));
  element.addEventListener("focusin", () => clearTimeout(timer));
  element.addEventListener("pointerleave", () => { timer = setTimeout(gone, 4000); });
  element.addEventListener("focusout", () => { timer = setTimeout(gone, 4000); });
}

/** A message inside a screen: a drawing and words, so that nothing is told by colour alone. */
export function note(kind, ...content) {
  const symbol = { info: "info", warning: "warning", good: "check", temperature: "heat", battery: "battery" }[kind] ?? "info";
  return h(`div.note.${["temperature", "battery"].includes(kind) ? "warning" : kind}`, icon(symbol), h("div", ...content));
}
