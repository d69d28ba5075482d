// Train more: which layers, what that costs before it starts, the run with its curves, and what it brought.
import { post, projectPath, remove } from "../api.js";
import { lineChart } from "../charts.js";
import { attempt, button, confirmDialog, errorText, note, sentence } from "../dialogs.js";
import { announce, fill, h, icon, refill, set, show, text, throttled } from "../dom.js";
import { bytes, duration, energy, number, percent, t } from "../messages.js";
import { inUse, isActive, isUsable, runLine, use } from "../runs.js";
import { on, store } from "../store.js";
import { beforeAfter, staleNote } from "./parts.js";

const policies = ["bias", "last:2", "all"], bounds = [64, 128, 256, 512, 1024, 2048], batches = [4, 8, 16, 32, 64], mega = 1 << 20;
const policyKey = (policy) => ({ bias: "policy.bias", "last:2": "policy.last2", all: "policy.all" })[policy];

// What was chosen stays while the page is open.
const chosen = { policy: "all", epochs: 10, batch: null, compress: null, device: null, memoryBytes: null };

export function moreScreen(signal) {
  const project = store.state.id, settings = setup(project, signal), progress = runPanel(project, signal);
  const update = throttled(150, () => {
    if (signal.aborted || store.state?.id !== project) return;
    const { run, classes } = store.state;
    const taught = classes.filter(({ images }) => images > 0).length;
    show(progress, Boolean(run));
    if (run) progress.update(run);
    show(settings, !isActive(run));
    settings.update(taught);
  });
  on(store, "state run", update, signal);
  update();
  return h("section.page", h("div.title-row", h("h1", t("more.title"))), h("p.lead", t("more.lead")), progress, settings);
}

function setup(project, signal) {
  const list = h("div.policies"), notes = h("div.notes", { role: "status" });
  const choices = options(() => refresh());
  const start = button(t("more.start"), { symbol: "play", kind: "primary.large", onclick: () => begin(project) });
  const lacking = h("p.note-text", { hidden: true });
  let plan = null, asked = 0, lacks = false;
  const draw = () => refill(list, policies.map((policy) => option(policy, plan, () => {
    chosen.policy = policy;
    check();
  })));
  const check = () => {
    const row = rowOf(plan, chosen.policy);
    start.disabled = lacks || row?.fits === false;
  };
  const refresh = throttled(300, async () => {
    if (signal.aborted || lacks) return;
    const call = ++asked, { batch, compress, device, epochs, memoryBytes } = chosen;
    set(list, "aria-busy", "true");
    try {
      const answer = await post(projectPath(project, "/plan"), compact({ batch, compress, device, epochs, memoryBytes }), { signal });
      if (call !== asked) return;
      plan = answer;
      draw();
      choices.offer(answer.compress);
      fill(notes, (answer.notes ?? []).map((said) => h("p.quiet", sentence(said))));
    } catch (error) {
      if (!signal.aborted && call === asked) fill(notes, note("warning", h("p", errorText(error))));
    }
    set(list, "aria-busy", null);
    check();
  });
  draw();
  const element = h("section.setup", { "aria-label": t("more.setup") },
    h("fieldset.plain", h("legend", t("more.what")), list), notes, choices, lacking, h("div.actions.left", start));
  let planned = -1;
  element.update = (taught) => {
    lacks = taught < 2;
    show(lacking, lacks);
    text(lacking, t("error.tooFew"));
    check();
    if (planned === store.state.images) return;
    planned = store.state.images;
    refresh();
  };
  return element;
}

/** Without what was left open. */
const compact = (values) => Object.fromEntries(Object.entries(values).filter(([, value]) => value !== null));

const rowOf = (plan, policy) => plan?.rows?.find((row) => row.policy === policy);

const roughly = (seconds) => seconds < 1 ? duration(seconds) : t("more.about", { value: duration(seconds) });

function option(policy, plan, choose) {
  const row = rowOf(plan, policy), fits = row?.fits !== false;
  const facts = row && [
    ["more.memory", bytes(row.memoryBytes)],
    row.secondsTotal > 0 ? ["more.time", roughly(row.secondsTotal)] : row.secondsPerEpoch > 0 && ["more.timePerEpoch", roughly(row.secondsPerEpoch)],
    row.joules > 0 && ["more.energy", t("more.about", { value: energy(row.joules) })],
    ["more.numbers", number(row.trainedParameters)],
  ].filter(Boolean);
  return h(`label.policy${fits ? "" : ".unfit"}`,
    h("input", { type: "radio", name: "policy", value: policy, checked: policy === chosen.policy, onchange: choose }),
    h("span.words", h("strong", t(policyKey(policy))), h("span.quiet", t(`${policyKey(policy)}Help`)),
      facts ? h("span.facts-line", facts.map(([key, value]) => h("span.fact", h("span.quiet", t(key)), " ", value)))
        : plan === null && h("span.quiet", t("more.planning")),
      !fits && h("span.unfit-words", icon("warning"), t("more.unfit"))));
}

