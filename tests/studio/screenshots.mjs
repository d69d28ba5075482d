// Makes the images of docs/studio.md: the studio taught with handwritten letters, which the program has drawn itself.
//
//   THOMAS_STUDIO_PROGRAM=path/to/thomas THOMAS_STUDIO_MODULES=node_modules node tests/studio/screenshots.mjs FOLDER
import { mkdirSync, readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { phone, startBrowser, startStudio, work } from "./harness.mjs";

const drawn = path.join(path.dirname(fileURLToPath(import.meta.url)), "../static"), folder = process.argv[2];
mkdirSync(folder, { recursive: true });
const [browser, studio] = await Promise.all([startBrowser(), startStudio(path.join(work, "studio"))]);
try {
  const { origin, hash } = new URL(studio.address), headers = { "X-Thomas-Token": hash.slice("#token=".length) };
  const post = async (name, body) => (await fetch(`${origin}/api/${name}`, { method: "POST", headers, body })).json();
  const { id } = await post("projects", JSON.stringify({ name: "Letters" }));
  for (const letter of ["A", "B"]) {
    for (const file of readdirSync(path.join(drawn, "letters", letter)).sort()) {
      await post(`projects/${id}/images?class=${letter}`, readFileSync(path.join(drawn, "letters", letter, file)));
    }
  }
  const page = await (await browser.newContext({ viewport: phone, locale: "en-GB" })).newPage();
  const shoot = (name) => page.screenshot({ path: path.join(folder, `${name}.png`) });
  await page.goto(studio.address);
  await page.evaluate((project) => { location.hash = `#/p/${project}/teach`; }, id);
  await page.getByText("8 images learned").first().waitFor();
  await page.locator(".strip canvas").nth(3).waitFor();
  await page.locator("article").first().evaluate((element) => element.scrollIntoView({ block: "center" }));
  await page.waitForTimeout(1000);
  await shoot("studio-teach");
  await page.emulateMedia({ colorScheme: "dark" });
  await page.getByRole("navigation", { name: "Steps" }).getByRole("link", { name: "Live" }).click();
  // Several times: the time that is shown is to be that of a program that has warmed up.
  for (let i = 0; i < 5; i++) {
    const [chooser] = await Promise.all([page.waitForEvent("filechooser"), page.getByRole("button", { name: "Choose an image" }).click()]);
    await chooser.setFiles(path.join(drawn, "A.png"));
    await page.locator(".says[data-label=A]").first().waitFor();
    await page.waitForTimeout(500);
  }

  await shoot("studio-live");
} finally {
  await browser.close();
  await studio.stop();
}
