// The studio as a person uses it: teaches two things by the camera, sees them recognised, trains more, exports, comes back.
//
//   THOMAS_STUDIO_PROGRAM=path/to/thomas THOMAS_STUDIO_MODULES=node_modules node --test tests/studio
//
// THOMAS_STUDIO_PROGRAM may carry arguments, separated by spaces ("dotnet thomas.dll"). THOMAS_ASSETS: folder with shared models; then a photo network is
// taught as well. THOMAS_STUDIO_SCREENSHOTS: folder for images of each screen. CHROMIUM: the browser, /usr/bin/chromium by default.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import test, { after, before } from "node:test";
import { isCross, sceneSeconds } from "./camera.mjs";
import { inspect, phone, program, seriousFindings, startBrowser, startStudio, watch, work } from "./harness.mjs";

const photoNetwork = path.join(process.env.THOMAS_ASSETS ?? "/nowhere", "models/onnx/mobilenet_v2_1.0_224.onnx");
const frames = 20, liveWithin = 1000;

let browser, studio;

before(async () => {
  [browser, studio] = await Promise.all([startBrowser(), startStudio(path.join(work, "studio"))]);
});

after(async () => {
  await browser?.close();
  await studio?.stop();
});

/** A fresh window of a phone; closed, and its complaints checked, when the test ends. */
async function open(t, { address = studio.address, locale = "en-GB", complain = true } = {}) {
  const context = await browser.newContext({ viewport: phone, locale, acceptDownloads: true });
  const page = await context.newPage();
  page.setDefaultTimeout(20_000);
  const complaints = watch(page, address);
  t.after(async () => {
    await context.close();
    if (complain) assert.deepEqual(complaints, []);
  });
  await page.goto(address);
  return page;
}

/** Waits until the camera shows the beginning of a scene. */
async function waitForScene(page, cross) {
  const brightness = () => page.evaluate(() => {
    const video = document.querySelector("video"), canvas = document.createElement("canvas");
    canvas.width = canvas.height = 1;
    canvas.getContext("2d").drawImage(video, video.videoWidth / 2 - 4, video.videoHeight / 2 - 4, 8, 8, 0, 0, 1, 1);
    return canvas.getContext("2d").getImageData(0, 0, 1, 1).data[0];
  });
  const until = async (wanted) => {
    const end = Date.now() + 3000 * sceneSeconds;
    while (isCross(await brightness()) !== wanted) {
      assert.ok(Date.now() < end, "the camera does not change its scene");
      await page.waitForTimeout(50);
    }
  };
  await until(!cross);
  await until(cross);
}

async function addClass(page, name) {
  await page.getByRole("button", { name: "New class" }).click();
  await page.getByLabel("What does it show?").fill(name);
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name }).waitFor();
}

/** Holds the button of a class until it has its images; the moment at which it let go. */
async function record(page, name) {
  const card = page.getByRole("article", { name }), button = card.getByRole("button", { name: "Hold to record" });
  await button.evaluate((element) => element.scrollIntoView({ block: "center" }));
  const { x, y, width, height } = await button.boundingBox();
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  await page.waitForFunction((wanted) => Number(document.querySelector(".recording span")?.textContent) >= wanted, frames, { polling: 30 });
  await page.mouse.up();
  const released = Date.now();
  await card.getByText(/^(2\d|3\d) images$/).waitFor();
  return released;
}

const liveLabel = (page, name) => page.waitForFunction((label) => document.querySelector(".says")?.dataset.label === label, name, { polling: 20 });

async function newProject(page, name, network) {
  await page.getByRole("button", { name: /Start a project|New project/ }).click();
  await page.getByLabel("Name of the project").fill(name);
  if (network) {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Add a network file" }).click()]);
    await chooser.setFiles(network);
    await page.locator(".network:has(input:checked)").getByText(/224 × 224/).waitFor({ timeout: 60_000 });
  } else await page.getByRole("radio", { name: /Starter/ }).check();
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("heading", { name: "Teach", exact: true }).waitFor({ timeout: 120_000 });
}

