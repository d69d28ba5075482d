// What the network says of the camera's picture or of a chosen image: one request at a time, none while the page is not seen.
import { projectPath, request } from "./api.js";
import { camera } from "./camera.js";
import { sleep } from "./dom.js";
import { scaled } from "./images.js";
import { isUsable } from "./runs.js";
import { store } from "./store.js";

const side = 320, stillSide = 640, pauseBetween = 60, pauseIdle = 150, pauseAfterError = 1000;

/** Whether a network has a trained answer by now. */
const ready = (state, which) => which === "run" ? isUsable(state?.run) : state?.head?.isTrained === true;

class Live extends EventTarget {
  /** The last answer, null before the first. */
  scores = null;
  /** What the other network says of the same image, null where it is not asked. */
  before = null;
  milliseconds = 0;
  /** Error of the last try. */
  error = null;
  /** Asks another network too: "head" or "model"; null does not. */
  compare = null;
  #still = null;
  #run = null;

  /** A chosen image instead of the camera's picture; null for the camera again. */
  async setStill(file) {
    this.#still = null;
    this.#clear();
    if (file) this.#still = { blob: await scaled(file, stillSide).catch(() => file), asked: "" };
  }

  get hasStill() {
    return this.#still !== null;
  }

  /** Whether the network as it was imported can be asked: it needs names of its own. */
  get canAskModel() {
    return store.state?.model.hasLabels === true;
  }

  /** Begins for the open project; which() names the network. */
  start(which) {
    this.stop();
    this.#run = new AbortController();
    this.#clear();
    this.#loop(which, this.#run.signal);
  }

  stop() {
    this.#run?.abort();
    this.#run = null;
  }

  #clear() {
    this.scores = this.before = this.error = null;
    this.dispatchEvent(new Event("scores"));
  }

  async #loop(which, signal) {
    while (!signal.aborted) {
      const state = store.state, network = which(), still = this.#still;
      // A still image is asked again only when the network has changed.
      const version = still && JSON.stringify([network, this.compare, state?.head?.images, state?.head?.seconds, state?.run?.seconds]);
      const asleep = document.hidden || store.connection !== "open" || !ready(state, network) || (still ? still.asked === version : !camera.isOn);
      if (asleep) {
        await sleep(pauseIdle);
        continue;
      }
      try {
        const blob = still?.blob ?? await camera.frame(side);
        const answer = await this.#ask(state.id, network, blob, signal);
        if (this.#still !== still || signal.aborted) continue;
        Object.assign(this, { scores: answer.scores, milliseconds: answer.milliseconds, error: null });
        this.dispatchEvent(new Event("scores"));
        await this.#askBefore(state.id, network, blob, signal);
        if (still) still.asked = version;
        await sleep(pauseBetween);
      } catch (error) {
        if (signal.aborted) return;
        this.error = error;
        if (still) still.asked = version;
        this.dispatchEvent(new Event("scores"));
        await sleep((error.retryAfter ?? 0) * 1000 || pauseAfterError);
      }
    }
  }

  async #askBefore(project, network, blob, signal) {
    const which = this.compare;
    const isAsked = which && which !== network && (which !== "model" || this.canAskModel);
    this.before = isAsked ? (await this.#ask(project, which, blob, signal)).scores : null;
    this.dispatchEvent(new Event("scores"));
  }

  async #ask(project, which, blob, signal) {
    const path = projectPath(project, `/classify?top=5&which=${which}`);
    return (await request("POST", path, { body: blob, type: blob.type || "application/octet-stream", signal })).json();
  }
}

export const live = new Live();
