// What surrounds the screens: the top bar, the steps of a project, the line at the bottom that tells of uploads and of a training.
import { errorText, iconButton, openDialog } from "./dialogs.js";
import { fill, h, icon, set, show, text, throttled } from "./dom.js";
import { percent, t } from "./messages.js";
import { openSettings } from "./settings.js";
import { on, store } from "./store.js";
import { uploads } from "./uploads.js";
import { isActive, runLine } from "./runs.js";

const steps = { teach: "teach", live: "eye", results: "chart", more: "layers", export: "download" };
const top = document.getElementById("top"), dock = document.getElementById("dock");

let current = null, name = null, state = null;

export const shell = {
  /** Shows the bars for a step of a project, or null for the list of projects. */
  show(step) {
    current = step;
    name = h("span.name");
    state = h("span.status", { role: "img" });
    document.body.classList.toggle("in-project", step !== null);
    fill(top, h("div.bar",
      step === null
        ? h("span.brand", icon("mark"), "Thomas Studio")
        : [h("a.icon-button", { href: "#/", "aria-label": t("nav.projects"), title: t("nav.projects") }, icon("back")), name, state],
      iconButton("gear", t("settings.title"), openSettings)),
    step !== null && steplist(step));
    update();
    updateDock();
  },

  title(words) {
    const project = current && store.state?.name;
    document.title = [words, project, "Thomas Studio"].filter(Boolean).join(" – ");
  },
};

function steplist(step) {
  const project = /^#\/p\/([^/]+)/.exec(location.hash)[1];
  return h("nav.steps", { "aria-label": t("nav.steps") }, h("ul", Object.entries(steps).map(([key, symbol]) =>
    h("li", h("a", { href: `#/p/${project}/${key}`, "aria-current": key === step ? "page" : null }, icon(symbol), h("span", t(`nav.${key}`)))))));
}

/** How far the quick learning is, in a word: also what the screens show. */
export function headStatus({ head, classes }) {
  const taught = classes.filter(({ images }) => images > 0).length;
  if (taught < 2) return { kind: "idle", words: t("head.needs", { n: 2 - taught }) };
  if (head.problem) return { kind: "warning", words: t("head.problem") };
  if (store.training || head.isTraining || head.isStale || !head.isTrained) return { kind: "busy", words: t("head.learning") };
  return { kind: "ready", words: t("head.ready", { n: head.images }) };
}

function update() {
  if (current === null || !store.state) return;
  text(name, store.state.name);
  name.title = store.state.name;
  const { kind, words } = headStatus(store.state);
  if (state.dataset.kind === kind && state.title === words) return;
  state.dataset.kind = kind;
  state.title = words;
  set(state, "aria-label", words);
}

const updateDock = throttled(150, () => {
  fill(dock, uploadLine(), current !== null && current !== "more" && trainingLine());
  show(dock, dock.childNodes.length > 0);
});

function uploadLine() {
  const { pending, total, done, failures } = uploads;
  // A few images of the camera are gone before anyone could read of them.
  const busy = pending > 0 && total > 6;
  if (!busy && failures.length === 0) return null;
  return h("div.dock-line",
    busy && [h("progress", { value: done, max: total, "aria-label": t("uploads.progress") }), h("span", t("uploads.adding", { done, total })),
      h("button.button.plain", { type: "button", onclick: () => uploads.cancel() }, t("dialog.cancel"))],
    failures.length > 0 && [icon("warning"), h("span", { role: "status" }, t("uploads.failed", { n: failures.length })),
      h("button.button.plain", { type: "button", onclick: showFailures }, t("uploads.show")),
      iconButton("close", t("dialog.dismiss"), () => uploads.forget())]);
}

function showFailures() {
  return openDialog(t("uploads.failed", { n: uploads.failures.length }), (close) => [
    h("ul.failures", uploads.failures.map(({ name: file, className, error }) =>
      h("li", h("strong", file ?? t("uploads.cameraImage")), h("span.quiet", ` → ${className}`), h("br"), errorText(error)))),
    h("div.actions", h("button.button.primary", { type: "button", onclick: () => {
      close();
      uploads.forget();
    } }, t("dialog.ok"))),
  ]);
}

function trainingLine() {
  const run = store.state?.run;
  if (!isActive(run)) return null;
  const share = run.steps > 0 ? run.step / run.steps : 0;
  return h("a.dock-line", { href: `#/p/${encodeURIComponent(store.state.id)}/more` },
    icon(run.status === "paused" ? "pause" : "layers"),
    h("progress", { value: share, max: 1, "aria-label": t("more.progress") }), h("span", runLine(run)), h("span.quiet", percent(share)));
}

on(store, "state run training", update);
on(store, "state run", updateDock);
on(uploads, "change", updateDock);
