// A film for Chromium's fake camera: drawn shapes that move, first a ring, then a cross, over and over.
import { closeSync, openSync, writeSync } from "node:fs";

const width = 320, height = 240, perSecond = 10;

/** Distance of a point from the shape's ink, in pixels of a shape of radius 60. */
const shapes = {
  ring: (x, y) => Math.abs(Math.hypot(x, y) - 55),
  cross: (x, y) => Math.max(Math.min(Math.abs(x), Math.abs(y)), Math.max(Math.abs(x), Math.abs(y)) - 62),
};

/** What the middle of the picture shows tells the scenes apart: the paper inside a ring, or the ink of a cross. */
export const isCross = (brightness) => brightness < 128;

/** Seconds that a scene lasts. */
export const sceneSeconds = 12;

/** Writes the film as .y4m. */
export function writeFilm(path) {
  const file = openSync(path, "w");
  writeSync(file, `YUV4MPEG2 W${width} H${height} F${perSecond}:1 Ip A1:1 C420jpeg\n`);
  const frame = Buffer.alloc(width * height * 3 / 2, 128), header = Buffer.from("FRAME\n");
  let number = 0;
  for (const distance of [shapes.ring, shapes.cross]) {
    for (let i = 0; i < sceneSeconds * perSecond; i++, number++) {
      draw(frame, distance, number);
      writeSync(file, header);
      writeSync(file, frame);
    }
  }
  closeSync(file);
}

// The shape drifts, turns and breathes a little, as a thing does that is held before a camera; the light changes too.
function draw(frame, distance, number) {
  const time = number / perSecond, angle = 0.25 * Math.sin(time * 1.3), size = 1 + 0.12 * Math.sin(time * 0.9);
  const centerX = width / 2 + 8 * Math.sin(time * 1.7), centerY = height / 2 + 7 * Math.cos(time * 1.1), paper = 215 + 15 * Math.sin(time * 0.5);
  const cosine = Math.cos(angle) / size, sine = Math.sin(angle) / size;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const dx = x - centerX, dy = y - centerY;
      const ink = Math.min(1, Math.max(0, 12 - distance(dx * cosine + dy * sine, dy * cosine - dx * sine)));
      frame[y * width + x] = paper - (paper - 35) * ink + 6 * noise(x, y, number);
    }
  }
}

// Repeatable noise between -1 and 1.
function noise(x, y, number) {
  let value = (x * 374761393 + y * 668265263 + number * 2246822519) | 0;
  value = Math.imul(value ^ (value >>> 13), 1274126177);
  return ((value ^ (value >>> 16)) & 0xffff) / 32768 - 1;
}
