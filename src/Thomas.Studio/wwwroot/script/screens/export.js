// Export: the network as a file, with the names of its classes.
import { projectPath, request } from "../api.js";
import { button, errorText, note } from "../dialogs.js";
import { fill, h, inApp, refill } from "../dom.js";
import { bytes, t } from "../messages.js";
import { inUse, isUsable, use } from "../runs.js";
import { choices } from "../settings.js";
import { on, store } from "../store.js";
import { staleNote } from "./parts.js";

const formats = ["tflite", "onnx"];

export function exportScreen(signal) {
  const project = store.state.id, which = h("div"), outcome = h("div", { role: "status" }), buttons = h("div.exports"), missing = h("div");
  let drawn = "";
  const update = () => {
    if (store.state?.id !== project) return;
    const { state } = store, usable = isUsable(state.run), version = JSON.stringify([state.head.isTrained, usable, inUse(state), state.run?.isStale]);
    if (version === drawn) return;
    drawn = version;
    refill(which, usable && choices(t("live.which"), [["head", t("which.head")], ["run", t("which.run")]], inUse(state), (value) => use(store.state, value)));
    fill(missing, !state.head.isTrained && note("info", h("p", t("export.untrained"))), inUse(state) === "run" && staleNote(state.run));
    fill(buttons, formats.map((format) => h("section.panel.export", h("h2", t(`export.${format}`)), h("p.quiet", t(`export.${format}Help`)),
      button(t("export.make", { format: `.${format}` }), { symbol: "download", kind: "primary", disabled: !state.head.isTrained, onclick: (event) =>
        make(project, format, outcome, event.currentTarget) }))));
  };
  on(store, "state run", update, signal);
  update();
  return h("section.page", h("div.title-row", h("h1", t("nav.export"))), h("p.lead", t("export.lead")), which, missing, buttons, outcome);
}

async function make(project, format, outcome, pressed) {
  pressed.disabled = true;
  fill(outcome, h("p.loading", h("span.spinner"), t("export.making")));
  try {
    const response = await request("POST", projectPath(project, "/export"), { json: { format, which: inUse(store.state) } });
    const blob = await response.blob(), kept = response.headers.get("X-Thomas-Saved") ?? "", saved = decodeURIComponent(kept);
    const name = fileName(response) ?? (saved.split(/[\\/]/).at(-1) || `model.${format}`);
    const done = h("p", h("strong", t("export.done", { name, size: bytes(blob.size) })));
    if (inApp) {
      // The phone's program asks where to save, and copies the file that is kept.
      fill(outcome, note("good", done));
      location.href = `thomas://save/${project}/${kept}`;
      pressed.disabled = false;
      return;
    }
    save(blob, name);
    fill(outcome, note("good", done,
      saved && h("p", t("export.saved"), " ", h("code", placeOf(project, saved))),
      h("p.quiet", t("export.try")), h("pre", { tabIndex: 0 }, h("code", `thomas classify ${quoted(name)} photo.jpg`))));
  } catch (error) {
    fill(outcome, note("warning", h("p", errorText(error))));
  }
  pressed.disabled = false;
}

/** Lets the browser save a file. */
function save(blob, name) {
  const address = URL.createObjectURL(blob), link = h("a", { href: address, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

/** Where the program keeps a file that it names. */
function placeOf(project, name) {
  const { folder = "" } = store.about ?? {}, separator = folder.includes("\\") ? "\\" : "/";
  return /[\\/]/.test(name) ? name : [folder, "projects", project, "exports", name].filter(Boolean).join(separator);
}

const quoted = (name) => /^[\w.-]+$/.test(name) ? name : `"${name}"`;

function fileName(response) {
  const header = response.headers.get("Content-Disposition") ?? "";
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header), plain = /filename="?([^";]+)"?/i.exec(header);
  return encoded ? decodeURIComponent(encoded[1]) : plain?.[1];
}