const step = (page, name) => page.getByRole("navigation", { name: "Steps" }).getByRole("link", { name }).click();

/** The whole way with one network. */
async function teach(t, page, title, network) {
  await newProject(page, title, network);
  await addClass(page, "ring");
  await addClass(page, "cross");
  await page.getByRole("button", { name: "Turn on the camera" }).click();
  await page.locator("video").waitFor();
  await waitForScene(page, false);
  await record(page, "ring");
  await waitForScene(page, true);
  const released = await record(page, "cross");
  await liveLabel(page, "cross");
  const took = Date.now() - released;
  t.diagnostic(`${title}: the live label was right ${took} ms after the last frame`);
  assert.ok(took <= liveWithin, `the live label was right after ${took} ms only`);
  await waitForScene(page, false);
  await liveLabel(page, "ring");
}

/** Trains everything for two passes; the curves must have been drawn with so many different lengths at least, the empty one included. */
async function trainMore(page, lengthsAtLeast) {
  await step(page, "Train");
  await page.getByRole("radio", { name: /Everything/ }).check();
  await page.getByLabel("Passes over the images").fill("2");
  await page.locator(".policy").filter({ hasText: "Everything" }).locator(".fact").first().waitFor();
  await page.evaluate(() => {
    globalThis.lengths = new Set();
    const look = () => globalThis.lengths.add(document.querySelector(".plot .line.fine")?.getAttribute("d").split("L").length ?? 0);
    new MutationObserver(look).observe(document.querySelector(".charts"), { childList: true, subtree: true });
    look();
  });
  await page.getByRole("button", { name: "Start training" }).click();
  await page.getByRole("button", { name: "Use this one" }).or(page.getByText("The training failed")).waitFor({ timeout: 180_000 });
  assert.ok(!await page.getByText("The training failed").isVisible(), "the training failed");
  const lengths = await page.evaluate(() => [...globalThis.lengths]);
  assert.ok(lengths.length >= lengthsAtLeast && Math.max(...lengths) > 1, `the curves did not move: ${lengths}`);
  await page.getByText("Figures of each pass").click();
  assert.equal(await page.locator(".figures tbody tr").count(), 2);
}

const titled = (page, beginning) => page.waitForFunction((words) => document.title.startsWith(words), beginning);

/** What is chosen is planned, and so is going back to what is usual. */
async function chooseAndGoBack(page) {
  await page.getByText("More options").click();
  for (const [label, key, value, sent] of [["Numbers kept in", "compress", "half", "half"], ["Memory limit", "memoryBytes", `${512 << 20}`, 512 << 20]]) {
    const planned = async (choice) => {
      const [request] = await Promise.all([page.waitForRequest((call) => call.url().endsWith("/plan")), page.getByLabel(label).selectOption(choice)]);
      return request.postDataJSON()[key];
    };
    assert.equal(await planned(value), sent);
    assert.equal(await planned(""), undefined);
  }
}

/** A longer training is paused, goes on, and is stopped. */
async function pauseAndStop(page) {
  await step(page, "Train");
  await chooseAndGoBack(page);
  await page.getByLabel("Passes over the images").fill("50");
  await page.getByRole("button", { name: "Start training" }).click();
  await page.getByText(/^Pass \d+ of 50/).waitFor();
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByText("Paused", { exact: true }).waitFor();
  await titled(page, "Train more");
  await inspect(page, "paused");
  // Whoever works by keyboard stays where they are: the button is another one now, the focus still on it.
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Resume");
  await page.keyboard.press("Enter");
  await page.getByText(/^Pass \d+ of 50/).waitFor();
  await titled(page, "\u25b6 Train more");
  await page.getByRole("link", { name: "All projects" }).click();
  await page.getByRole("heading", { name: "Projects", exact: true }).waitFor();
  await titled(page, "\u25b6 Projects");
  await page.getByRole("heading", { name: "photo" }).click();
  await page.getByRole("link", { name: /Pass \d+ of 50/ }).click();
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await page.getByRole("button", { name: "Stop training" }).click();
  await page.getByText(/^Stopped/).waitFor({ timeout: 60_000 });
  await titled(page, "Train more");
  await page.getByRole("button", { name: "Discard result" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Discard result" }).click();
  await page.getByText(/^Stopped/).waitFor({ state: "hidden" });
}

async function download(page, format) {
  const [file] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: `Download .${format}` }).click()]);
  const target = path.join(work, file.suggestedFilename());
  await file.saveAs(target);
  await page.getByText("A copy is kept").waitFor();
  return target;
}

