// What the program tells by itself: a stream of events, opened again whenever it ends. Holds the state of the open project.
import { ApiError, request } from "./api.js";

const longestWait = 10_000;

class Store extends EventTarget {
  /** The open project's state, null before the first. */
  state = null;
  /** What the program can do: GET /api/about. */
  about = null;
  /** Progress of the head's training, null while it does not train. */
  training = null;
  /** "connecting", "open", "lost" or "closed" (the program has ended). */
  connection = "connecting";
  #project = null;
  #stop = null;
  #retry = null;

  /** Follows a project, or with null what does not belong to one. */
  follow(project) {
    if (this.#stop && this.#project === project) return;
    this.#stop?.abort();
    if (this.#project !== project) this.state = this.training = null;
    this.#project = project;
    this.#stop = new AbortController();
    this.#run(this.#stop.signal);
  }

  /** Tries to connect at once instead of waiting. */
  retry() {
    this.#retry?.();
  }

  stop() {
    this.#stop?.abort();
    this.#stop = null;
  }

  /** Takes a state that a call has answered. */
  take(state) {
    if (state?.id !== this.#project) return;
    this.state = state;
    this.#tell("state");
  }

  #tell(name, data) {
    this.dispatchEvent(Object.assign(new Event(name), { data }));
  }

  #connect(connection) {
    if (this.connection === connection) return;
    this.connection = connection;
    this.#tell("connection");
  }

  async #run(signal) {
    let wait = 500;
    while (!signal.aborted) {
      try {
        const query = this.#project === null ? "" : `?project=${encodeURIComponent(this.#project)}`;
        const response = await request("GET", `events${query}`, { signal });
        wait = 500;
        this.#connect("open");
        for await (const { name, data } of eventsOf(response.body)) {
          if (signal.aborted) return;
          this.#take(name, data);
        }
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof ApiError && error.status === 401) return;
        if (error instanceof ApiError && error.status === 404) {
          this.#tell("gone");
          return;
        }
      }
      if (signal.aborted) return;
      if (this.connection !== "closed") this.#connect("lost");
      await new Promise((resolve) => {
        const timer = setTimeout(resolve, wait);
        this.#retry = () => {
          clearTimeout(timer);
          resolve();
        };
        signal.addEventListener("abort", this.#retry, { once: true });
      });
      wait = Math.min(wait * 2, longestWait);
    }
  }

  #take(name, data) {
    if (name === "state") {
      this.state = data;
      if (!data.head?.isStale && this.training) {
        this.training = null;
        this.#tell("training");
      }
    } else if (name === "run") {
      if (this.state) this.state.run = data;
    } else if (name === "training") {
      this.training = data.total > 0 && data.done >= data.total ? null : data;
    } else if (name === "bye") this.#connect("closed");
    this.#tell(name, data);
  }
}

/** The events of a stream: name and parsed data. */
async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const blocks = (rest + value.replaceAll("\r", "")).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      let name = "message", data = "";
      for (const line of block.split("\n")) {
        if (line.startsWith("event:")) name = line.slice(6).trim();
        else if (line.startsWith("data:")) data += line.slice(5).trim();
      }
      if (data !== "" || name !== "message") yield { name, data: data === "" ? null : JSON.parse(data) };
    }
  }
}

export const store = new Store();

/** Listens until the signal aborts. */
export function on(target, names, callback, signal) {
  for (const name of names.split(" ")) target.addEventListener(name, callback, { signal });
}
