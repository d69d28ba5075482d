// Teach: classes as cards, the camera next to them.
import { post, projectPath } from "../api.js";
import { camera } from "../camera.js";
import { attempt, button, iconButton, nameDialog, note, openDialog, sentence, toast } from "../dialogs.js";
import { fill, h, icon, keyed, show, text, throttled } from "../dom.js";
import { filesOf, mayBeImage } from "../images.js";
import { live } from "../live.js";
import { t } from "../messages.js";
import { inUse } from "../runs.js";
import { headStatus } from "../shell.js";
import { on, store } from "../store.js";
import { uploads } from "../uploads.js";
import { bars, statusChip } from "./parts.js";
import { stage } from "./stage.js";
import { classCard } from "./class-card.js";

export function teachScreen(signal) {
  const project = store.state.id;
  const list = h("ul.cards"), says = bars(3);
  const undo = iconButton("undo", t("teach.undo"), () => step("undo")), redo = iconButton("redo", t("teach.redo"), () => step("redo"));
  const start = h("p.hint"), notices = h("div.notices");
  const step = (which) => attempt(async () => store.take(await post(projectPath(project, `/${which}`))));
  const add = h("li.card.add-card", h("button", { type: "button", onclick: () => newClass(project) }, icon("plus"), h("span", t("teach.newClass"))));

  const update = throttled(100, () => {
    if (signal.aborted || store.state?.id !== project) return;
    const { state } = store;
    keyed(list, [...state.classes, null], (item) => item === null ? "" : item.name, (item) => item === null ? add : classCard(project, item.name),
      (element, item) => item && element.update(item));
    [undo.disabled, redo.disabled] = [!state.canUndo, !state.canRedo];
    const taught = state.classes.filter(({ images }) => images > 0).length;
    text(start, state.classes.length === 0 ? t("teach.hintStart") : taught < 2 ? t("teach.hintTwo") : t("teach.hintMore"));
    says.wait(state.head.isTrained ? t("live.waiting") : headStatus(state).words);
    show(says, camera.isOn);
    const told = JSON.stringify(state.notices ?? []);
    if (told === notices.dataset.told) return;
    notices.dataset.told = told;
    fill(notices, (state.notices ?? []).map((said) => note("info", h("p", sentence(said)))));
  });
  on(store, "state", update, signal);
  on(uploads, "change", update, signal);
  on(camera, "change", update, signal);
  on(live, "scores", () => says.update(live.scores, live.error), signal);
  live.compare = null;
  live.setStill(null);
  live.start(() => inUse(store.state));
  signal.addEventListener("abort", () => live.stop());
  acceptFiles(signal, project);
  acceptKeys(signal, step);
  const screen = h("section.page.teach",
    h("div.title-row", h("h1", t("nav.teach")), statusChip(signal), h("span.tools", undo, redo)), notices,
    h("div.columns",
      h("section.side", { "aria-label": t("camera.title") }, stage(signal, { compact: true }), says),
      h("div.content", list, start, h("p.unseen", { id: "record-help" }, t("class.recordHelp")))));
  update();
  return screen;
}

function newClass(project) {
  return nameDialog(t("teach.newClass"), t("teach.className"), "", t("teach.create"), (name) => post(projectPath(project, "/classes"), { name }));
}

/** Adds files to a class; what cannot be an image is said at once. */
export function addFiles(project, className, files) {
  const images = files.filter(mayBeImage);
  const others = files.length - images.length;
  if (others > 0) toast(t("teach.notImages", { n: others }), { kind: "error" });
  if (images.length > 0) uploads.add(project, className, images);
}

/** Files that are dropped or pasted outside of a class: asks for the class. */
function acceptFiles(signal, project) {
  const outside = (event) => !event.target.closest?.(".class-card, dialog, input, textarea") && !document.querySelector("dialog[open]");
  document.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  document.addEventListener("drop", async (event) => {
    event.preventDefault();
    if (outside(event)) await choose(project, await filesOf(event.dataTransfer));
  }, { signal });
  document.addEventListener("paste", async (event) => {
    if (event.target.closest?.("dialog, input, textarea") || document.querySelector("dialog[open]")) return;
    const files = await filesOf(event.clipboardData);
    if (files.length === 0) return;
    const card = document.activeElement?.closest(".class-card") ?? document.querySelector(".class-card:hover");
    if (card) addFiles(project, card.dataset.name, files);
    else await choose(project, files);
  }, { signal });
}

async function choose(project, files) {
  if (files.length === 0) return;
  const { classes } = store.state;
  if (classes.length === 1) return addFiles(project, classes[0].name, files);
  const name = await openDialog(t("teach.whichClass", { n: files.length }), (close) => [
    h("div.pick-list", classes.map(({ name: option }) => button(option, { onclick: () => close(option) })),
      button(t("teach.newClass"), { symbol: "plus", onclick: async () => close(await newClass(project)) })),
  ]);
  if (name) addFiles(project, name, files);
}

function acceptKeys(signal, step) {
  document.addEventListener("keydown", (event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.target.closest("input, textarea, dialog")) return;
    const key = event.key.toLowerCase(), { state } = store;
    const which = key === "z" && !event.shiftKey ? "undo" : key === "y" || (key === "z" && event.shiftKey) ? "redo" : null;
    if (!which) return;
    event.preventDefault();
    if (which === "undo" ? state.canUndo : state.canRedo) step(which);
  }, { signal });
}
