// The queue of images on their way to the program: a few at once, errors kept per file, the rest goes on.
import { projectPath, request } from "./api.js";
import { fitted, remember, scaled } from "./images.js";
import { sleep } from "./dom.js";
import { store } from "./store.js";

const atOnce = 3, mostTries = 30, convertedSide = 1280;

class Uploads extends EventTarget {
  /** Files that were not taken: { name, className, error }. */
  failures = [];
  total = 0;
  done = 0;
  #waiting = [];
  #active = new Set();

  get pending() {
    return this.#waiting.length + this.#active.size;
  }

  /** How many are on their way to a class. */
  pendingOf(project, className) {
    let count = 0;
    for (const job of [...this.#waiting, ...this.#active]) if (job.project === project && job.className === className) count++;
    return count;
  }

  /** Adds images of a class: blobs of the camera or files. */
  add(project, className, files) {
    for (const source of files) this.#waiting.push({ project, className, source, name: source.name ?? null });
    this.total += files.length;
    this.#changed();
    this.#next();
  }

  /** Drops what is not under way yet. */
  cancel() {
    this.total -= this.#waiting.length;
    this.#waiting = [];
    this.#changed();
  }

  forget() {
    this.failures = [];
    this.#changed();
  }

  #changed() {
    if (this.pending === 0) this.total = this.done = 0;
    this.dispatchEvent(new Event("change"));
  }

  #next() {
    while (this.#active.size < atOnce && this.#waiting.length > 0) {
      const job = this.#waiting.shift();
      this.#active.add(job);
      this.#send(job)
        .catch((error) => this.failures.push({ name: job.name, className: job.className, error }))
        .finally(() => {
          this.#active.delete(job);
          this.done++;
          this.#changed();
          this.#next();
        });
    }
  }

  async #send({ project, className, source }) {
    let blob = await fitted(source, store.about?.limits?.imageBytes).catch(() => source), converted = blob !== source;
    const path = projectPath(project, `/images?class=${encodeURIComponent(className)}`);
    for (let tries = 1; ; tries++) {
      try {
        const response = await request("POST", path, { body: blob, type: blob.type.startsWith("image/") ? blob.type : "application/octet-stream" });
        const answer = await response.json();
        await remember(project, answer.item.id, blob);
        return;
      } catch (error) {
        if (error.status === 503 && tries < mostTries) await sleep((error.retryAfter ?? 1) * 1000);
        else if (error.status === 0 && store.connection !== "closed" && tries < mostTries) await sleep(2000);
        else if (error.status === 415 && !converted) {
          // The browser reads formats that the program does not, such as AVIF.
          converted = true;
          blob = await scaled(source, convertedSide).catch(() => { throw error; });
        } else throw error;
      }
    }
  }
}

export const uploads = new Uploads();
