// A new project: its name and the network that it begins with.
import { get, post, starterShare, upload } from "../api.js";
import { attempt, button, errorText, openDialog, sentence, words } from "../dialogs.js";
import { fill, h, icon, show, sleep, text } from "../dom.js";
import { bytes, number, percent, t } from "../messages.js";
import { on, store } from "../store.js";

const lookAgain = 700;

/** Asks for both; answers the project, or undefined. A file is taken as the network. */
export async function newProject(file) {
  const models = await attempt(() => get("models"));
  if (!models) return undefined;
  return openDialog(t("new.title"), (close, dialog) => form(models, file, close, dialog), { wide: true });
}

function form(models, file, close, dialog) {
  const ended = new AbortController();
  dialog.addEventListener("ended", () => ended.abort());
  const name = h("input", { id: "new-name", type: "text", maxLength: 80, autocomplete: "off", value: t("new.defaultName"), required: true });
  const problem = h("p.problem", { role: "alert" });
  const networks = h("div.networks"), progress = h("div.task", { hidden: true });
  let chosen = models.find(({ isPhoto }) => isPhoto)?.id ?? "starter";
  const draw = () => fill(networks, offered(models).map((network) => option(network, chosen, (id) => { chosen = id; })));
  const imported = (model) => {
    models = [...models.filter(({ id }) => id !== model.id), model];
    chosen = model.id;
    draw();
  };
  const importFile = async (model) => {
    fill(problem);
    const bar = h("progress", { max: 1, value: 0, "aria-label": t("models.importing", { name: model.name }) });
    fill(progress, h("p", t("models.importing", { name: model.name })), bar);
    show(progress, true);
    try {
      if (!/\.(tflite|onnx)$/i.test(model.name)) throw new Error(t("models.notModel"));
      const path = `models?name=${encodeURIComponent(model.name)}`;
      imported(await upload(path, model, "application/octet-stream", (share) => {
        if (share < 1) bar.value = share;
        else bar.removeAttribute("value");
      }));
    } catch (error) {
      fill(problem, errorText(error));
    }
    show(progress, false);
  };
  const picker = h("input", { type: "file", accept: ".tflite,.onnx", hidden: true, onchange: () => {
    if (picker.files[0]) importFile(picker.files[0]);
    picker.value = "";
  } });
  draw();
  tellStarter(networks, ended.signal);
  acceptDrop(dialog, importFile);
  if (file) importFile(file);
  const submit = async (event) => {
    event.preventDefault();
    fill(problem);
    try {
      close(await post("projects", { name: name.value.trim() || t("new.defaultName"), model: chosen }));
    } catch (error) {
      fill(problem, errorText(error));
    }
  };
  queueMicrotask(() => name.select());
  return h("form", { onsubmit: (event) => busy(dialog, () => submit(event), event) },
    h("label.field", { htmlFor: "new-name" }, t("projects.name")), name,
    h("fieldset.plain", h("legend", t("new.network")), h("p.quiet", t("new.networkHelp")), networks),
    picker, progress,
    h("div.import", button(t("models.import"), { symbol: "upload", onclick: () => picker.click() }), h("span.quiet", t("models.importHelp"))),
    catalog(imported, ended.signal),
    problem,
    h("div.actions", button(t("dialog.cancel"), { onclick: () => close(undefined) }), button(t("new.create"), { kind: "primary", type: "submit" })));
}

// The starter is made on first use, which takes seconds: a second press must not make a second project.
async function busy(dialog, work, event) {
  event.preventDefault();
  const submit = dialog.querySelector("button[type=submit]");
  submit.disabled = true;
  dialog.classList.add("busy");
  await work();
  submit.disabled = false;
  dialog.classList.remove("busy");
}

function offered(models) {
  const own = models.filter(({ isStarter }) => !isStarter);
  return [{ id: "starter", isStarter: true }, ...own];
}

function option(network, chosen, choose) {
  const { id, isStarter } = network;
  const facts = isStarter ? t("model.starterHelp") : [
    network.inputs && t("model.input", { width: network.inputs.width, height: network.inputs.height }),
    network.classes && t("model.classes", { n: network.classes }), network.bytes && bytes(network.bytes)].filter(Boolean).join(" · ");
  return h("label.network",
    h("input", { type: "radio", name: "network", value: id, checked: id === chosen, onchange: () => choose(id) }),
    icon(isStarter ? "pen" : network.isPhoto === false ? "chip" : "images"),
    h("span.words", h("strong", isStarter ? t("model.starter") : network.name), h("span.quiet", facts),
      isStarter && h("span.preparing", { hidden: true }),
      network.note && !isStarter && h("span.quiet", sentence(network.note))));
}

/** Shows how far the starter is while the program makes it. */
async function tellStarter(networks, signal) {
  for (;;) {
    const share = await starterShare(signal).catch(() => null), words = networks.querySelector(".preparing");
    if (signal.aborted) return;
    if (words) {
      text(words, share === null ? "" : t("model.preparing", { share: percent(share) }));
      show(words, share !== null);
    }
    if (share === null) return;
    await sleep(lookAgain);
  }
}

function acceptDrop(dialog, importFile) {
  dialog.addEventListener("dragover", (event) => {
    event.preventDefault();
    dialog.classList.add("dropping");
  });
  dialog.addEventListener("dragleave", (event) => !dialog.contains(event.relatedTarget) && dialog.classList.remove("dropping"));
  dialog.addEventListener("drop", (event) => {
    event.preventDefault();
    dialog.classList.remove("dropping");
    if (event.dataTransfer.files[0]) importFile(event.dataTransfer.files[0]);
  });
}

/** Networks that can be fetched, or why none can. */
function catalog(imported, signal) {
  const { catalog: offers = [], pullReason } = store.about ?? {};
  if (offers.length === 0) return pullReason ? h("p.quiet.reason", t("models.noPull"), " ", sentence(pullReason)) : null;
  return h("details.catalog", h("summary", t("models.catalog")), h("ul", offers.map((offer) => {
    const state = h("span.quiet", { role: "status" }, [offer.bytes && bytes(offer.bytes), offer.license].filter(Boolean).join(" · "));
    const start = button(t("models.pull"), { symbol: "download", onclick: async () => {
      start.disabled = true;
      try {
        await post("models/pull", { name: offer.name });
        fill(state, t("models.pulling", { share: number(0) }));
      } catch (error) {
        start.disabled = false;
        fill(state, errorText(error));
      }
    } });
    start.setAttribute("aria-label", `${t("models.pull")}: ${offer.title}`);
    on(store, "pull", async ({ data }) => {
      if (data.name !== offer.name) return;
      if (data.error) {
        start.disabled = false;
        fill(state, words(data.error) ?? [t("error.pullFailed"), " ", sentence(data.error)]);
      } else if (data.done < data.total || data.total === 0) {
        fill(state, t("models.pulling", { share: number(data.total > 0 ? 100 * data.done / data.total : 0) }));
      } else {
        fill(state, t("models.pulled"));
        const known = await attempt(() => get("models"));
        const model = known?.find(({ id }) => id === data.model);
        if (model) imported(model);
      }
    }, signal);
    return h("li", h("span.words", h("strong", offer.title), state), start);
  })));
}
