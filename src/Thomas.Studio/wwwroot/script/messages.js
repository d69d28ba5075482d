// The words of the page, from messages/LANGUAGE.json, and numbers, sizes and times as the language writes them.

export const languages = { en: "English", de: "Deutsch" };

let language = "en", words = {}, plural = new Intl.PluralRules("en");

/** The language in use. */
export const currentLanguage = () => language;

/** The language that was chosen before, else the first of the browser's that there is. */
export function preferredLanguage() {
  const chosen = localStorage.getItem("thomas.language");
  if (chosen in languages) return chosen;
  return (navigator.languages ?? [navigator.language]).map((name) => name.slice(0, 2).toLowerCase()).find((name) => name in languages) ?? "en";
}

export async function loadMessages(name) {
  const response = await fetch(`messages/${name}.json`);
  words = await response.json();
  language = name;
  plural = new Intl.PluralRules(name);
  document.documentElement.lang = name;
}

/** Whether there are words for it. */
export const has = (key) => key in words || `${key}.other` in words;

/**
 * The words of a key, with {names} replaced. With a number n the form of the plural is chosen: key.one or key.other.
 */
export function t(key, values = {}) {
  let found = words[key];
  if (found === undefined && typeof values.n === "number") found = words[`${key}.${plural.select(values.n)}`] ?? words[`${key}.other`];
  if (found === undefined) {
    console.error(`no words for ${key}`);
    return key;
  }
  return found.replace(/\{(\w+)\}/g, (whole, name) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? number(value) : value;
  });
}

export const number = (value, digits = 0) => new Intl.NumberFormat(language, { maximumFractionDigits: digits }).format(value);

/** 0.934 as 93 %. Below one percent and above 99 nothing is rounded to none or all. */
export function percent(value) {
  const rounded = Math.round(value * 100);
  const digits = value > 0 && value < 1 && (rounded === 0 || rounded === 100) ? 1 : 0;
  const kept = value > 0 && value < 1 ? Math.min(0.999, Math.max(0.001, value)) : value;
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: digits }).format(kept);
}

const units = ["byte", "kilobyte", "megabyte", "gigabyte"];

/** A size in bytes, in steps of 1024. */
export function bytes(value) {
  let step = 0;
  while (value >= 1024 && step < units.length - 1) {
    value /= 1024;
    step++;
  }
  const options = { style: "unit", unit: units[step], unitDisplay: step === 0 ? "long" : "short", maximumFractionDigits: value < 10 && step > 0 ? 1 : 0 };
  return new Intl.NumberFormat(language, options).format(value);
}

const unit = (value, name, digits = 0) =>
  new Intl.NumberFormat(language, { style: "unit", unit: name, unitDisplay: "short", maximumFractionDigits: digits }).format(value);

/** A duration in seconds, with two units at most. */
export function duration(seconds) {
  if (seconds < 1) return t("time.underSecond");
  if (seconds < 60) return unit(Math.round(seconds), "second");
  const minutes = Math.round(seconds / 60);
  if (seconds < 600 && seconds % 60 >= 1) return `${unit(Math.floor(seconds / 60), "minute")} ${unit(Math.floor(seconds % 60), "second")}`;
  if (minutes < 60) return unit(minutes, "minute");
  const hours = Math.floor(minutes / 60);
  return minutes % 60 === 0 ? unit(hours, "hour") : `${unit(hours, "hour")} ${unit(minutes % 60, "minute")}`;
}

/** An energy in joules. */
export const energy = (joules) => joules >= 10_000 ? `${number(joules / 1000)} kJ` : joules >= 1000 ? `${number(joules / 1000, 1)} kJ` : `${number(joules)} J`;

const spans = [["year", 31_536_000], ["month", 2_592_000], ["day", 86_400], ["hour", 3600], ["minute", 60]];

/** How long ago a moment was. */
export function ago(moment) {
  const seconds = (Date.now() - new Date(moment).getTime()) / 1000;
  const format = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
  const span = spans.find(([, length]) => seconds >= length);
  return span ? format.format(-Math.floor(seconds / span[1]), span[0]) : t("time.now");
}
