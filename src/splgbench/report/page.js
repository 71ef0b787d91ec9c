/* Filters, sorting and the view kept in the address; figures are drawn when they come into sight. */
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const PAGE_ROWS = 50;
const LONG = 32;
const HUGE = 1e15;
const VIEW = {
  family: "", text: "", capacity: "", without: "", least: "", most: "", method: "", status: "", instance: "",
  isort: "offers", ipage: "0", rsort: "instance", rpage: "0",
};
const STANDARD = { ...VIEW };
const RUNS = DATA.runs.rows.map((row) => Object.fromEntries(DATA.runs.columns.map((name, i) => [name, row[i]])));
const INSTANCES = DATA.instances;
RUNS.forEach((run) => { run.home = INSTANCES[run.at]; run.instance = run.home.instance; run.offers = run.home.offers; });

const byId = (id) => document.getElementById(id);

function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/* The address */

function readAddress() {
  const given = new URLSearchParams(location.hash.startsWith("#?") ? location.hash.slice(2) : "");
  for (const [key, standard] of Object.entries(STANDARD)) {
    VIEW[key] = given.has(key) && accepts(key, given.get(key)) ? given.get(key) : standard;
  }
}

/* Whether the page can show a value that stands in an address: anything may stand there. */
function accepts(key, value) {
  const sorts = { isort: DATA.instanceColumns, rsort: DATA.runColumns };
  if (key in sorts) return sorts[key].some((column) => column.key === value.replace(/^-/, ""));
  if (key === "ipage" || key === "rpage") return /^\d{1,9}$/.test(value);
  if (key === "instance") return /^\d{1,9}$/.test(value) && Number(value) < INSTANCES.length;
  const input = document.querySelector(`[data-view="${key}"]`);
  if (input.tagName === "SELECT") return [...input.options].some((option) => option.value === value);
  return input.type !== "number" || (value.trim() !== "" && Number.isFinite(Number(value)));
}

function writeAddress() {
  const kept = Object.entries(VIEW).filter(([key, value]) => value !== "" && value !== STANDARD[key]);
  const text = new URLSearchParams(kept).toString();
  history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
}

/* Figures */

const drawn = new Set();
const PAPER = { width: 680, height: 340 };
const NARROW = 640;
const SVG = "http://www.w3.org/2000/svg";
const DASHES = { dash: "6 3", dot: "2 2", dashdot: "6 2 2 2", longdash: "10 3", longdashdot: "9 2 2 2" };
const SHAPES = {
  circle: "M11 6a4 4 0 1 0 8 0a4 4 0 1 0-8 0",
  square: "M11.5 2.5h7v7h-7z",
  diamond: "M15 1l5 5l-5 5l-5-5z",
  "triangle-up": "M15 1.5l4.5 8h-9z",
  "triangle-down": "M15 10.5l4.5-8h-9z",
  x: "M11.5 2.5l7 7M18.5 2.5l-7 7",
  cross: "M15 1.5v9M10.5 6h9",
  star: "M15 .8l1.4 3.4l3.6.3l-2.7 2.4l.8 3.6l-3.1-1.9l-3.1 1.9l.8-3.6l-2.7-2.4l3.6-.3z",
};

/* Text that Plotly shows as it is. */
const plain = (text) => text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");

/* A name that fits beside an axis: beginning and end. */
function shortened(name) {
  const most = DATA.longestTitle;
  const end = Math.floor(most / 2);
  return name.length <= most ? name : name.slice(0, most - end - 1) + "\u2026" + name.slice(-end);
}

