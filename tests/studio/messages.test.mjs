// The words of the page: the same keys and places in every language, every key that is used exists, and none is left over.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import test from "node:test";
import { fileURLToPath } from "node:url";

const page = path.join(path.dirname(fileURLToPath(import.meta.url)), "../../src/Thomas.Studio/wwwroot");
const read = (name) => readFileSync(path.join(page, name), "utf8");
const languages = Object.fromEntries(readdirSync(path.join(page, "messages")).map((file) => [path.parse(file).name, JSON.parse(read(`messages/${file}`))]));
const scripts = readdirSync(path.join(page, "script"), { recursive: true }).filter((name) => name.endsWith(".js"));
const source = scripts.map((name) => read(`script/${name}`)).join("\n");
const places = (words) => [...words.matchAll(/\{(\w+)\}/g)].map(([, name]) => name).sort();

/** A key without the form of the plural. */
const base = (key) => key.replace(/\.(one|few|many|other)$/, "");

test("every language has the same keys with the same places", () => {
  const { en } = languages;
  assert.ok(Object.keys(en).length > 100);
  for (const [name, words] of Object.entries(languages)) {
    assert.deepEqual(Object.keys(words).sort(), Object.keys(en).sort(), name);
    for (const key of Object.keys(en)) {
      assert.deepEqual(places(words[key]), places(en[key]), `${name}: ${key}`);
      assert.notEqual(words[key].trim(), "", `${name}: ${key}`);
    }
  }
});

test("the page offers every language", () => {
  const offered = /export const languages = \{([^}]*)\}/.exec(source)[1];
  for (const name of Object.keys(languages)) assert.match(offered, new RegExp(`\\b${name}:`));
});

test("every key that is used exists, and every key is used", () => {
  const known = new Set(Object.keys(languages.en).map(base));
  // Keys stand in quotes; those with a variable end are template strings with the beginning of a key.
  const quoted = [...source.matchAll(/"([a-z][A-Za-z0-9]*(?:\.[A-Za-z0-9]+)+|loading)"/g)].map(([, key]) => key);
  const direct = [...source.matchAll(/\bt\((?:[^"`()]*\? )?"([^"]+)"(?: : "([^"]+)")?/g)].flatMap(([, a, b]) => b ? [a, b] : [a]);
  const begun = [...source.matchAll(/`([a-z][A-Za-z]*\.)(?:[A-Za-z]+\.)*\$\{/g)].map(([, beginning]) => beginning);
  assert.ok(direct.length > 100);
  for (const key of direct) assert.ok(known.has(key), `no words for ${key}`);
  for (const key of known) {
    const isUsed = quoted.includes(key) || begun.some((beginning) => key.startsWith(beginning)) || (key.endsWith("Help") && quoted.includes(key.slice(0, -4)));
    assert.ok(isUsed, `${key} is not used`);
  }
  for (const [, beginning] of source.matchAll(/\bt\((?:[^"`()]*\? )?`([a-z][A-Za-z.]*\.)\$\{/g)) {
    assert.ok([...known].some((key) => key.startsWith(beginning)), `no words begin with ${beginning}`);
  }
});

test("the drawings that are named exist", () => {
  const drawings = new Set([...read("icons/symbols.svg").matchAll(/id="i-([\w-]+)"/g)].map(([, name]) => name));
  const named = [...source.matchAll(/(?:\bicon\(|iconButton\(|symbol: )"([\w-]+)"/g)].map(([, name]) => name);
  assert.ok(named.length > 20);
  for (const name of named) assert.ok(drawings.has(name), name);
  for (const name of drawings) assert.match(source, new RegExp(`"${name}"`), name);
});

test("the page holds no inline script or style and names no other address", () => {
  const html = read("index.html");
  assert.doesNotMatch(html, /\sstyle=|\son\w+=|<style|<script(?![^>]*\bsrc=)/);
  for (const name of ["index.html", "manifest.webmanifest", "icons/app.svg", "icons/symbols.svg", "style/base.css", "style/layout.css", "style/screens.css",
    ...scripts.map((script) => `script/${script}`)]) {
    const foreign = (read(name).match(/https?:\/\/[^\s"'`<)]+/g) ?? []).filter((address) => !/www\.w3\.org|127\.0\.0\.1/.test(address));
    assert.deepEqual(foreign, [], name);
  }
});
