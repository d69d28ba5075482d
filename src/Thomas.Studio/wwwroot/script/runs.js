// Words for a training run, and which network is in use.
import { duration, t } from "./messages.js";

export const isActive = (run) => ["preparing", "training", "paused", "finishing"].includes(run?.status);

/** Whether a run left a network that can be used. */
export const isUsable = (run) => !isActive(run) && (run?.hasResult ?? (run?.status === "done" || run?.status === "stopped"));

/** What a run does at the moment, in a line. */
export function runLine(run) {
  if (run.status === "paused") return t(`run.paused.${run.pausedBy ?? "user"}`);
  if (run.status !== "training") return t(`run.${run.status}`);
  const line = t("run.training", { epoch: run.epoch, epochs: run.epochs });
  return run.secondsLeft > 0 ? `${line} · ${t("run.left", { time: duration(run.secondsLeft) })}` : line;
}

const key = (project) => `thomas.use.${project}`;

/** The network in use for live and export: "run" after it was chosen, else "head". */
export function inUse(state) {
  const chosen = localStorage.getItem(key(state.id));
  return chosen === "run" && isUsable(state.run) ? "run" : "head";
}

export function use(state, which) {
  if (which === "run") localStorage.setItem(key(state.id), which);
  else localStorage.removeItem(key(state.id));
}
