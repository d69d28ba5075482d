// Live: what the network says of the camera's picture or of a chosen image, now and before.
import { camera } from "../camera.js";
import { button } from "../dialogs.js";
import { fill, h, refill, show, text, throttled } from "../dom.js";
import { filesOf, mayBeImage } from "../images.js";
import { live } from "../live.js";
import { number, t } from "../messages.js";
import { inUse, isUsable, use } from "../runs.js";
import { choices } from "../settings.js";
import { on, store } from "../store.js";
import { bars, beforeAfter, staleNote, statusChip } from "./parts.js";
import { stage } from "./stage.js";

const compareName = "thomas.compare";

export function liveScreen(signal) {
  const project = store.state.id;
  const now = bars(5), before = bars(3, { speaks: false }), speed = h("p.quiet");
  const still = h("div.still", { hidden: true }), picture = h("img", { alt: t("live.chosenImage") });
  const picker = h("input", { type: "file", accept: "image/*", hidden: true, onchange: () => {
    if (picker.files[0]) look(picker.files[0]);
    picker.value = "";
  } });
  const file = () => button(t("live.file"), { symbol: "images", onclick: () => picker.click() });
  const view = stage(signal, { more: file(), off: file() });
  const beforeTitle = h("h2"), comparison = h("section.before", beforeTitle, before), which = h("div"), figures = h("div");
  const nothing = h("p.note-text"), answers = h("section.now", h("h2", t("live.now")), now, speed);
  fill(still, picture, h("div.view-controls", button(t("live.cameraAgain"), { symbol: "camera", onclick: () => look(null) }), file()));

  async function look(blob) {
    if (picture.src) URL.revokeObjectURL(picture.src);
    if (blob) picture.src = URL.createObjectURL(blob);
    else picture.removeAttribute("src");
    show(still, blob !== null);
    show(view, blob === null);
    now.update(null);
    before.update(null);
    await live.setStill(blob);
  }

  let drawn = "";
  const update = throttled(150, () => {
    if (signal.aborted || store.state?.id !== project) return;
    const { state } = store, { run, head } = state, network = inUse(state);
    const wanted = localStorage.getItem(compareName) !== "off";
    live.compare = wanted ? (network === "run" ? "head" : "model") : null;
    show(answers, head.isTrained);
    show(nothing, !head.isTrained);
    text(nothing, t("live.untrained"));
    const version = JSON.stringify([network, run?.status, run?.isStale, head.accuracy, run?.after, wanted, live.canAskModel]);
    if (version === drawn) return;
    drawn = version;
    refill(which,
      isUsable(run) && choices(t("live.which"), [["head", t("which.head")], ["run", t("which.run")]], network, (value) => {
        use(store.state, value);
        now.update(null);
        update();
      }),
      (network === "run" || live.canAskModel) && head.isTrained && h("label.switch",
        h("input", { type: "checkbox", checked: wanted, onchange: (event) => {
          localStorage.setItem(compareName, event.target.checked ? "on" : "off");
          update();
        } }), h("span", t("live.compare"))));
    text(beforeTitle, t(network === "run" ? "live.beforeRun" : "live.beforeTeaching"));
    fill(figures, network === "run" && [staleNote(run), run.before && run.after ? beforeAfter(run.before, run.after) : null]);
  });
  on(store, "state run training", update, signal);
  on(live, "scores", () => {
    now.update(live.scores, live.error);
    before.update(live.before);
    show(comparison, live.before !== null);
    text(speed, live.scores ? t("live.speed", { milliseconds: number(live.milliseconds, live.milliseconds < 10 ? 1 : 0) }) : "");
  }, signal);
  live.setStill(null);
  live.start(() => inUse(store.state));
  signal.addEventListener("abort", () => {
    live.stop();
    live.setStill(null);
    if (picture.src) URL.revokeObjectURL(picture.src);
  });
  document.addEventListener("dragover", (event) => event.preventDefault(), { signal });
  const taken = async (event, transfer) => {
    if (document.querySelector("dialog[open]")) return;
    event.preventDefault();
    const [image] = (await filesOf(transfer)).filter(mayBeImage);
    if (image) await look(image);
  };
  document.addEventListener("drop", (event) => taken(event, event.dataTransfer), { signal });
  document.addEventListener("paste", (event) => event.clipboardData.files.length > 0 && taken(event, event.clipboardData), { signal });
  show(comparison, false);
  update();
  if (camera.isOn) view.update();
  return h("section.page.live",
    h("div.title-row", h("h1", t("nav.live")), statusChip(signal)), picker,
    h("div.columns", h("div.side", view, still), h("div.content", nothing, answers, comparison, which, figures)));
}
