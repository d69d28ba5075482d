// Starts the program and a browser with a drawn camera, and keeps watch over what the page must never do.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import os from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { writeFilm } from "./camera.mjs";

const modules = path.resolve(process.env.THOMAS_STUDIO_MODULES ?? "node_modules");
const require = createRequire(pathToFileURL(path.join(modules, "run.cjs")));
const { chromium } = require("playwright-core");
const axeSource = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");

const startsWithin = 60_000, endsWithin = 10_000;

export const phone = { width: 390, height: 844 }, desktop = { width: 1440, height: 900 };

/** Folder for everything that a run makes; gone at its end. */
export const work = mkdtempSync(path.join(os.tmpdir(), "thomas-studio-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));

/** The command that is tested: THOMAS_STUDIO_PROGRAM, split at spaces. */
export const program = (process.env.THOMAS_STUDIO_PROGRAM ?? "thomas").split(" ").filter(Boolean);

/** Runs `PROGRAM studio` on a folder; answers its address with the token and stop(). */
export async function startStudio(folder) {
  const [command, ...rest] = program;
  const child = spawn(command, [...rest, "studio", "--folder", folder, "--port", "0", "--no-open"], { stdio: ["ignore", "pipe", "pipe"] });
  let output = "";
  const address = await new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no address within ${startsWithin / 1000} s:\n${output}`)), startsWithin);
    const look = (data) => {
      output += data;
      const found = /https?:\/\/\S+#token=[\w%.~-]+/.exec(output);
      if (found) {
        clearTimeout(timer);
        resolve(found[0]);
      }
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
    child.on("exit", (code) => reject(new Error(`the program ended with ${code}:\n${output}`)));
    child.on("error", reject);
  });
  const ended = new Promise((resolve) => child.on("exit", resolve));
  return {
    address, child,
    output: () => output,
    async stop() {
      if (child.exitCode !== null) return;
      child.kill("SIGTERM");
      const timer = setTimeout(() => child.kill("SIGKILL"), endsWithin);
      await ended;
      clearTimeout(timer);
    },
  };
}

/** A browser whose camera shows the drawn film. */
export async function startBrowser() {
  const film = path.join(work, "film.y4m");
  writeFilm(film);
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", `--use-file-for-fake-video-capture=${film}`],
  });
}

/** Notes each error of the console and each request to another address than the page's own. */
export function watch(page, address) {
  const { origin } = new URL(address), complaints = [];
  page.on("console", (message) => ["error", "warning"].includes(message.type()) && complaints.push(`console: ${message.text()} ${message.location().url}`));
  page.on("pageerror", (error) => complaints.push(`error: ${error.stack}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(blob|data):/.test(url)) complaints.push(`request to ${url}`);
  });
  return complaints;
}

/** Findings of axe-core that are serious or worse. */
export async function seriousFindings(page) {
  await page.evaluate(axeSource);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
  return violations.filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, help, nodes }) => `${id}: ${help}\n${nodes.slice(0, 5).map(({ html, failureSummary }) => `  ${html}\n  ${failureSummary}`).join("\n")}`);
}

const looks = [["phone", phone, "light"], ["phone", phone, "dark"], ["desktop", desktop, "light"], ["desktop", desktop, "dark"]];

/** Looks at a screen in all sizes and colours: an image of each, no serious finding, nothing wider than the window, nothing too small for a finger. */
export async function inspect(page, name, { images = true } = {}) {
  const folder = images ? process.env.THOMAS_STUDIO_SCREENSHOTS : undefined;
  if (folder) mkdirSync(folder, { recursive: true });
  for (const [kind, size, colorScheme] of looks) {
    await page.setViewportSize(size);
    await page.emulateMedia({ colorScheme });
    await page.waitForTimeout(350);
    if (folder) await page.screenshot({ path: path.join(folder, `${name}-${kind}-${colorScheme}.png`) });
    assert.deepEqual(await seriousFindings(page), [], `${name}, ${kind}, ${colorScheme}`);
    assert.deepEqual(await page.evaluate(tooWide), [], `${name}, ${kind}: wider than the window`);
    if (kind === "phone") assert.deepEqual(await page.evaluate(tooSmall), [], `${name}: smaller than a finger`);
  }
  await page.setViewportSize(phone);
  await page.emulateMedia({ colorScheme: "light" });
}

function tooWide() {
  if (document.documentElement.scrollWidth <= innerWidth) return [];
  return [...document.body.querySelectorAll("*")].filter((element) => element.getBoundingClientRect().right > innerWidth + 1)
    .map((element) => element.outerHTML.slice(0, 120));
}

function tooSmall() {
  const least = 44;
  return [...document.querySelectorAll("button, a[href], select, summary, input:not([type=hidden], [type=file])")].flatMap((element) => {
    // A choice is pressed by its words too, and a link within a text has the height of the text.
    const target = element.matches("input[type=radio], input[type=checkbox]") ? element.closest("label") ?? element : element;
    const { width, height } = target.getBoundingClientRect();
    if (width === 0 || height === 0 || element.closest(".skip, [hidden]") || element.matches("p a")) return [];
    return width >= least - 0.5 && height >= least - 0.5 ? [] : [`${Math.round(width)}x${Math.round(height)} ${element.outerHTML.slice(0, 120)}`];
  });
}
