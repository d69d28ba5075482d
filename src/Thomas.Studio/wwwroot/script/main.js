// Starts the page: token, words, drawings; then the screen that the address names.
import { calls, get, hasToken, keepToken, starterShare, takeToken } from "./api.js";
import { camera } from "./camera.js";
import { attempt, button, sentence, toast } from "./dialogs.js";
import { fill, focusHeading, h, icon, loadIcons, show, text } from "./dom.js";
import { live } from "./live.js";
import { loadMessages, percent, preferredLanguage, t } from "./messages.js";
import { on, store } from "./store.js";
import { shell } from "./shell.js";
import { exportScreen } from "./screens/export.js";
import { liveScreen } from "./screens/live.js";
import { moreScreen } from "./screens/more.js";
import { projectsScreen } from "./screens/projects.js";
import { resultsScreen } from "./screens/results.js";
import { teachScreen } from "./screens/teach.js";
import { applyTheme } from "./settings.js";

const screens = { teach: teachScreen, live: liveScreen, results: resultsScreen, more: moreScreen, export: exportScreen };
const main = document.getElementById("main"), banner = document.getElementById("banner");
const slowAfter = 1500, lookAgain = 700;
let leave = null, shown = "";

async function start() {
  applyTheme();
  const fresh = takeToken(location.hash);
  if (fresh) history.replaceState(null, "", location.pathname + location.search);
  try {
    await Promise.all([loadMessages(preferredLanguage()), loadIcons()]);
  } catch {
    banner.textContent = "Thomas Studio cannot be reached. Start it again and open the address that it prints.";
    return;
  }
  calls.addEventListener("unauthorized", askForToken);
  window.addEventListener("hashchange", () => {
    if (takeToken(location.hash)) {
      history.replaceState(null, "", location.pathname + location.search);
      store.about = null;
    }
    open();
  });
  on(store, "connection", showConnection);
  on(store, "notice", ({ data }) => toast(sentence(data)));
  on(store, "gone", () => {
    toast(t("projects.gone"), { kind: "error" });
    location.hash = "#/";
  });
  document.addEventListener("language", ({ detail }) => attempt(() => useLanguage(detail)));
  document.addEventListener("visibilitychange", () => !document.hidden && store.connection === "lost" && store.retry());
  await open();
  if (hasToken() && location.hash.startsWith("#/p/")) shell.lookForRuns();
}

/** Shows the screen of the address. */
async function open() {
  if (!hasToken()) return askForToken();
  if (!store.about) {
    try {
      store.about = await get("about");
    } catch (error) {
      if (error.status === 401) return;
      showUnreachable();
      return;
    }
  }
  const [, project, name] = /^#\/p\/([^/]+)\/(\w+)$/.exec(location.hash) ?? [];
  const screen = project ? screens[name] : projectsScreen;
  if (!screen) {
    location.replace("#/");
    return;
  }
  leave?.abort();
  leave = new AbortController();
  const { signal } = leave;
  if (name !== "teach" && name !== "live") {
    live.stop();
    camera.close();
  }
  show(document.getElementById("skip"), true);
  text(document.getElementById("skip"), t("nav.skip"));
  store.follow(project ?? null);
  shell.show(project ? name : null);
  const render = () => {
    if (signal.aborted) return;
    fill(main, screen(signal));
    const title = main.querySelector("h1");
    shell.title(title?.textContent ?? "");
    // The first screen keeps the focus where the browser has it; later ones begin at their heading.
    if (shown !== "" && shown !== location.hash && title) {
      focusHeading();
      window.scrollTo(0, 0);
    }
    shown = location.hash || "#/";
  };
  if (!project || store.state) render();
  else {
    const words = h("span", t("loading"));
    fill(main, h("p.loading", { role: "status" }, h("span.spinner"), words));
    const stopTelling = tellSlow((message) => text(words, message), signal);
    store.addEventListener("state", () => {
      stopTelling();
      render();
    }, { once: true, signal });
  }
}

/** Says after a while that the network is being prepared, and how far that is. */
function tellSlow(tell, signal) {
  const look = async () => {
    const share = await starterShare(signal).catch(() => null);
    if (!signal.aborted) tell(share === null ? t("loading.slow") : `${t("loading.slow")} ${percent(share)}`);
  };
  let again = 0;
  const first = setTimeout(() => {
    look();
    again = setInterval(look, lookAgain);
  }, slowAfter);
  const stop = () => {
    clearTimeout(first);
    clearInterval(again);
  };
  signal.addEventListener("abort", stop, { once: true });
  return stop;
}

/** Draws everything again in another language. */
async function useLanguage(name) {
  localStorage.setItem("thomas.language", name);
  await loadMessages(name);
  shown = "";
  showConnection();
  await open();
}

function halt() {
  leave?.abort();
  live.stop();
  camera.close();
  store.stop();
  shell.show(null);
  fill(banner);
}

/** The page was opened without the token: says how to get in. */
function askForToken() {
  halt();
  const input = h("input", { id: "token", type: "text", autocomplete: "off", spellcheck: false, placeholder: "http://127.0.0.1:…/#token=…" });
  const form = h("form", { onsubmit: async (event) => {
    event.preventDefault();
    const value = input.value.trim();
    if (value === "") return input.focus();
    if (!takeToken(value)) keepToken(value);
    store.about = null;
    await open();
  } },
  h("label.field", { htmlFor: "token" }, t("token.label")), input,
  h("div.actions", button(t("token.open"), { kind: "primary", type: "submit" })));
  fill(main, h("section.gate", icon("mark"), h("h1", t(hasToken() ? "token.wrong" : "token.missing")), h("p", t("token.how")),
    h("pre", h("code", "thomas studio")), h("p", t("token.paste")), form));
  document.title = "Thomas Studio";
}

function showUnreachable() {
  halt();
  fill(main, h("section.gate", icon("warning"), h("h1", t("connection.unreachable")), h("p", t("connection.startAgain")), h("pre", h("code", "thomas studio")),
    h("div.actions", button(t("connection.tryNow"), { kind: "primary", onclick: () => attempt(open) }))));
}

function showConnection() {
  document.body.dataset.connection = store.connection;
  if (store.connection === "open" || store.connection === "connecting") {
    fill(banner);
    return;
  }
  const closed = store.connection === "closed";
  fill(banner, h("div.banner", icon("warning"),
    h("p", h("strong", t(closed ? "connection.closed" : "connection.lost")), " ", t(closed ? "connection.startAgain" : "connection.waiting")),
    button(t("connection.tryNow"), { onclick: () => store.retry() })));
}

await start();
