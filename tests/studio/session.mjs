// How long the studio takes to be taught, without a browser: 5 classes of 40 photos, one after the other, with MobileNetV2.
//
//   THOMAS_STUDIO_PROGRAM=path/to/thomas THOMAS_ASSETS=path/to/assets node tests/studio/session.mjs [--threads N] [--images N]
//
// Prints the time of each image from the request to the answer (received, decoded, features, on the disk), the time from the last answer until the last layer
// has learned from all of them, and the time of classifying. Run it on a machine that does nothing else.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({ options: { threads: { type: "string", default: "1" }, images: { type: "string", default: "40" } } });
const assets = process.env.THOMAS_ASSETS, perClass = Number(values.images);
assert.ok(assets, "THOMAS_ASSETS is not set");
const model = path.join(assets, "models/onnx/mobilenet_v2_1.0_224.onnx"), photos = path.join(assets, "datasets/flowers5/train");
const [command, ...rest] = (process.env.THOMAS_STUDIO_PROGRAM ?? "thomas").split(" ").filter(Boolean);
const folder = mkdtempSync(path.join(os.tmpdir(), "thomas-session-"));
const program = spawn(command, [...rest, "studio", "--folder", folder, "--port", "0", "--no-open", "--model", model, "--threads", values.threads, "--json"],
  { stdio: ["ignore", "pipe", "inherit"] });

try {
  const { address, token } = await announced(program);
  const { origin } = new URL(address), headers = { "X-Thomas-Token": token };
  const call = async (method, name, body) => {
    const answer = await fetch(`${origin}/api/${name}`, { method, headers, body });
    assert.ok(answer.ok, `${method} ${name}: ${answer.status}`);
    return answer.json();
  };
  const { id: network } = (await call("GET", "models")).find(({ isStarter }) => !isStarter);
  const { id } = await call("POST", "projects", JSON.stringify({ name: "flowers", model: network }));
  await call("GET", `projects/${id}`);
  const changes = states(`${origin}/api/events?project=${id}`, headers);
  const classes = readdirSync(photos).sort().map((name) => [name, readdirSync(path.join(photos, name)).sort().slice(0, perClass)
    .map((file) => readFileSync(path.join(photos, name, file)))]);
  const adding = [], total = classes.length * perClass;
  for (let i = 0; i < perClass; i++) {
    for (const [name, files] of classes) adding.push(await timed(() => call("POST", `projects/${id}/images?class=${name}`, files[i])));
  }

  const last = performance.now();
  for await (const state of changes) if (state.images === total && state.head.isTrained && !state.head.isStale && state.head.images === total) break;
  const ready = performance.now() - last, { head } = await call("GET", `projects/${id}`), classifying = [];
  for (let i = 0; i < perClass; i++) classifying.push(await timed(() => call("POST", `projects/${id}/classify`, classes[i % classes.length][1][i])));
  print(`add one of ${total} images`, adding);
  print("classify one", classifying);
  const trained = (head.seconds * 1000).toFixed(0);
  console.log(`last layer ready ${ready.toFixed(0)} ms after the last image (it waits 300 ms for more); its training took ${trained} ms`);
} finally {
  program.kill("SIGTERM");
  await new Promise((resolve) => program.once("exit", resolve));
  rmSync(folder, { recursive: true, force: true });
}

async function announced({ stdout }) {
  let text = "";
  for await (const piece of stdout) {
    text += piece;
    try {
      return JSON.parse(text);
    } catch {
      // Not all of it yet.
    }
  }
  throw new Error("the program has ended");
}

/** The states that a stream of events tells. */
async function* states(address, headers) {
  let rest = "";
  for await (const piece of (await fetch(address, { headers })).body.pipeThrough(new TextDecoderStream())) {
    const blocks = (rest + piece).split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) if (block.startsWith("event: state")) yield JSON.parse(block.split("\ndata: ")[1]);
  }
}

async function timed(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

function print(what, times) {
  const sorted = times.toSorted((a, b) => a - b), at = (share) => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(1);
  console.log(`${what}: median ${at(0.5)} ms, 95 % within ${at(0.95)}, most ${at(1)}, the first ${times[0].toFixed(1)}`);
}
