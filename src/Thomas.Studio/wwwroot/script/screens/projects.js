// The list of projects: make, open, rename, delete.
import { get, projectPath, put, remove } from "../api.js";
import { attempt, button, confirmDialog, menuButton, nameDialog, toast } from "../dialogs.js";
import { fill, focusHeading, h, icon, refill } from "../dom.js";
import { ago, t } from "../messages.js";
import { shell } from "../shell.js";
import { on, store } from "../store.js";
import { newProject } from "./new-project.js";

export function projectsScreen(signal) {
  const list = h("ul.projects"), place = h("div", h("p.loading", { role: "status" }, h("span.spinner"), t("loading")));
  let shown = null;
  const reload = async () => {
    const [projects, models] = await Promise.all([get("projects", { signal }), get("models", { signal })]);
    const names = new Map(models.map((model) => [model.id, model]));
    fill(place, projects.length === 0 ? welcome(create) : [
      h("div.title-row", h("h1", t("projects.title")), button(t("projects.new"), { symbol: "plus", kind: "primary", onclick: () => create() })), list]);
    shell.title(place.querySelector("h1").textContent);
    shell.noteRuns(projects);
    shown = statuses(projects);
    refill(list, projects.map((project) => card(project, names.get(project.model?.id ?? project.model), again)));
  };
  const again = () => attempt(reload);
  // A run that has begun or ended elsewhere shows when the shell hears of it.
  on(store, "projects", ({ data }) => {
    const now = statuses(data);
    if (shown !== null && now !== shown) again();
  }, signal);
  const create = async (file) => {
    const project = await newProject(file);
    if (project) location.hash = `#/p/${project.id}/teach`;
    else await again();
  };
  again();
  acceptModels(signal, create);
  return h("section.page", place);
}

const statuses = (projects) => JSON.stringify(projects.map(({ id, run }) => [id, run]));

function welcome(create) {
  return h("div.welcome", h("h1", t("welcome.title")), h("p.lead", t("welcome.text")),
    h("ol.steps-of-work",
      h("li", icon("camera"), h("span", t("welcome.step1"))),
      h("li", icon("eye"), h("span", t("welcome.step2"))),
      h("li", icon("download"), h("span", t("welcome.step3")))),
    button(t("welcome.start"), { symbol: "plus", kind: "primary", onclick: () => create() }),
    h("p.quiet", t("settings.private")));
}

function card(project, model, again) {
  const name = model?.isStarter ? t("model.starter") : model?.name ?? project.model?.name ?? "";
  return h("li.project",
    h("a.cover", { href: `#/p/${project.id}/teach` },
      h("h2", project.name),
      h("p", t("projects.classes", { n: project.classes }), " · ", t("projects.images", { n: project.images })),
      project.run && h("p.running", icon("layers"), t(`projects.run.${project.run}`)),
      h("p.quiet", [name, project.changed && ago(project.changed)].filter(Boolean).join(" · "))),
    menuButton(t("projects.menu", { name: project.name }), [
      [t("projects.rename"), "pencil", async () => {
        const renamed = await nameDialog(t("projects.rename"), t("projects.name"), project.name, t("dialog.save"),
          (value) => put(projectPath(project.id), { name: value }), 80);
        if (!renamed) return;
        await again();
        focusHeading();
      }],
      [t("projects.delete"), "trash", async () => {
        const question = t("projects.deleteQuestion", { name: project.name, images: t("projects.images", { n: project.images }) });
        if (!await confirmDialog(t("projects.delete"), question, t("projects.deleteYes"))) return;
        await attempt(async () => {
          await remove(projectPath(project.id));
          toast(t("projects.deleted", { name: project.name }));
        });
        await again();
        focusHeading();
      }, true],
    ]));
}

/** A model's file that is dropped anywhere begins a new project with it. */
function acceptModels(signal, create) {
  const isFile = (event) => event.dataTransfer?.types.includes("Files") && !document.querySelector("dialog[open]");
  document.addEventListener("dragover", (event) => isFile(event) && event.preventDefault(), { signal });
  document.addEventListener("drop", (event) => {
    if (!isFile(event)) return;
    event.preventDefault();
    const [file] = event.dataTransfer.files;
    if (/\.(tflite|onnx)$/i.test(file?.name ?? "")) create(file);
    else toast(t("models.notModel"), { kind: "error" });
  }, { signal });
}
