// What surrounds the screens: the top bar, the steps of a project, the line at the bottom that tells of uploads and of a training.
import { get } from "./api.js";
import { errorText, iconButton, openDialog } from "./dialogs.js";
import { fill, h, icon, set, show, text, throttled } from "./dom.js";
import { percent, t } from "./messages.js";
import { openSettings } from "./settings.js";
import { on, store } from "./store.js";
import { uploads } from "./uploads.js";
import { isActive, runLine } from "./runs.js";

const steps = { teach: "teach", live: "eye", results: "chart", more: "layers", export: "download" };
const top = document.getElementById("top"), dock = document.getElementById("dock");

// Runs go on when another project or the list is shown; then they are asked for now and then.
const askAgain = 5000;

// The runs that have not ended, as their projects' ids and what they do.
const runs = new Map();

let current = null, name = null, state = null, heading = "";

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
    makeDock();
    updateDock();
  },

  title(words) {
    heading = words;
    showTitle();
  },

  /** Takes the runs of a list of projects. */
  noteRuns(projects) {
    const own = store.state;
    runs.clear();
    for (const { id, run } of projects) if (run && id !== own?.id) runs.set(id, run);
    if (own) noteRun(own.id, own.run);
    else showTitle();
  },

  /** Asks for the list, since a page that was opened again knows of no run. */
  async lookForRuns() {
    try {
      const projects = await get("projects");
      shell.noteRuns(projects);
      store.dispatchEvent(Object.assign(new Event("projects"), { data: projects }));
    } catch {
      // It is asked for again, or the page says that the program cannot be reached.
    }
  },
};

/** The title begins with a sign while a run computes: the phone's shell keeps the screen on as long as it does. */
function showTitle() {
  const words = [heading, current && store.state?.name, "Thomas Studio"].filter(Boolean).join(" – ");
  const working = [...runs.values()].some((status) => status !== "paused"), title = working ? `\u25b6 ${words}` : words;
  if (document.title !== title) document.title = title;
}

function noteRun(project, run) {
  if (isActive(run)) runs.set(project, run.status);
  else runs.delete(project);
  showTitle();
}

setInterval(() => {
  if ([...runs.keys()].some((project) => project !== store.state?.id)) shell.lookForRuns();
}, askAgain);

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

// The lines stay while they change, so that they keep the focus and are not read out again and again.
let lines = null;

function makeDock() {
  const progress = h("progress", { max: 1, value: 0, "aria-label": t("uploads.progress") }), words = h("span"), failed = h("span", { role: "status" });
  const trained = h("progress", { max: 1, value: 0, "aria-label": t("more.progress") }), run = h("span"), percentage = h("span.quiet");
  const sending = h("div.dock-line", progress, words, h("button.button.plain", { type: "button", onclick: () => uploads.cancel() }, t("dialog.cancel")));
  const failures = h("div.dock-line", icon("warning"), failed,
    h("button.button.plain", { type: "button", onclick: showFailures }, t("uploads.show")),
    iconButton("close", t("dialog.dismiss"), () => uploads.forget()));
  const training = h("a.dock-line", icon("layers"), trained, run, percentage);
  lines = { progress, words, failed, trained, run, percentage, sending, failures, training };
  fill(dock, sending, failures, training);
}

const updateDock = throttled(150, () => {
  if (lines === null) return;
  const { pending, total, done, failures } = uploads, run = store.state?.run;
  // A few images of the camera are gone before anyone could read of them.
  const isSending = pending > 0 && total > 6, isTraining = current !== null && current !== "more" && isActive(run);
  show(lines.sending, isSending);
  show(lines.failures, failures.length > 0);
  show(lines.training, isTraining);
  show(dock, isSending || failures.length > 0 || isTraining);
  if (isSending) {
    lines.progress.value = done / total;
    text(lines.words, t("uploads.adding", { done, total }));
  }
  if (failures.length > 0) text(lines.failed, t("uploads.failed", { n: failures.length }));
  if (isTraining) {
    const share = run.steps > 0 ? run.step / run.steps : 0;
    lines.training.href = `#/p/${encodeURIComponent(store.state.id)}/more`;
    lines.trained.value = share;
    text(lines.run, runLine(run));
    text(lines.percentage, percent(share));
  }
});

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

on(store, "state run training", update);
on(store, "state run", updateDock);
on(store, "state run", () => noteRun(store.state.id, store.state.run));
on(uploads, "change", updateDock);
