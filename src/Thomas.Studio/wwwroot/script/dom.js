// Elements without a framework: made once, updated in place, so that focus and scroll positions stay.

const svg = "http://www.w3.org/2000/svg";

/**
 * An element: h("button.primary", { onclick, "aria-label": ... }, children). Children are nodes, texts, lists of them, or null and false for nothing.
 */
export function h(selector, props, ...children) {
  if (props !== undefined && (props === null || typeof props !== "object" || props instanceof Node || Array.isArray(props))) {
    children.unshift(props);
    props = {};
  }
  const [tag, ...classes] = selector.split(".");
  const element = document.createElement(tag || "div");
  if (classes.length > 0) element.className = classes.join(" ");
  for (const [name, value] of Object.entries(props ?? {})) set(element, name, value);
  element.append(...nodes(children));
  return element;
}

/** Children as nodes: lists are flattened, null, undefined and false are left out. */
function nodes(children) {
  return children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false)
    .map((child) => child instanceof Node ? child : document.createTextNode(String(child)));
}

// Names that are properties too, but of another kind, or that style sheets look for.
const attributes = new Set(["form", "height", "list", "role", "type", "width"]);

/** Sets a listener (on...), a style, a data or ARIA attribute, a property or an attribute; null and false remove it. */
export function set(element, name, value) {
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "style") Object.assign(element.style, value);
  else if (name === "class") element.classList.add(...value.split(" ").filter(Boolean));
  else if (name in element && !name.startsWith("aria") && !attributes.has(name)) {
    // An option without a value has its text as one, which it may get later.
    if (element[name] !== value || element instanceof HTMLOptionElement) element[name] = value ?? "";
  } else if (value === null || value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : String(value));
}

/** Replaces the children. */
export function fill(element, ...children) {
  element.replaceChildren(...nodes(children));
  return element;
}

/** Replaces the children of a place that may have the focus: the same control gets it again, else the first one, else the screen's heading. */
export function refill(place, ...children) {
  const before = place.contains(document.activeElement) ? document.activeElement : null;
  fill(place, ...children);
  if (before === null) return;
  const controls = [...place.querySelectorAll("button:not(:disabled), input, select, a[href], summary")];
  const same = controls.find((control) => control.tagName === before.tagName && control.type === before.type && control.value === before.value
    && control.textContent === before.textContent);
  const next = same ?? controls[0];
  if (next) next.focus({ preventScroll: true });
  else focusHeading();
}

/** Gives the focus to the heading of the screen, where what had it has gone. */
export function focusHeading() {
  const heading = document.querySelector("main h1");
  if (!heading) return;
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
}

/** Writes a text only if it differs, so that nothing is announced or laid out twice. */
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}

/** Shows or hides. */
export function show(element, visible) {
  if (element.hidden === visible) element.hidden = !visible;
}

/** An SVG element. */
export function s(tag, props = {}, ...children) {
  const element = document.createElementNS(svg, tag);
  for (const [name, value] of Object.entries(props)) {
    if (value !== null && value !== undefined) element.setAttribute(name, String(value));
  }
  element.append(...nodes(children));
  return element;
}

/** One of the drawings of icons/symbols.svg; decoration, so screen readers pass over it. */
export function icon(name) {
  return s("svg", { class: "icon", "aria-hidden": "true", focusable: "false" }, s("use", { href: `#i-${name}` }));
}

/** Reads the drawings into the page, once. */
export async function loadIcons() {
  const response = await fetch("icons/symbols.svg");
  const drawings = new DOMParser().parseFromString(await response.text(), "image/svg+xml").documentElement;
  drawings.setAttribute("aria-hidden", "true");
  drawings.setAttribute("class", "symbols");
  document.body.append(document.importNode(drawings, true));
}

/**
 * Keeps the children of a list in step with items: made by create(item), changed by update(element, item), matched by key(item). Elements that stay are not
 * moved unless their order changed.
 */
export function keyed(container, items, key, create, update) {
  const old = container.keyedElements ?? new Map();
  const now = new Map();
  let previous = null;
  for (const item of items) {
    const id = key(item);
    const element = old.get(id) ?? create(item);
    update?.(element, item);
    now.set(id, element);
    const place = previous === null ? container.firstChild : previous.nextSibling;
    if (place !== element) container.insertBefore(element, place);
    previous = element;
  }
  for (const [id, element] of old) {
    if (!now.has(id)) {
      const hadFocus = element.contains(document.activeElement);
      element.dispose?.();
      element.remove();
      if (hadFocus) focusHeading();
    }
  }
  container.keyedElements = now;
}

/** Whether the page is shown by the phone's program, which is a browser of its own. */
export const inApp = navigator.userAgent.includes("ThomasShell/");

let announced = "", timer = 0;

/** Tells screen readers something, at most every second, and never the same twice in a row. */
export function announce(message) {
  if (message === announced) return;
  announced = message;
  clearTimeout(timer);
  timer = setTimeout(() => text(document.getElementById("announcer"), message), 1000);
}

/** Calls back at most every so many milliseconds, the last call included. */
export function throttled(milliseconds, callback) {
  let waiting = 0, last = -Infinity;
  const run = () => {
    waiting = 0;
    last = performance.now();
    callback();
  };
  return () => {
    if (waiting !== 0) return;
    const wait = last + milliseconds - performance.now();
    if (wait <= 0) run();
    else waiting = setTimeout(run, wait);
  };
}

export const sleep = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
