// All images of a class, and one image alone: look, move to another class, remove.
import { get, projectPath, put, remove } from "../api.js";
import { attempt, button, openDialog, toast } from "../dialogs.js";
import { fill, h, icon, show, text } from "../dom.js";
import { imageOf, thumbnail } from "../images.js";
import { ago, percent, t } from "../messages.js";
import { store } from "../store.js";
import { undo } from "./class-card.js";

const page = 60;

/** A choice of another class for images. */
function classChoice(current, label, change) {
  const others = store.state.classes.filter(({ name }) => name !== current);
  const select = h("select", { "aria-label": label, disabled: others.length === 0, onchange: () => {
    const { value } = select;
    select.value = "";
    if (value !== "") change(value);
  } },
    h("option", { value: "" }, label), others.map(({ name }) => h("option", { value: name }, name)));
  return select;
}

const itemPath = (project, id) => projectPath(project, `/images/${encodeURIComponent(id)}`);

function tellOf(project, message, count) {
  // Each image is a change of its own: undo takes back as many.
  toast(message, { action: t("teach.undo"), run: () => attempt(async () => {
    for (let i = 0; i < count; i++) await undo(project);
  }) });
}

/** One image, large. said: what the network says of it. Answers whether something was changed. */
export function openImage(project, item, said = null) {
  return openDialog(item.class, (close) => {
    const picture = h("div.large-image", h("span.spinner"));
    let address = null;
    imageOf(project, item.id).then((blob) => {
      address = URL.createObjectURL(blob);
      const image = h("img", { src: address, alt: t("image.alt", { name: item.class }), onerror: () => fill(picture, h("p.quiet", t("image.unreadable"))) });
      fill(picture, image);
    }, () => fill(picture, h("p.quiet", t("image.missing"))));
    const done = (value) => {
      if (address) URL.revokeObjectURL(address);
      close(value);
    };
    const move = (to) => attempt(async () => {
      await put(itemPath(project, item.id), { class: to });
      done(true);
      tellOf(project, t("image.moved", { n: 1, name: to }), 1);
    });
    const drop = () => attempt(async () => {
      await remove(itemPath(project, item.id));
      done(true);
      tellOf(project, t("image.removed", { n: 1 }), 1);
    });
    return [
      picture,
      said && h("p", t("image.said", { name: item.class, said: said.said, share: percent(said.probability) })),
      item.added && h("p.quiet", t("image.added", { when: ago(item.added) })),
      h("div.actions", classChoice(item.class, t("image.move"), move), button(t("image.remove"), { symbol: "trash", kind: "danger", onclick: drop })),
    ];
  });
}

/** All images of a class, page by page; several can be chosen. */
export function openGallery(project, name) {
  const chosen = new Map();
  const grid = h("ul.grid"), count = h("p.quiet", { role: "status" });
  const more = button(t("gallery.more"), { onclick: () => attempt(load) });
  const bar = h("div.actions.sticky", { hidden: true });
  let last = null, total = 0, shown = 0;
  const changed = () => {
    text(count, chosen.size > 0 ? t("gallery.chosen", { n: chosen.size }) : t("gallery.help", { n: total }));
    show(bar, chosen.size > 0);
  };
  async function load() {
    const after = last === null ? "" : `&after=${encodeURIComponent(last)}`;
    const answer = await get(projectPath(project, `/images?class=${encodeURIComponent(name)}&count=${page}${after}`));
    total = answer.total;
    for (const item of answer.items) grid.append(tile(item));
    shown += answer.items.length;
    last = answer.items.at(-1)?.id ?? last;
    show(more, shown < total && answer.items.length > 0);
    changed();
  }
  function tile(item) {
    const choose = h("button.picture", { type: "button", "aria-pressed": "false", "aria-label": t("image.number", { n: ++tile.count, name }), onclick: () => {
      const on = !chosen.delete(item.id);
      if (on) chosen.set(item.id, choose);
      choose.setAttribute("aria-pressed", String(on));
      changed();
    } }, thumbnail(project, item.id, ""), h("span.tick", icon("check")));
    return h("li", choose);
  }
  tile.count = 0;
  const each = async (work, message) => {
    bar.inert = true;
    let done = 0;
    try {
      for (const [id, element] of [...chosen]) {
        await work(id);
        chosen.delete(id);
        element.parentNode.remove();
        done++;
        total--;
        shown--;
      }
    } finally {
      bar.inert = false;
      changed();
      if (done > 0) tellOf(project, message(done), done);
    }
  };
  return openDialog(name, () => {
    fill(bar,
      classChoice(name, t("image.move"), (to) =>
        attempt(() => each((id) => put(itemPath(project, id), { class: to }), (n) => t("image.moved", { n, name: to })))),
      button(t("image.remove"), { symbol: "trash", kind: "danger", onclick: () =>
        attempt(() => each((id) => remove(itemPath(project, id)), (n) => t("image.removed", { n }))) }));
    attempt(load);
    return [count, grid, h("div.center", more), bar];
  }, { wide: true });
}