/** A call to the program from outside of the page. */
async function call(address, method, rest, body, type, status = 200) {
  const { origin, hash } = new URL(address), headers = { "X-Thomas-Token": decodeURIComponent(hash.slice("#token=".length)) };
  if (type) headers["Content-Type"] = type;
  const response = await fetch(`${origin}/api/${rest}`, { method, body, headers });
  assert.equal(response.status, status, `${method} ${rest}`);
  return response;
}

/** What the exported file says on the command line is what the studio says, with every label and probability. */
async function compareWithCommandLine(project, file) {
  const items = await (await call(studio.address, "GET", `projects/${project}/images?class=cross&count=1`)).json();
  const image = Buffer.from(await (await call(studio.address, "GET", `projects/${project}/images/${items.items[0].id}`)).arrayBuffer());
  const picture = path.join(work, "picture.jpg");
  writeFileSync(picture, image);
  const { scores } = await (await call(studio.address, "POST", `projects/${project}/classify?top=2&which=run`, image, "image/jpeg")).json();
  const [command, ...rest] = program;
  const answer = JSON.parse(execFileSync(command, [...rest, "classify", file, picture, "--top", "2", "--json"], { encoding: "utf8" }));
  const said = answer.images[0].classes;
  assert.deepEqual(said.map(({ label }) => label), scores.map(({ label }) => label));
  scores.forEach(({ probability }, i) => assert.ok(Math.abs(probability - said[i].probability) < 1e-4, `${probability} and ${said[i].probability}`));
}

async function wholeWay(t, title, network) {
  const page = await open(t);
  // The second network shows the same screens: they are looked at again only for their images.
  const look = network && !process.env.THOMAS_STUDIO_SCREENSHOTS ? () => {} : (screen) => inspect(page, `${screen}-${title}`);
  await teach(t, page, title, network);
  await look("teach");
  await step(page, "Live");
  await page.locator(".now .bars li").first().waitFor();
  // The starter has names of its own; the shared photo network has none.
  if (!network) await page.getByRole("heading", { name: "Before you taught it" }).waitFor();
  await look("live");
  await step(page, "Results");
  await page.getByText("The true value is very likely between").first().waitFor();
  assert.equal(await page.getByText(/^100\s?%$/).filter({ visible: true }).and(page.locator(".figure")).count(), 0, "a bare 100 %");
  await look("results");
  await step(page, "Train");
  await page.locator(".fact").first().waitFor();
  await look("more");
  await trainMore(page, network ? 3 : 2);
  await look("trained");
  await page.getByRole("button", { name: "Use this one" }).click();
  await step(page, "Export");
  const file = await download(page, "onnx");
  await look("export");
  await download(page, "tflite");
  const project = /#\/p\/([^/]+)/.exec(page.url())[1];
  await compareWithCommandLine(project, file);
  await page.reload();
  await page.getByRole("heading", { name: "Export" }).waitFor();
  await step(page, "Teach");
  await page.getByRole("article", { name: "ring" }).getByText(/2\d images/).waitFor();
  if (network) await pauseAndStop(page);
  await page.getByRole("link", { name: "All projects" }).click();
  await page.getByRole("heading", { name: title }).waitFor();
  await look("projects");
}