function options(refresh) {
  const epochs = h("output", { htmlFor: "epochs" }, number(chosen.epochs));
  const slider = h("input", { id: "epochs", type: "range", min: 1, max: 50, value: chosen.epochs, oninput: () => {
    chosen.epochs = Number(slider.value);
    text(epochs, number(chosen.epochs));
    refresh();
  } });
  const select = (key, label, help, values) => {
    const id = `option-${key}`;
    return h("div.option", h("label.field", { htmlFor: id }, label), h("select", { id, onchange: (event) => {
      const { value } = event.target;
      chosen[key] = value === "" ? null : key === "device" || key === "compress" ? value : Number(value);
      if (key === "device" && chosen.compress === "int8") withoutInt8();
      refresh();
    } }, values.map(([value, words]) => h("option", { value: value ?? "", selected: value === chosen[key] }, words))), help && h("p.quiet", help));
  };
  const devices = store.about?.devices ?? [];
  const compress = select("compress", t("more.compress"), t("more.compressHelp"),
    [[null, t("more.compress32")], ["half", t("more.compress16")], ["int8", t("more.compress8")]]);
  const int8 = compress.querySelector("option[value=int8]");
  const withoutInt8 = () => {
    chosen.compress = null;
    compress.querySelector("select").value = "";
  };
  const offer = (words) => {
    int8.hidden = int8.disabled = !words.includes("int8");
  };
  offer([]);
  if (chosen.compress === "int8") withoutInt8();
  const element = h("div.options",
    h("div.option", h("label.field", { htmlFor: "epochs" }, t("more.epochs")), h("div.slider", slider, epochs), h("p.quiet", t("more.epochsHelp"))),
    h("details", h("summary", t("more.options")), h("div.option-grid",
      devices.length > 1 && select("device", t("more.device"), null, [[null, t("more.automatic")], ...devices.map(({ id, name }) => [id, name])]),
      select("memoryBytes", t("more.bound"), t("more.boundHelp"), [[null, t("more.noBound")], ...bounds.map((size) => [size * mega, bytes(size * mega)])]),
      select("batch", t("more.batch"), t("more.batchHelp"), [[null, t("more.automatic")], ...batches.map((size) => [size, number(size)])]),
      compress)));
  return Object.assign(element, { offer });
}

function begin(project) {
  return attempt(async () => {
    const { policy, epochs, batch, compress, device, memoryBytes } = chosen;
    const run = await post(projectPath(project, "/runs"), compact({ policy, epochs, batch, compress, device, memoryBytes }));
    if (store.state?.id === project) store.take({ ...store.state, run });
    document.getElementById("run")?.focus();
  });
}

function runPanel(project, signal) {
  const title = h("h2", { id: "run", tabIndex: -1 }), line = h("p.run-line");
  const bar = h("progress", { max: 1, value: 0, "aria-label": t("more.progress") });
  const reason = h("div"), outcome = h("div"), buttons = h("div.actions.left"), spent = h("p.quiet");
  const loss = lineChart(t("more.lossChart")), accuracy = lineChart(t("more.accuracyChart"));
  const table = h("details.figures", h("summary", t("more.figures")), h("div"));
  signal.addEventListener("abort", () => [loss, accuracy].forEach((chart) => chart.dispose()));
  const element = h("section.panel.run", { "aria-labelledby": "run" },
    title, line, bar, reason, outcome, buttons, h("div.charts", loss, accuracy), spent, table);
  let drawn = "", status = null;
  const act = (what) => attempt(async () => {
    const run = await post(projectPath(project, `/run/${what}`));
    if (run && store.state?.id === project) store.take({ ...store.state, run });
  });
  element.update = (run) => {
    const active = isActive(run);
    text(title, policyKey(run.policy) ? t("more.current", { what: t(policyKey(run.policy)) }) : t("policy.unknown"));
    text(line, runLine(run));
    show(bar, active);
    if (run.status === "preparing" || run.steps === 0) bar.removeAttribute("value");
    else bar.value = run.steps > 0 ? run.step / run.steps : 0;
    curves(loss, accuracy, run);
    const time = t(active ? "more.spent" : "more.took", { time: duration(run.seconds ?? 0) });
    const device = store.about?.devices?.find(({ id }) => id === run.device)?.name ?? run.device;
    text(spent, [time, device, run.joules > 0 && energy(run.joules)].filter(Boolean).join(" · "));
    if (table.dataset.passes !== String(run.curves?.length)) {
      table.dataset.passes = String(run.curves?.length);
      fill(table.lastChild, figures(run.curves ?? []));
    }
    if (status !== null && status !== run.status) announce(runLine(run));
    status = run.status;
    const version = JSON.stringify([run.status, run.pausedBy, run.after, run.hasResult, run.isStale, run.notices, inUse(store.state)]);
    if (version === drawn) return;
    drawn = version;
    fill(reason, run.status === "paused" && run.pausedBy !== "user" && note(run.pausedBy, h("p", t(`run.pausedHelp.${run.pausedBy}`))),
      (run.notices ?? []).map((said) => note("info", h("p", sentence(said)))),
      run.status === "failed" && note("warning", h("p", run.error ? sentence(run.error) : t("error.unknown"))));
    fill(outcome, isUsable(run) && [result(run), staleNote(run)]);
    refill(buttons, active ? [
      run.status === "paused" ? button(t("run.resume"), { symbol: "play", kind: "primary", onclick: () => act("resume") })
        : button(t("run.pause"), { symbol: "pause", disabled: run.status !== "training", onclick: () => act("pause") }),
      button(t("run.stop"), { symbol: "stop", disabled: run.status === "finishing", onclick: async () => {
        if (await confirmDialog(t("run.stop"), t("run.stopQuestion"), t("run.stopYes"))) await act("stop");
      } }),
    ] : afterwards(project, run, element));
  };
  return element;
}

