// A class: its name, how many images, the newest of them, and the ways to add more.
import { get, post, projectPath, put, remove } from "../api.js";
import { camera } from "../camera.js";
import { attempt, button, confirmDialog, menuButton, nameDialog, toast } from "../dialogs.js";
import { announce, fill, h, icon, keyed, show, text, throttled } from "../dom.js";
import { filesOf, thumbnail } from "../images.js";
import { number, t } from "../messages.js";
import { store } from "../store.js";
import { uploads } from "../uploads.js";
import { openGallery, openImage } from "./gallery.js";
import { addFiles } from "./teach.js";

const newest = 7, betweenFrames = 200, frameSide = 640, mostWaiting = 24, enough = 5;

export function classCard(project, name) {
  const count = h("span.count"), hint = h("p.quiet.more-needed"), strip = h("ul.strip");
  const all = h("button.all", { type: "button", onclick: () => openGallery(project, name) });
  const picker = h("input", { type: "file", accept: "image/*", multiple: true, hidden: true, onchange: () => {
    addFiles(project, name, [...picker.files]);
    picker.value = "";
  } });
  const title = h("h2", name);
  title.title = name;
  const record = recordButton(project, name);
  const body = h("article.class-card", { "aria-label": name },
    h("header", title, count, menuButton(t("class.menu", { name }), [
      [t("class.all"), "images", () => openGallery(project, name)],
      [t("class.rename"), "pencil", () => rename(project, name)],
      [t("class.delete"), "trash", () => drop(project, name), true],
    ])),
    // Above the images, so that the button stays under the finger while they arrive.
    h("div.add", record, button(t("class.files"), { symbol: "images", onclick: () => picker.click() }), picker),
    strip, hint);
  body.dataset.name = name;
  acceptDrop(body, project, name);
  const element = h("li.card", body);
  element.dispose = record.dispose;
  let known = null, asked = 0;
  const refresh = throttled(400, async () => {
    const call = ++asked;
    const answer = await attempt(() => get(projectPath(project, `/images?class=${encodeURIComponent(name)}&count=${newest}`)));
    if (!answer || call !== asked || !element.isConnected) return;
    keyed(strip, [...answer.items, null].filter((item) => item !== null || answer.total > 0), (item) => item?.id ?? "all",
      (item) => item === null ? h("li", all) : h("li", h("button.picture", { type: "button", "aria-label": t("class.look", { name }), onclick: () =>
        openImage(project, item) }, thumbnail(project, item.id, ""))));
    text(all, t("class.showAll", { n: answer.total }));
  });
  element.update = ({ images }) => {
    const pending = uploads.pendingOf(project, name);
    text(count, t("projects.images", { n: images }) + (pending > 0 ? ` · ${t("class.pending", { n: pending })}` : ""));
    show(strip, images > 0);
    show(hint, images < enough);
    text(hint, images === 0 ? t("class.empty") : t("class.fewer", { n: enough - images }));
    if (images === known) return;
    known = images;
    if (images > 0) refresh();
    else fill(strip).keyedElements = null;
  };
  return element;
}

async function rename(project, name) {
  await nameDialog(t("class.rename"), t("teach.className"), name, t("dialog.save"), async (to) => {
    if (to !== name) await put(projectPath(project, "/classes"), { from: name, to });
  });
}

async function drop(project, name) {
  const images = store.state.classes.find((item) => item.name === name)?.images ?? 0;
  const question = t("class.deleteQuestion", { name, images: t("projects.images", { n: images }) });
  if (images > 0 && !await confirmDialog(t("class.delete"), question, t("class.deleteYes"))) return;
  await attempt(async () => {
    await remove(projectPath(project, `/classes?name=${encodeURIComponent(name)}`));
    toast(t("class.deleted", { name }), images > 0 ? { action: t("teach.undo"), run: () => attempt(() => undo(project)) } : {});
  });
}

/** Takes back the last change. */
export const undo = async (project) => store.take(await post(projectPath(project, "/undo")));

function acceptDrop(card, project, name) {
  const inside = (event) => card.contains(event.relatedTarget);
  card.addEventListener("dragover", (event) => {
    event.preventDefault();
    card.classList.add("dropping");
  });
  card.addEventListener("dragleave", (event) => !inside(event) && card.classList.remove("dropping"));
  card.addEventListener("drop", async (event) => {
    event.preventDefault();
    event.stopPropagation();
    card.classList.remove("dropping");
    addFiles(project, name, await filesOf(event.dataTransfer));
  });
}

/** Records while it is held, by finger, mouse or key; a short press gives one image. */
function recordButton(project, name) {
  const label = h("span", t("class.record")), element = h("button.button.record", { type: "button", "aria-describedby": "record-help" }, icon("camera"), label);
  let timer = 0, taken = 0, held = false;
  const shoot = async () => {
    // The program is slower than the camera: wait, rather than fill the memory.
    if (uploads.pendingOf(project, name) >= mostWaiting) return;
    const frame = await camera.frame(frameSide).catch(() => null);
    if (!frame) return;
    taken++;
    if (timer !== 0) text(label, number(taken));
    uploads.add(project, name, [frame]);
  };
  const begin = async () => {
    if (held) return;
    held = true;
    if (!camera.isOn) {
      const opened = await camera.open();
      // The question for permission has taken the press; the next one records.
      held = false;
      if (opened) toast(t("class.cameraReady"));
      return;
    }
    taken = 0;
    element.classList.add("recording");
    shoot();
    timer = setInterval(shoot, betweenFrames);
  };
  const end = () => {
    held = false;
    if (timer === 0) return;
    clearInterval(timer);
    timer = 0;
    element.classList.remove("recording");
    text(label, t("class.record"));
    announce(t("class.recorded", { n: taken, name }));
  };
  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    begin();
  });
  for (const ending of ["pointerup", "pointercancel", "lostpointercapture", "blur"]) element.addEventListener(ending, end);
  element.addEventListener("contextmenu", (event) => event.preventDefault());
  const isKey = ({ key }) => key === " " || key === "Enter";
  element.addEventListener("keydown", (event) => {
    if (!isKey(event)) return;
    event.preventDefault();
    if (!event.repeat) begin();
  });
  element.addEventListener("keyup", (event) => {
    if (!isKey(event)) return;
    event.preventDefault();
    end();
  });
  // Screen readers press without pointer or key.
  element.addEventListener("click", async (event) => {
    if (event.detail !== 0 || event.pointerType) return;
    await begin();
    setTimeout(end, 50);
  });
  const hidden = () => document.hidden && end();
  document.addEventListener("visibilitychange", hidden);
  element.dispose = () => {
    end();
    document.removeEventListener("visibilitychange", hidden);
  };
  return element;
}