test("what is watched for is found where it is planted, and the page cannot reach another address", async (t) => {
  const page = await open(t, { complain: false }), complaints = watch(page, studio.address);
  await page.getByRole("heading", { level: 1 }).waitFor();
  assert.deepEqual(complaints, []);
  assert.deepEqual(await seriousFindings(page), []);
  const outcome = await page.evaluate(() => fetch("http://127.0.0.1:9/").then(() => "reached", (error) => error.name));
  assert.equal(outcome, "TypeError");
  assert.match(complaints.join("\n"), /Content Security Policy/);
  await page.evaluate(() => document.querySelector("main").append(document.createElement("img"), Object.assign(document.createElement("p"), { id: "wide" })));
  await page.evaluate(() => Object.assign(document.getElementById("wide").style, { width: "2000px", height: "1px" }));
  assert.match((await seriousFindings(page)).join("\n"), /image-alt/);
  await assert.rejects(inspect(page, "planted", { images: false }), /image-alt/);
  await page.evaluate(() => document.querySelector("main img").remove());
  await assert.rejects(inspect(page, "planted", { images: false }), /wider than the window/);
});

test("a first visit offers a project", async (t) => {
  const page = await open(t);
  await page.getByRole("heading", { name: "Teach it what you see" }).waitFor();
  assert.equal(new URL(page.url()).hash, "", "the token stays in the address");
  await inspect(page, "welcome");
  await page.getByRole("button", { name: "Start a project" }).click();
  await page.getByText("For photos of things, use a photo network.").waitFor();
  await inspect(page, "new");
});

test("the starter: teach, live, results, train, export, reload", (t) => wholeWay(t, "drawn"));

test("a photo network: the same", { skip: existsSync(photoNetwork) ? false : "no shared models" }, (t) => wholeWay(t, "photo", photoNetwork));

test("files are added by choice and drop, a bad one does not stop the rest, and changes are undone", async (t) => {
  const page = await open(t, { complain: false });
  await newProject(page, "files");
  await addClass(page, "things");
  const image = await page.screenshot({ type: "png" });
  const files = [
    { name: "good.png", mimeType: "image/png", buffer: image }, { name: "bad.png", mimeType: "image/png", buffer: Buffer.from("no image") },
    { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("words") }, { name: "also.png", mimeType: "image/png", buffer: image },
  ];
  const card = page.getByRole("article", { name: "things" });
  const [chooser] = await Promise.all([page.waitForEvent("filechooser"), card.getByRole("button", { name: "Files" }).click()]);
  await chooser.setFiles(files);
  await page.getByText("1 file is not an image and was left out.").waitFor();
  await page.getByText("1 image was not added").waitFor();
  await page.getByRole("button", { name: "Show why" }).click();
  await page.getByRole("dialog").getByText("bad.png").waitFor();
  await inspect(page, "failures");
  await page.getByRole("button", { name: "OK", exact: true }).click();
  await card.getByText(/^\d images?$/).waitFor();
  const before = Number.parseInt(await card.locator(".count").textContent(), 10);
  assert.ok(before >= 1 && before <= 2);
  const transfer = await page.evaluateHandle((bytes) => {
    const data = new DataTransfer();
    data.items.add(new File([Uint8Array.from(atob(bytes), (letter) => letter.charCodeAt(0))], "dropped.jpg", { type: "image/jpeg" }));
    return data;
  }, (await page.screenshot({ type: "jpeg" })).toString("base64"));
  await card.dispatchEvent("drop", { dataTransfer: transfer });
  await card.getByText(`${before + 1} images`).waitFor();
  await page.locator("h1").click();
  await page.keyboard.press("Control+z");
  await card.getByText(before === 1 ? "1 image" : `${before} images`, { exact: true }).waitFor();
  await page.keyboard.press("Control+Shift+z");
  await card.getByText(`${before + 1} images`).waitFor();
  await page.evaluate((data) => document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true })), transfer);
  await card.getByText(`${before + 2} images`).waitFor();
  await addClass(page, "others");
  await card.getByRole("button", { name: /^All/ }).click();
  await page.getByRole("button", { name: "Image 1 of things" }).click();
  await page.getByRole("combobox", { name: "Move to another class" }).selectOption("others");
  await page.keyboard.press("Escape");
  await page.getByRole("article", { name: "others" }).getByText("1 image", { exact: true }).waitFor();
});

