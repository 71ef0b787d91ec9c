/* Hospitals on the map. */

import { el, plural, svg } from "./elements.js";
import { showOffers } from "./offers.js";
import { ask, guarded } from "./server.js";
import { runQuery } from "./session.js";

export function buildMap(panel) {
  async function show() {
    await guarded(async () => panel.replaceChildren(...drawMap(await ask("places", runQuery()))));
  }
  return { show };
}

function drawMap({ hospitals, without }) {
  if (!hospitals.length) return [el("p", { className: "soft", textContent: "This instance has no coordinates of hospitals." })];
  const width = 960, margin = 46;
  const middle = hospitals.reduce((sum, each) => sum + each.latitude, 0) / hospitals.length;
  const squeeze = Math.max(0.1, Math.cos((middle * Math.PI) / 180));
  const [x0, x1] = span(hospitals.map((each) => each.longitude)), [y0, y1] = span(hospitals.map((each) => each.latitude));
  const scale = Math.min((width - 2 * margin) / ((x1 - x0) * squeeze), (560 - 2 * margin) / (y1 - y0));
  const height = Math.max(240, (y1 - y0) * scale + 2 * margin);
  const across = width / 2 - ((x0 + x1) / 2) * squeeze * scale;
  const x = (longitude) => longitude * squeeze * scale + across;
  const y = (latitude) => margin + (y1 - latitude) * scale;
  const picture = svg("svg", { class: "map", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": "Map of hospitals" });
  for (const degree of ticks((0 - across) / (squeeze * scale), (width - across) / (squeeze * scale))) {
    picture.append(svg("line", { x1: x(degree), x2: x(degree), y1: 0, y2: height }), label(x(degree) + 3, height - 5, `${degree}° E`, "degree"));
  }
  for (const degree of ticks(y1 - (height - margin) / scale, y1 + margin / scale)) {
    picture.append(svg("line", { x1: 0, x2: width, y1: y(degree), y2: y(degree) }), label(4, y(degree) - 4, `${degree}° N`, "degree"));
  }
  const most = Math.max(1, ...hospitals.map((each) => each.cases));
  const largest = hospitals.length > 200 ? 12 : 26;
  const named = [];
  for (const each of [...hospitals].sort((a, b) => b.cases - a.cases)) {
    const radius = each.cases ? Math.max(4, largest * Math.sqrt(each.cases / most)) : 4;
    const words = `${each.name}: ${plural(each.mandates, "mandate")}, ${plural(each.cases, "case")}`;
    const circle = svg("circle", { cx: x(each.longitude), cy: y(each.latitude), r: radius, class: each.cases ? "" : "none", role: "button", tabindex: hospitals.length > 60 ? -1 : 0, "aria-label": words }, svg("title"));
    circle.firstChild.textContent = words;
    circle.addEventListener("click", () => showOffers({ hospital: each.hospital }));
    circle.addEventListener("keydown", (event) => { if (event.key === "Enter" || event.key === " ") { event.preventDefault(); showOffers({ hospital: each.hospital }); } });
    picture.append(circle);
    const box = { x: x(each.longitude) + radius + 4, y: y(each.latitude) + 4, w: Math.min(each.name.length, 34) * 6.6 };
    if (box.x + box.w > width) box.x = x(each.longitude) - radius - 4 - box.w;
    if (named.length < 30 && !named.some((other) => Math.abs(other.y - box.y) < 14 && box.x < other.x + other.w && other.x < box.x + box.w)) named.push({ ...box, text: each.name });
  }
  for (const box of named) picture.append(label(box.x, box.y, box.text.length > 34 ? `${box.text.slice(0, 33)}…` : box.text, ""));
  const missing = without ? ` ${plural(without, "hospital")} without coordinates.` : "";
  return [picture, el("p", { className: "soft", textContent: `Area of a circle: cases; an empty one has no mandate. A click shows the hospital's offers.${missing}` })];
}

function label(x, y, text, kind) {
  const node = svg("text", { x, y, class: kind, "aria-hidden": "true" });
  node.textContent = text;
  return node;
}

function span(values) {
  const low = Math.min(...values), high = Math.max(...values);
  const room = Math.max(0.02, 0.04 * (high - low));
  return [low - room, high + room];
}

function ticks(low, high) {
  const step = [0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50].find((each) => (high - low) / each <= 8) || 90;
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high; at++) found.push(Number((at * step).toFixed(2)));
  return found;
}
