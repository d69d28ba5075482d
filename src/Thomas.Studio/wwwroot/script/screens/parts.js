// Parts that several screens share: bars of probabilities, the sign of the quick learning, accuracies.
import { announce, fill, h, icon, set, show, text } from "../dom.js";
import { number, percent, t } from "../messages.js";
import { errorText, note, sentenceText } from "../dialogs.js";
import { isUsable } from "../runs.js";
import { headStatus } from "../shell.js";
import { on, store } from "../store.js";

const steady = 1500;

/** The most probable classes with bars. update(scores, error) changes them; screen readers hear of a new first class once it stays. */
export function bars(count, { speaks = true } = {}) {
  const rows = [], list = h("ol.bars");
  const empty = h("p.quiet", t("live.waiting")), problem = h("p.problem", { hidden: true });
  const element = h("div.says", list, empty, problem);
  let first = null, since = 0;
  /** What stands there until the first answer. */
  element.wait = (words) => text(empty, words);
  element.update = (scores, error = null) => {
    show(empty, !scores && !error);
    show(problem, error !== null && !scores);
    if (error) text(problem, errorText(error));
    const shown = (scores ?? []).slice(0, count);
    while (rows.length < shown.length) rows.push(row(list));
    rows.forEach((parts, i) => {
      show(parts.item, i < shown.length);
      if (i >= shown.length) return;
      const { label, probability } = shown[i];
      text(parts.name, label);
      text(parts.share, percent(probability));
      parts.bar.style.transform = `scaleX(${probability})`;
      parts.item.classList.toggle("first", i === 0);
    });
    const [top] = shown, now = performance.now();
    element.dataset.label = top?.label ?? "";
    if (top?.label !== first) [first, since] = [top?.label, now];
    else if (speaks && top && now - since > steady) announce(t("live.says", { label: top.label }));
  };
  return element;
}

function row(list) {
  const name = h("span.name"), share = h("span.share"), bar = h("span.fill");
  const item = h("li", h("span.line", name, share), h("span.track", { "aria-hidden": "true" }, bar));
  list.append(item);
  return { item, name, share, bar };
}

/** A quiet sign of how far the quick learning is. */
export function statusChip(signal) {
  const words = h("span"), chip = h("span.chip", h("span.dot"), words);
  const update = () => {
    if (!store.state) return;
    const status = headStatus(store.state);
    text(words, status.words);
    chip.dataset.kind = status.kind;
    chip.title = store.state.head.problem ? sentenceText(store.state.head.problem) : "";
  };
  on(store, "state training", update, signal);
  update();
  return chip;
}

/** Right images of an accuracy: the program says the share and how many images. */
export const rightOf = ({ accuracy, value, images }) => Math.round((accuracy ?? value) * images);

/** An accuracy never stands alone: how many images, and between what the true value lies. */
export function accuracyFigure(result, label) {
  const value = result.accuracy ?? result.value, right = rightOf(result);
  const band = h("span.band", { "aria-hidden": "true" }), point = h("span.point", { "aria-hidden": "true" });
  band.style.left = `${result.low * 100}%`;
  band.style.width = `${Math.max(0.5, (result.high - result.low) * 100)}%`;
  point.style.left = `${value * 100}%`;
  return h("div.accuracy",
    label && h("p.label", label),
    // All of a few images is no proof: then the count is the figure.
    h("p.figure", value === 1 ? t("results.all", { images: result.images }) : percent(value)),
    h("p.quiet", value === 1 ? null : [t("results.right", { right, n: result.images }), " "],
      t("results.interval", { low: percent(result.low), high: percent(result.high) })),
    h("div.range", { "aria-hidden": "true" }, band, point));
}

/** Before and after, next to each other. */
export function beforeAfter(before, after, words = {}) {
  const change = before && after ? Math.round(((after.accuracy ?? after.value) - (before.accuracy ?? before.value)) * 100) : null;
  return h("div.before-after",
    before && accuracyFigure(before, words.before ?? t("results.before")),
    after && accuracyFigure(after, words.after ?? t("results.after")),
    change !== null && h("p.change", icon(change > 0 ? "check" : "info"),
      change === 0 ? t("results.same") : t(change > 0 ? "results.better" : "results.worse", { points: number(Math.abs(change)) })));
}

/** That a longer training knows nothing of what has changed since; null where nothing has. */
export const staleNote = (run) => isUsable(run) && run.isStale ? note("warning", h("p", t("run.stale"))) : null;

/** Fills a place with a busy sign until the work is done. */
export async function loading(place, work) {
  fill(place, h("p.loading", { role: "status" }, h("span.spinner"), t("loading")));
  set(place, "aria-busy", "true");
  try {
    fill(place, await work());
  } finally {
    set(place, "aria-busy", null);
  }
}