test("projects and classes are renamed and deleted", async (t) => {
  const page = await open(t);
  await newProject(page, "passing");
  await addClass(page, "old name");
  const menu = async (name, action) => {
    await page.getByRole("button", { name: `Actions for ${name}` }).click();
    await page.getByRole("button", { name: action }).click();
  };
  await menu("old name", "Rename class");
  await page.getByRole("textbox").fill("new name");
  await page.keyboard.press("Enter");
  await page.getByRole("article", { name: "new name" }).waitFor();
  await menu("new name", "Delete class");
  await page.getByText("“new name” is deleted.").waitFor();
  await page.getByRole("article", { name: "new name" }).waitFor({ state: "detached" });
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Teach", "the focus is lost");
  await page.getByRole("link", { name: "All projects" }).click();
  await menu("passing", "Rename project");
  await page.getByRole("textbox").fill("lasting");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "lasting" }).waitFor();
  await menu("lasting", "Delete project");
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("heading", { name: "lasting" }).waitFor();
  await menu("lasting", "Delete project");
  await inspect(page, "delete");
  await page.getByRole("button", { name: "Delete for good" }).click();
  await page.getByRole("heading", { name: "lasting" }).waitFor({ state: "detached" });
});

test("by keyboard alone, in German", async (t) => {
  const page = await open(t, { locale: "de-DE" });
  await page.getByRole("heading", { name: "Projekte" }).waitFor();
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "skip");
  await page.getByRole("button", { name: "Neues Projekt" }).focus();
  await page.keyboard.press("Enter");
  await page.getByLabel("Name des Projekts").waitFor();
  await inspect(page, "new-german");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Lehren" }).waitFor({ timeout: 120_000 });
  await page.keyboard.press("Escape");
  for (const name of ["Tasse", "Donaudampfschifffahrtsgesellschaftskapitänsmütze"]) {
    await page.getByRole("button", { name: "Neue Klasse" }).focus();
    await page.keyboard.press("Enter");
    await page.keyboard.type(name);
    await page.keyboard.press("Enter");
    await page.getByRole("article", { name }).waitFor();
  }
  await page.getByRole("button", { name: "Kamera einschalten" }).focus();
  await page.keyboard.press("Enter");
  await page.locator("video").waitFor();
  const button = page.getByRole("article", { name: "Tasse" }).getByRole("button", { name: "Gedrückt halten" });
  await button.focus();
  await page.keyboard.down("Space");
  await page.waitForTimeout(900);
  await page.keyboard.up("Space");
  await page.getByRole("article", { name: "Tasse" }).getByText(/^[3-6] Bilder$/).waitFor();
  await inspect(page, "teach-german");
});

/** Gives the two classes of a project so many images, drawn by the page. */
async function giveImages(page, project, count) {
  for (const [name, color] of [["light", "#ffffff"], ["dark", "#202020"]]) {
    for (let n = 0; n < count; n++) {
      const image = await page.evaluate(([fill, size]) => {
        const canvas = Object.assign(document.createElement("canvas"), { width: 60, height: 60 }), context = canvas.getContext("2d");
        context.fillStyle = fill;
        context.fillRect(0, 0, 60, 60);
        context.fillStyle = "#808080";
        context.fillRect(10, 10, size, size);
        return canvas.toDataURL("image/png").split(",")[1];
      }, [color, 10 + 5 * n]);
      await call(studio.address, "POST", `projects/${project}/images?class=${name}`, Buffer.from(image, "base64"), "image/png");
    }
  }
}

