// The page's settings: language, appearance, what the program is, its log, its end.
import { post, request } from "./api.js";
import { attempt, button, confirmDialog, openDialog } from "./dialogs.js";
import { fill, h } from "./dom.js";
import { currentLanguage, languages, t } from "./messages.js";
import { store } from "./store.js";

const themes = ["system", "light", "dark"];

const chosenTheme = () => localStorage.getItem("thomas.theme") ?? "system";

/** Light, dark, or what the system says. */
export function applyTheme() {
  const theme = chosenTheme();
  if (theme === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

/** One of a few choices as buttons next to each other. */
export function choices(label, options, chosen, choose) {
  const name = `choice-${Math.random().toString(36).slice(2)}`;
  return h("fieldset.choices", h("legend", label), h("div.segments", options.map(([value, words]) =>
    h("label", h("input", { type: "radio", name, value, checked: value === chosen, onchange: () => choose(value) }), h("span", words)))));
}

export function openSettings() {
  const { about } = store;
  return openDialog(t("settings.title"), (close) => {
    const log = h("pre.log", { tabIndex: 0, role: "region", "aria-label": t("settings.log") });
    const facts = [
      ["settings.version", about?.version], ["settings.computes", about?.tier],
      ["settings.devices", about?.devices?.map(({ name }) => name).join(", ")], ["settings.folder", about?.folder],
    ];
    return [
      choices(t("settings.language"), Object.entries(languages), currentLanguage(), (value) => {
        close();
        document.dispatchEvent(new CustomEvent("language", { detail: value }));
      }),
      choices(t("settings.theme"), themes.map((name) => [name, t(`settings.theme.${name}`)]), chosenTheme(), (value) => {
        localStorage.setItem("thomas.theme", value);
        applyTheme();
      }),
      h("p.quiet", t("settings.private")),
      h("dl.facts", facts.filter(([, value]) => value).map(([key, value]) => h("div", h("dt", t(key)), h("dd", value)))),
      h("details", { ontoggle: (event) => event.target.open && attempt(async () => fill(log, await (await request("GET", "log")).text())) },
        h("summary", t("settings.log")), log),
      h("div.actions", button(t("settings.quit"), { onclick: async () => {
        if (await confirmDialog(t("settings.quit"), t("settings.quitQuestion"), t("settings.quitYes"))) {
          close();
          await attempt(() => post("shutdown"));
        }
      } })),
    ];
  });
}
