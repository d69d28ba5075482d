// Results: how good it is, on which images that was measured, and where it goes wrong.
import { get, projectPath } from "../api.js";
import { errorText, note, sentence } from "../dialogs.js";
import { fill, h, refill, throttled } from "../dom.js";
import { thumbnail } from "../images.js";
import { duration, number, percent, t } from "../messages.js";
import { inUse, isUsable } from "../runs.js";
import { choices } from "../settings.js";
import { on, store } from "../store.js";
import { openImage } from "./gallery.js";
import { accuracyFigure, beforeAfter, rightOf, statusChip } from "./parts.js";

const mostMixUps = 5, mostWrong = 60;

export function resultsScreen(signal) {
  const project = store.state.id, body = h("div.results"), which = h("div");
  let chosen = inUse(store.state), version = "", loaded = false;
  const update = throttled(500, async () => {
    if (signal.aborted || store.state?.id !== project) return;
    const { head, run } = store.state;
    if (!isUsable(run)) chosen = "head";
    const now = JSON.stringify([chosen, chosen === "head" ? [head.isTrained, head.images, head.seconds, head.accuracy] : run.seconds]);
    if (now === version) return;
    version = now;
    refill(which, isUsable(run) && choices(t("live.which"), [["head", t("which.head")], ["run", t("which.run")]], chosen, (value) => {
      chosen = value;
      update();
    }));
    if (!loaded) fill(body, h("p.loading", { role: "status" }, h("span.spinner"), t("loading")));
    try {
      const report = await get(projectPath(project, `/report${chosen === "run" ? "?which=run" : ""}`), { signal });
      if (now !== version) return;
      loaded = true;
      refill(body, report.trained === false ? empty(project) : content(project, report, chosen === "run", update));
    } catch (error) {
      if (signal.aborted) return;
      // An older run has only its figures.
      if (chosen === "run" && run.after) fill(body, h("section.panel", h("h2", t("results.accuracy")), beforeAfter(run.before, run.after)));
      else if (!head.isTrained) fill(body, empty(project));
      else fill(body, note("warning", h("p", errorText(error))));
    }
  });
  on(store, "state run", update, signal);
  update();
  return h("section.page", h("div.title-row", h("h1", t("nav.results")), statusChip(signal)), which, body);
}

function empty(project) {
  return h("div.empty", h("p", t("results.none")), h("a.button.primary", { href: `#/p/${project}/teach` }, t("results.teach")));
}

function content(project, report, isRun, update) {
  const { before, after, confusion, perClass = [], wrong = [], warnings = [] } = report;
  return [
    h("section.panel", h("h2", t("results.accuracy")),
      after ? [
        isRun && before ? beforeAfter(before, after, { before: t("which.head"), after: t("which.run") }) : accuracyFigure(after),
        measured(report, isRun)] : note("info", h("p", t("results.unmeasured")))),
    warnings.length > 0 && h("section.warnings", { "aria-label": t("results.warnings") }, warnings.map((warning) => note("warning", h("p", sentence(warning))))),
    perClass.length > 0 && classes(perClass),
    confusion?.labels?.length > 0 && matrix(confusion),
    after && wrongImages(project, wrong, update),
  ];
}

/** What was measured, on which images; the program's sentence, which names more, below. */
function measured({ before, after, checked, seconds }, isRun) {
  const sentences = [t("results.checked", { n: after.images }), !isRun && t("results.thenAll"), seconds > 0 && t("results.took", { time: duration(seconds) })];
  return [
    h("p.measured", sentences.filter(Boolean).join(" ")),
    !isRun && before && h("p.quiet", t("results.baseline", { right: rightOf(before), n: before.images })),
    checked && h("details", h("summary", t("results.how")), h("p.quiet", sentence(checked))),
  ];
}

function classes(perClass) {
  return h("section.panel", h("h2", t("results.perClass")), h("p.quiet", t("results.perClassHelp")),
    h("div.scroll", { tabIndex: 0, role: "region", "aria-label": t("results.perClass") },
      h("table.per-class", h("thead", h("tr", ["class", "recall", "precision", "images"].map((key) =>
        h(`th${key === "class" ? "" : ".n"}`, { scope: "col" }, t(`results.column.${key}`))))),
      h("tbody", perClass.map(({ label, recall, precision, images }) =>
        h("tr", h("th", { scope: "row" }, label), share(recall), share(precision), h("td.n", number(images))))))));
}

function share(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return h("td.n", "–");
  const fillBar = h("span.fill");
  fillBar.style.transform = `scaleX(${value})`;
  return h("td.n.share", h("span", percent(value)), h("span.track", { "aria-hidden": "true" }, fillBar));
}

function matrix({ labels, rows }) {
  const totals = rows.map((row) => row.reduce((sum, value) => sum + value, 0));
  const mixUps = rows.flatMap((row, i) => row.map((count, j) => ({ i, j, count }))).filter(({ i, j, count }) => i !== j && count > 0)
    .sort((a, b) => b.count - a.count).slice(0, mostMixUps);
  const cell = (count, i, j) => {
    const element = h(`td.n${i === j ? ".hit" : count > 0 ? ".miss" : ""}`, count > 0 || i === j ? number(count) : h("span.zero", "0"));
    if (count > 0) element.style.setProperty("--strength", `${Math.round(15 + 60 * count / Math.max(1, totals[i]))}%`);
    return element;
  };
  return h("section.panel", h("h2", t("results.matrix")),
    mixUps.length === 0 ? h("p", t("results.noMixUps")) : h("ul.mix-ups", mixUps.map(({ i, j, count }) =>
      h("li", t("results.mixUp", { n: count, total: totals[i], name: labels[i], said: labels[j] })))),
    h("p.quiet", { id: "matrix-help" }, t("results.matrixHelp")),
    h("div.scroll", { tabIndex: 0, role: "region", "aria-label": t("results.matrix") },
      h("table.matrix", { "aria-describedby": "matrix-help" },
        h("thead", h("tr", h("th.corner", { scope: "col" }, t("results.isSaid")),
          labels.map((label) => h("th.n", { scope: "col", title: label }, h("span", label))))),
        h("tbody", rows.map((row, i) => h("tr",
          h("th", { scope: "row", title: labels[i] }, h("span", labels[i])), row.map((count, j) => cell(count, i, j))))))));
}

function wrongImage(project, image, update) {
  const said = t("image.said", { name: image.class, said: image.said, share: percent(image.probability) });
  const open = async () => {
    if (await openImage(project, { id: image.item, class: image.class }, image)) update();
  };
  return h("li",
    h("button.picture", { type: "button", "aria-label": said, onclick: open }, thumbnail(project, image.item, "")),
    h("p", { "aria-hidden": "true" }, h("span.quiet", t("results.is")), " ", h("strong", image.class), h("br"),
      h("span.quiet", t("results.said")), " ", h("strong", image.said), ` ${percent(image.probability)}`));
}

function wrongImages(project, wrong, update) {
  if (wrong.length === 0) return h("section.panel", h("h2", t("results.wrong")), h("p", t("results.noneWrong")));
  return h("section.panel", h("h2", t("results.wrong")), h("p.quiet", t("results.wrongHelp")),
    h("ul.wrong", wrong.slice(0, mostWrong).map((image) => wrongImage(project, image, update))),
    wrong.length > mostWrong && h("p.quiet", t("results.moreWrong", { n: wrong.length - mostWrong })));
}
