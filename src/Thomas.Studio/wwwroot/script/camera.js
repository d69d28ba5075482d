// The camera: asked for only when it is wanted, one picture element that moves from screen to screen.
import { encode } from "./images.js";

const facingName = "thomas.facing";
const reasons = {
  NotAllowedError: "refused", SecurityError: "refused", NotFoundError: "absent", OverconstrainedError: "absent", NotReadableError: "busy",
};

class Camera extends EventTarget {
  /** "off", "asking", "on", or why not: "refused", "absent", "busy", "insecure", "failed". */
  status = "off";
  /** How many cameras there are, known once one is on. */
  count = 0;
  video = Object.assign(document.createElement("video"), { muted: true, playsInline: true, autoplay: true });
  #stream = null;
  #canvas = document.createElement("canvas");

  get isOn() {
    return this.status === "on";
  }

  /** Turns it on; true once pictures come. */
  async open(device = null) {
    if (this.status === "asking") return false;
    if (!navigator.mediaDevices?.getUserMedia) return this.#become("insecure");
    this.#release();
    this.#become("asking");
    const wanted = { width: { ideal: 1280 }, height: { ideal: 720 } };
    if (device) wanted.deviceId = { exact: device };
    else wanted.facingMode = { ideal: localStorage.getItem(facingName) ?? "environment" };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ video: wanted, audio: false });
    } catch (error) {
      return this.#become(reasons[error.name] ?? "failed");
    }
    const [track] = this.#stream.getVideoTracks();
    track.addEventListener("ended", () => this.#stream?.active === false && this.close("absent"));
    const { facingMode } = track.getSettings();
    if (facingMode) localStorage.setItem(facingName, facingMode);
    this.video.classList.toggle("mirrored", facingMode === "user");
    this.video.srcObject = this.#stream;
    await this.video.play().catch(() => {});
    if (this.video.readyState < 2) await new Promise((resolve) => this.video.addEventListener("loadeddata", resolve, { once: true }));
    this.count = (await cameras()).length;
    return this.#become("on");
  }

  /** Changes to the next camera. */
  async flip() {
    const all = await cameras();
    const current = this.#stream?.getVideoTracks()[0]?.getSettings().deviceId;
    const place = all.findIndex(({ deviceId }) => deviceId === current);
    await this.open(all[(place + 1) % all.length]?.deviceId);
  }

  close(status = "off") {
    this.#release();
    this.#become(status);
  }

  /** Puts the picture into a place; it plays on there. */
  show(place) {
    if (this.video.parentNode !== place) place.append(this.video);
    if (this.isOn) this.video.play().catch(() => {});
  }

  /** The middle square of the picture, as it is seen, as JPEG. */
  frame(side) {
    const { videoWidth: width, videoHeight: height } = this.video, square = Math.min(width, height);
    if (!this.isOn || square === 0) return Promise.reject(new Error("the camera is off"));
    this.#canvas.width = this.#canvas.height = Math.min(side, square);
    const context = this.#canvas.getContext("2d");
    context.drawImage(this.video, (width - square) / 2, (height - square) / 2, square, square, 0, 0, this.#canvas.width, this.#canvas.height);
    return encode(this.#canvas);
  }

  #release() {
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    this.#stream = this.video.srcObject = null;
  }

  #become(status) {
    this.status = status;
    this.dispatchEvent(new Event("change"));
    return status === "on";
  }
}

async function cameras() {
  return (await navigator.mediaDevices.enumerateDevices()).filter(({ kind }) => kind === "videoinput");
}

export const camera = new Camera();