test("the program speaks the page's language, and the list shows a training, also to a page that was opened again", async (t) => {
  const page = await open(t, { locale: "de-DE" });
  const { id } = await (await call(studio.address, "POST", "projects", JSON.stringify({ name: "deutsch" }), "application/json")).json();
  await giveImages(page, id, 6);
  for (let head = {}; head.images !== 12 || head.isStale; await page.waitForTimeout(50)) {
    ({ head } = await (await call(studio.address, "GET", `projects/${id}`)).json());
  }
  await page.evaluate((project) => { location.hash = `#/p/${project}/results`; }, id);
  await page.getByText("Wie gemessen wurde").click();
  await page.getByText(/^2 von 12 Bildern wurden zurückgelegt/).waitFor();
  await page.getByRole("link", { name: "Vertiefen" }).click();
  await page.getByText("Die Energie ist erst bekannt").waitFor();
  assert.equal(await page.locator("main [lang=en]").count(), 0, "English sentences in the German page");
  await call(studio.address, "POST", `projects/${id}/runs`, JSON.stringify({ policy: "all", epochs: 1000, batch: 4 }), "application/json", 202);
  await page.getByRole("link", { name: "Alle Projekte" }).click();
  const card = page.locator(".project").filter({ hasText: "deutsch" });
  await card.getByText(/^Training (läuft|wird vorbereitet)$/).waitFor();
  await page.reload();
  await card.getByText(/^Training (läuft|wird vorbereitet)$/).waitFor();
  await titled(page, "\u25b6 Projekte");
  await call(studio.address, "POST", `projects/${id}/run/stop`);
  await card.getByText(/^Training/).waitFor({ state: "hidden" });
  await titled(page, "Projekte");
});

test("in the phone's program, exported files are handed to it", async (t) => {
  const context = await browser.newContext({ viewport: phone, locale: "en-GB", userAgent: "Mozilla/5.0 (Linux; Android 14) Chrome/130 ThomasShell/1" });
  t.after(() => context.close());
  const page = await context.newPage(), protocol = await context.newCDPSession(page), asked = [];
  await protocol.send("Page.enable");
  protocol.on("Page.frameRequestedNavigation", ({ url }) => asked.push(url));
  await page.goto(studio.address);
  await newProject(page, "for the phone");
  const project = /#\/p\/([^/]+)/.exec(page.url())[1];
  await giveImages(page, project, 2);
  await page.getByText("4 images learned").first().waitFor();
  await step(page, "Export");
  await page.getByRole("button", { name: "Download .tflite" }).click();
  await page.getByText(/is ready\./).waitFor();
  assert.equal(await page.getByText("A copy is kept").count(), 0);
  assert.match(asked.at(-1), new RegExp(`^thomas://save/${project}/[^/]+\\.tflite$`));
});

test("without the token it says how to get in", async (t) => {
  const address = studio.address.replace(/#.*/, "");
  const page = await open(t, { address });
  await page.getByRole("heading", { name: "Open Thomas with its address" }).waitFor();
  await inspect(page, "token");
  await page.getByLabel("Address or token").fill(studio.address);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Projects", exact: true }).waitFor();
});

test("a refused camera is explained", async (t) => {
  const context = await browser.newContext({ viewport: phone, locale: "en-GB" });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.addInitScript(() => {
    navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException("no", "NotAllowedError"));
  });
  await page.goto(studio.address);
  await newProject(page, "refused");
  await page.getByRole("button", { name: "Turn on the camera" }).click();
  await page.getByText("The camera is not allowed.").waitFor();
  await inspect(page, "camera-refused");
});

test("the end of the program and its return are noticed", async (t) => {
  const own = await startStudio(path.join(work, "other"));
  t.after(() => own.stop());
  const page = await open(t, { address: own.address, complain: false });
  await page.getByRole("heading", { name: "Teach it what you see" }).waitFor();
  await page.waitForTimeout(500);
  await own.stop();
  await page.getByText(/Thomas has been closed|The connection to Thomas is lost/).waitFor();
  await inspect(page, "closed");
});
