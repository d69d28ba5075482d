// Images in the browser: scaled down, encoded, and as thumbnails.
import { projectPath, request } from "./api.js";

const jpeg = "image/jpeg";

/** Encodes a canvas as JPEG. */
export function encode(canvas, quality = 0.9) {
  return new Promise((resolve, reject) =>
    canvas.toBlob((blob) => blob ? resolve(blob) : reject(new Error("the image cannot be encoded")), jpeg, quality));
}

/** The image as JPEG with its longer side at most as given; throws where the browser cannot read it. */
export async function scaled(blob, side, quality = 0.9) {
  const bitmap = await createImageBitmap(blob);
  try {
    const factor = Math.min(1, side / Math.max(bitmap.width, bitmap.height));
    const canvas = document.createElement("canvas");
    canvas.width = Math.max(1, Math.round(bitmap.width * factor));
    canvas.height = Math.max(1, Math.round(bitmap.height * factor));
    const context = canvas.getContext("2d");
    // JPEG has no transparency: what shows through is white, not black.
    context.fillStyle = "#ffffff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
    return await encode(canvas, quality);
  } finally {
    bitmap.close();
  }
}

/** A file as it is, or scaled down where it is larger than the program takes. */
export async function fitted(file, limit) {
  if (!limit || file.size <= limit) return file;
  for (const side of [2048, 1280, 640]) {
    const smaller = await scaled(file, side);
    if (smaller.size <= limit) return smaller;
  }
  return file;
}

/** Whether a file may be an image: by its type, or, where the system knows none, by its name. */
export function mayBeImage(file) {
  return file.type ? file.type.startsWith("image/") : /\.(jpe?g|png|webp|bmp|gif|avif|heic|heif|tiff?)$/i.test(file.name);
}

/** All files of a drop or of the clipboard, those in folders included. */
export async function filesOf(transfer) {
  const entries = [...transfer.items].filter((item) => item.kind === "file").map((item) => item.webkitGetAsEntry?.() ?? item.getAsFile());
  const files = [];
  for (const entry of entries) await collect(entry, files);
  return files;
}

async function collect(entry, files) {
  if (entry instanceof File) files.push(entry);
  else if (entry?.isFile) files.push(await new Promise((resolve, reject) => entry.file(resolve, reject)));
  else if (entry?.isDirectory) {
    const reader = entry.createReader();
    for (;;) {
      const batch = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
      if (batch.length === 0) return;
      for (const child of batch) if (!child.name.startsWith(".")) await collect(child, files);
    }
  }
}

// Thumbnails: small bitmaps of the images of a project, fetched a few at a time when they come into view.
const kept = new Map(), waiting = [], mostKept = 400, atOnce = 4, thumbnailSide = 192;
let loading = 0;

const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    if (!isIntersecting) continue;
    watcher.unobserve(target);
    waiting.push(target);
  }
  next();
}, { rootMargin: "200px" });

/** A square canvas that shows an image of a project as soon as it is seen; without a label it is decoration. */
export function thumbnail(project, item, label) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = thumbnailSide;
  canvas.className = "thumb";
  if (label) {
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", label);
  } else canvas.setAttribute("aria-hidden", "true");
  canvas.source = { project, item };
  const bitmap = kept.get(`${project}/${item}`);
  if (bitmap) draw(canvas, bitmap);
  else watcher.observe(canvas);
  return canvas;
}

/** Keeps an image that this page has sent, so that it need not be fetched. */
export async function remember(project, item, blob) {
  const bitmap = await small(blob).catch(() => null);
  if (bitmap) keep(`${project}/${item}`, bitmap);
}

function next() {
  while (loading < atOnce && waiting.length > 0) {
    const canvas = waiting.pop();
    if (!canvas.isConnected) continue;
    loading++;
    load(canvas).finally(() => {
      loading--;
      next();
    });
  }
}

async function load(canvas) {
  const { project, item } = canvas.source, key = `${project}/${item}`;
  try {
    if (!kept.has(key)) keep(key, await small(await imageOf(project, item)));
    draw(canvas, kept.get(key));
  } catch {
    canvas.classList.add("broken");
  }
}

/** The bytes of an image of a project. */
export const imageOf = async (project, item) =>
  (await request("GET", projectPath(project, `/images/${encodeURIComponent(item)}`))).blob();

async function small(blob) {
  const whole = await createImageBitmap(blob);
  const side = Math.min(whole.width, whole.height);
  try {
    return await createImageBitmap(whole, (whole.width - side) / 2, (whole.height - side) / 2, side, side,
      { resizeWidth: thumbnailSide, resizeHeight: thumbnailSide, resizeQuality: "medium" });
  } finally {
    whole.close();
  }
}

function keep(key, bitmap) {
  kept.set(key, bitmap);
  if (kept.size <= mostKept) return;
  const [oldest, unused] = kept.entries().next().value;
  unused.close();
  kept.delete(oldest);
}

function draw(canvas, bitmap) {
  canvas.getContext("2d").drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  canvas.classList.add("drawn");
}