function drawing(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

function sample(trace) {
  const parts = [];
  if (trace.line) {
    const dash = DASHES[trace.line.dash] ?? "none";
    parts.push(drawing("path", { d: "M0 6h30", stroke: trace.line.color, "stroke-width": 2, "stroke-dasharray": dash }));
  }
  if (trace.marker) {
    const { color, symbol } = trace.marker;
    const look = symbol === "x" || symbol === "cross" ? { stroke: color, "stroke-width": 2.5 } : { fill: color };
    parts.push(drawing("path", { d: SHAPES[symbol], ...look }));
  }
  return drawing("svg", { width: 30, height: 12, fill: "none", "aria-hidden": "true" }, ...parts);
}

/* The legend: every name in full, however many there are; a click hides a method and shows it again. */
function legend(place, spec) {
  const named = spec.data.filter((trace) => trace.showlegend);
  const toggle = (button, group) => {
    const visible = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", String(visible));
    Plotly.restyle(place, { visible }, spec.data.flatMap((trace, i) => trace.legendgroup === group ? [i] : []));
  };
  const buttons = named.map((trace) => element("button", {
    type: "button", "aria-pressed": "true", onclick: (event) => toggle(event.currentTarget, trace.legendgroup),
  }, sample(trace), element("span", {}, trace.legendgroup)));
  return element("div", { class: "legend" }, ...buttons);
}

function plot(place, spec) {
  drawn.add(place);
  place.before(legend(place, spec));
  spec.layout.showlegend = false;
  spec.layout.font.size = place.clientWidth < NARROW ? 11 : 13;
  Plotly.newPlot(place, spec.data, spec.layout, DATA.config);
}

function draw(place) {
  if (!drawn.has(place)) plot(place, DATA.charts[place.dataset.chart]);
}

const whenSeen = new IntersectionObserver(
  (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => draw(entry.target)),
  { rootMargin: "300px" },
);

function drawScatter(number) {
  const board = DATA.rankings[number];
  const place = document.querySelector(`[data-chart="scatter-${number}"]`);
  const names = ["x", "y"].map((axis) => VIEW[axis + number]);
  const tasks = board.tasks.map((_, i) => i).filter((i) => keeps(INSTANCES[board.tasks[i]]));
  const spec = DATA.charts[place.dataset.chart];
  const points = spec.data[spec.data.length - 1];
  points.x = tasks.map((i) => board.seconds[names[0]][i]);
  points.y = tasks.map((i) => board.seconds[names[1]][i]);
  points.text = tasks.map((i) => plain(INSTANCES[board.tasks[i]].instance));
  spec.layout.xaxis.title.text = plain("seconds, " + shortened(names[0]));
  spec.layout.yaxis.title.text = plain("seconds, " + shortened(names[1]));
  if (drawn.has(place)) Plotly.react(place, spec.data, spec.layout, DATA.config);
}

/* Filters */

function keeps(instance) {
  const text = VIEW.text.toLowerCase();
  return (!VIEW.family || instance.family === VIEW.family)
    && (!VIEW.capacity || instance.capacity_mode === VIEW.capacity)
    && (!VIEW.without || (instance.without || "none") === VIEW.without)
    && (!VIEW.least || instance.offers >= Number(VIEW.least))
    && (!VIEW.most || instance.offers <= Number(VIEW.most))
    && (!text || instance.instance.toLowerCase().includes(text));
}

function keepsRun(run) {
  return keeps(run.home) && (!VIEW.method || run.method === VIEW.method) && (!VIEW.status || run.status === VIEW.status);
}

function sorted(rows, order) {
  const falling = order.startsWith("-");
  const key = falling ? order.slice(1) : order;
  const sign = falling ? -1 : 1;
  return rows.slice().sort((a, b) => {
    const [x, y] = [a[key], b[key]];
    if (x === y || (x == null && y == null)) return 0;
    if (x == null) return 1;
    if (y == null) return -1;
    return sign * (typeof x === "string" ? x.localeCompare(y, undefined, { numeric: true }) : x - y);
  });
}

/* Tables */

const FORMS = {
  text: (value) => value,
  whole: (value) => Math.abs(value) < HUGE ? Math.round(value).toLocaleString("en") : value.toExponential(3),
  seconds: (value) => Math.abs(value) < HUGE ? value.toFixed(2) : value.toExponential(3),
  percent: (value) => (Math.abs(value) < 1e7
    ? (100 * value).toLocaleString("en", { maximumSignificantDigits: 3 }) : (100 * value).toExponential(1)) + " %",
};

const alignment = (column) => column.form === "text" ? null : "n";

/* What scrolls sideways where the page is narrow, also by the keyboard. */
const scrolled = (label, child) => element("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, child);

function cell(column, row) {
  const value = row[column.key];
  const long = column.form === "text" && column.key !== "log" && String(value ?? "").length > LONG;
  const made = element("td", { class: long ? "wide" : alignment(column) });
  if (column.key === "instance") {
    made.append(element("button", { class: "rowlink", type: "button", onclick: () => open_(row.home ?? row) }, value));
  } else if (column.key === "log") {
    if (value) made.append(element("a", { href: value }, "log"));
  } else {
    made.append(value == null || value === "" ? "-" : FORMS[column.form](value));
  }
  return made;
}

function fill(place, columns, rows, sortKey, pageKey) {
  const pages = Math.max(1, Math.ceil(rows.length / PAGE_ROWS));
  const page = Math.min(Math.max(Number(VIEW[pageKey]) || 0, 0), pages - 1);
  const order = VIEW[sortKey];
  const head = element("tr");
  for (const column of columns) {
    const direction = order === column.key ? "ascending" : order === "-" + column.key ? "descending" : null;
    const sort = () => set({ [sortKey]: direction === "ascending" ? "-" + column.key : column.key, [pageKey]: "0" });
    head.append(element("th", { scope: "col", "aria-sort": direction, class: alignment(column) },
      element("button", { type: "button", onclick: sort }, column.title)));
  }
  const body = element("tbody");
  for (const row of sorted(rows, order).slice(page * PAGE_ROWS, (page + 1) * PAGE_ROWS)) {
    body.append(element("tr", {}, ...columns.map((column) => cell(column, row))));
  }
  const turn = (by, title) => element("button", {
    type: "button", onclick: () => set({ [pageKey]: String(page + by) }),
    ...(page + by < 0 || page + by >= pages ? { disabled: "" } : {}),
  }, title);
  place.replaceChildren(
    scrolled(place.dataset.label, element("table", {}, element("thead", {}, head), body)),
    element("div", { class: "pages" }, turn(-1, "previous"),
      element("span", { class: "count" }, `${rows.length} rows, page ${page + 1} of ${pages}`), turn(1, "next")),
  );
}

/* One instance */

function open_(instance) {
  set({ instance: String(INSTANCES.indexOf(instance)) });
  byId("detail").scrollIntoView();
}

function detail() {
  const place = byId("detail");
  const number = VIEW.instance;
  if (place.dataset.shown === number) return;
  place.dataset.shown = number;
  const old = place.querySelector(".chart");
  if (old) { drawn.delete(old); Plotly.purge(old); }
  place.replaceChildren();
  const instance = INSTANCES[number];
  if (number === "" || !instance) return;
  const features = scrolled("Features", element("table", {}, element("tbody", {},
    ...DATA.features.map((column) => element("tr", {},
      element("th", { scope: "row" }, column.title), cell(column, instance))))));
  place.append(
    element("h3", {}, instance.instance, " ",
      element("button", { class: "rowlink", type: "button", onclick: () => set({ instance: "" }) }, "close")),
    features);
  const mine = RUNS.filter((run) => run.home === instance);
  const columns = DATA.runColumns.filter((column) => column.key !== "instance" && column.key !== "offers");
  const body = sorted(mine, "method").map((run) => element("tr", {}, ...columns.map((column) => cell(column, run))));
  const head = columns.map((column) => element("th", { scope: "col", class: alignment(column) }, column.title));
  place.append(scrolled("Runs of the instance", element("table", {},
    element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...body))));
  if (instance.trace) {
    const chart = element("div", { class: "chart", "data-trace": number, role: "img", "aria-label": "Bounds over time" });
    place.append(element("figure", {}, chart, element("figcaption", {}, DATA.traceCaption)));
    plot(chart, instance.trace);
  }
}

/* The view */

function set(change) {
  Object.assign(VIEW, change);
  show();
  writeAddress();
}

function show() {
  for (const input of document.querySelectorAll("[data-view]")) {
    if (input.value !== VIEW[input.dataset.view]) input.value = VIEW[input.dataset.view];
  }
  fill(byId("instances-table"), DATA.instanceColumns, INSTANCES.filter(keeps), "isort", "ipage");
  fill(byId("runs-table"), DATA.runColumns, RUNS.filter(keepsRun), "rsort", "rpage");
  Object.keys(DATA.rankings).forEach(drawScatter);
  detail();
}

Object.entries(DATA.rankings).forEach(([number, board]) => {
  STANDARD["x" + number] = board.methods[0];
  STANDARD["y" + number] = board.methods[1];
});
for (const input of document.querySelectorAll("[data-view]")) {
  input.addEventListener(input.tagName === "SELECT" ? "change" : "input",
    () => set({ [input.dataset.view]: input.value, ipage: "0", rpage: "0" }));
}
byId("reset").addEventListener("click", () => set({ ...STANDARD }));
window.addEventListener("hashchange", () => { if (location.hash.startsWith("#?")) { readAddress(); show(); } });
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("[data-chart]").forEach(draw);
  drawn.forEach((place) => Plotly.relayout(place, { autosize: false, ...PAPER }));
});
window.addEventListener("afterprint", () => {
  drawn.forEach((place) => Plotly.relayout(place, { autosize: true, width: null, height: null }));
});
readAddress();
show();
document.querySelectorAll("[data-chart]").forEach((place) => whenSeen.observe(place));
document.body.dataset.ready = "yes";