function result(run) {
  return run.after ? beforeAfter(run.before, run.after, { before: t("which.head"), after: t("which.run") }) : h("p", t("more.notMeasured"));
}

function afterwards(project, run, element) {
  const { state } = store, used = inUse(state) === "run";
  const change = (which) => {
    use(state, which);
    element.update(run);
    announce(t(which === "run" ? "run.nowUsed" : "run.nowUnused"));
  };
  return [
    isUsable(run) && (used ? [h("p.used", icon("check"), t("run.used")), button(t("run.unuse"), { onclick: () => change("head") })]
      : button(t("run.use"), { symbol: "check", kind: "primary", onclick: () => change("run") })),
    button(t("run.forget"), { symbol: "trash", onclick: async () => {
      if (!await confirmDialog(t("run.forget"), t("run.forgetQuestion"), t("run.forget"))) return;
      await attempt(() => remove(projectPath(project, "/run")));
    } }),
  ];
}

function curves(loss, accuracy, run) {
  const all = run.curves ?? [], perEpoch = run.epochs > 0 && run.steps > 0 ? run.steps / run.epochs : 1;
  const losses = (run.losses ?? []).map((entry, i) => Array.isArray(entry) ? [entry[0] / perEpoch, entry[1]] : [i / perEpoch, entry]);
  const points = (key) => all.filter((entry) => entry[key] !== null && entry[key] !== undefined).map((entry) => [entry.epoch, entry[key]]);
  const series = (fine, train, validation) => [
    ...(fine ? [{ name: t("more.step"), kind: "fine", points: fine }] : []),
    { name: t("more.learnt"), kind: "solid", points: train }, { name: t("more.setAside"), kind: "dashed", points: validation },
  ];
  const last = all.at(-1), common = { xMax: run.epochs, formatX: (value) => number(value) };
  const described = (key, format) => Number.isFinite(last?.[key]) ? t("more.chartNow", { epoch: last.epoch, value: format(last[key]) }) : "";
  loss.update({
    ...common, series: series(losses, points("trainLoss"), points("validationLoss")), yMin: 0, formatY: (value) => number(value, 2),
    describe: described("validationLoss", (value) => number(value, 3)),
  });
  accuracy.update({
    ...common, series: series(null, points("trainAccuracy"), points("validationAccuracy")), yMin: 0, yMax: 1, formatY: percent,
    describe: described("validationAccuracy", percent),
  });
}

function figures(all) {
  const small = (value) => number(value, 3);
  const columns = [["trainLoss", small], ["validationLoss", small], ["trainAccuracy", percent], ["validationAccuracy", percent]];
  return h("div.scroll", { tabIndex: 0, role: "region", "aria-label": t("more.figures") }, h("table",
    h("thead", h("tr", h("th", { scope: "col" }, t("more.epoch")), columns.map(([key]) => h("th.n", { scope: "col" }, t(`more.${key}`))))),
    h("tbody", all.map((entry) => h("tr", h("th", { scope: "row" }, number(entry.epoch)),
      columns.map(([key, format]) => h("td.n", Number.isFinite(entry[key]) ? format(entry[key]) : "–")))))));
}
