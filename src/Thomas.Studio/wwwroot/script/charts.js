// A line chart as SVG. Lines differ by dashes and marks, not by colour alone; the same figures stand in a table next to it.
import { fill, h, s } from "./dom.js";

const height = 200, left = 46, right = 12, top = 12, bottom = 26, lines = 4;

/**
 * A chart with a title. update({ series, xMax, describe, formatX, formatY, yMin, yMax }) draws it again; a series is { name, kind, points: [[x, y], ...] } with
 * kind "fine", "solid" or "dashed".
 */
export function lineChart(title) {
  const picture = h("div.plot"), legend = h("ul.legend");
  const figure = h("figure.chart", h("figcaption", title), picture, legend);
  let content = null, width = 0;
  const draw = () => content && width > 0 && fill(picture, drawing(title, content, width));
  const watcher = new ResizeObserver(([entry]) => {
    const now = Math.floor(entry.contentRect.width);
    if (now === width) return;
    width = now;
    draw();
  });
  watcher.observe(picture);
  figure.dispose = () => watcher.disconnect();
  figure.update = (next) => {
    content = next;
    const names = next.series.filter(({ points }) => points.length > 0);
    fill(legend, names.map(({ name, kind }) => h("li", sample(kind), name)));
    draw();
  };
  return figure;
}

function sample(kind) {
  return s("svg", { width: 28, height: 12, "aria-hidden": "true" },
    s("path", { d: "M1 6H27", class: `line ${kind}` }), kind === "fine" ? null : mark(kind, 14, 6));
}

function mark(kind, x, y) {
  return kind === "dashed"
    ? s("rect", { x: x - 3, y: y - 3, width: 6, height: 6, class: `mark ${kind}` })
    : s("circle", { cx: x, cy: y, r: 3.2, class: `mark ${kind}` });
}

function drawing(title, { series, xMax, describe, formatX, formatY, yMin, yMax }, width) {
  const values = series.flatMap(({ points }) => points.map(([, y]) => y)).filter(Number.isFinite);
  const [low, high, step] = scale(yMin ?? Math.min(...values, Infinity), yMax ?? Math.max(...values, -Infinity));
  const x = (value) => left + (width - left - right) * (xMax > 0 ? value / xMax : 0);
  const y = (value) => top + (height - top - bottom) * (1 - (value - low) / (high - low));
  const chart = s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": describe ? `${title}. ${describe}` : title });
  for (let value = low; value <= high + step / 2; value += step) {
    chart.append(s("path", { d: `M${left} ${y(value)}H${width - right}`, class: "grid" }),
      s("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, formatY(value)));
  }
  for (const value of ticks(xMax, width)) chart.append(s("text", { x: x(value), y: height - 7, "text-anchor": "middle" }, formatX(value)));
  for (const { points, kind } of series) {
    const good = points.filter(([, value]) => Number.isFinite(value));
    if (good.length === 0) continue;
    chart.append(s("path", { d: `M${good.map(([a, b]) => `${x(a).toFixed(1)} ${y(b).toFixed(1)}`).join("L")}`, class: `line ${kind}` }));
    if (kind !== "fine") chart.append(...good.map(([a, b]) => mark(kind, x(a), y(b))));
  }
  return chart;
}

/** Round numbers around what is to be shown: lowest, highest, step. */
function scale(low, high) {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return [0, 1, 0.25];
  if (high - low < 1e-6) [low, high] = [low - 0.5 * Math.abs(low || 1), high + 0.5 * Math.abs(high || 1)];
  const rough = (high - low) / lines, power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 2.5, 5, 10].map((factor) => factor * power).find((size) => size >= rough - 1e-12);
  return [Math.floor(low / step + 1e-9) * step, Math.ceil(high / step - 1e-9) * step, step];
}

function ticks(xMax, width) {
  const most = Math.max(2, Math.floor(width / 70)), step = [1, 2, 5, 10, 20, 25, 50, 100].find((size) => size * most >= xMax) ?? Math.ceil(xMax / most);
  const values = [];
  for (let value = 0; value <= xMax; value += step) values.push(value);
  return values;
}
