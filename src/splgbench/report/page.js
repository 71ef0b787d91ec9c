/* Filters, sorting and the view kept in the address; figures are drawn when they come into sight. */
"use strict";

const DATA = JSON.parse(document.getElementById("data").textContent);
const PAGE_ROWS = 50;
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
  Object.assign(VIEW, STANDARD);
  for (const [key, value] of given) VIEW[key] = value;
}

function writeAddress() {
  const kept = Object.entries(VIEW).filter(([key, value]) => value !== "" && value !== STANDARD[key]);
  const text = new URLSearchParams(kept).toString();
  history.replaceState(null, "", text ? "#?" + text : location.pathname + location.search);
}

/* Figures */

const drawn = new Set();

function draw(place) {
  if (drawn.has(place)) return;
  drawn.add(place);
  const spec = DATA.charts[place.dataset.chart];
  Plotly.newPlot(place, spec.data, spec.layout, DATA.config);
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
  points.text = tasks.map((i) => INSTANCES[board.tasks[i]].instance);
  spec.layout.xaxis.title.text = "seconds, " + names[0];
  spec.layout.yaxis.title.text = "seconds, " + names[1];
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
  whole: (value) => Math.round(value).toLocaleString("en"),
  seconds: (value) => value.toFixed(2),
  percent: (value) => (100 * value).toLocaleString("en", { maximumSignificantDigits: 3 }) + " %",
};

function cell(column, row) {
  const value = row[column.key];
  const made = element("td", { class: column.form === "text" ? column.key === "message" ? "wide" : null : "n" });
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
    head.append(element("th", { scope: "col", "aria-sort": direction, class: column.form === "text" ? null : "n" },
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
    element("div", { class: "scroll" }, element("table", {}, element("thead", {}, head), body)),
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
  const features = element("div", { class: "scroll" }, element("table", {}, element("tbody", {},
    ...DATA.features.map(([key, title]) => element("tr", {},
      element("th", { scope: "row" }, title), element("td", {}, String(instance[key] ?? "-")))))));
  const runs = element("div");
  place.append(
    element("h3", {}, instance.instance, " ",
      element("button", { class: "rowlink", type: "button", onclick: () => set({ instance: "" }) }, "close")),
    features, runs);
  const mine = RUNS.filter((run) => run.home === instance);
  const columns = DATA.runColumns.filter((column) => column.key !== "instance" && column.key !== "offers");
  const body = sorted(mine, "method").map((run) => element("tr", {}, ...columns.map((column) => cell(column, run))));
  runs.append(element("div", { class: "scroll" }, element("table", {},
    element("thead", {}, element("tr", {}, ...columns.map((column) => element("th", { scope: "col" }, column.title)))),
    element("tbody", {}, ...body))));
  if (instance.trace) {
    const chart = element("div", { class: "chart", "data-trace": number, role: "img", "aria-label": "Bounds over time" });
    place.append(element("figure", {}, chart, element("figcaption", {}, DATA.traceCaption)));
    drawn.add(chart);
    Plotly.newPlot(chart, instance.trace.data, instance.trace.layout, DATA.config);
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
  drawn.forEach((place) => Plotly.relayout(place, { autosize: false, width: 680, height: 400 }));
});
window.addEventListener("afterprint", () => {
  drawn.forEach((place) => Plotly.relayout(place, { autosize: true, width: null, height: null }));
});
readAddress();
show();
document.querySelectorAll("[data-chart]").forEach((place) => whenSeen.observe(place));
document.body.dataset.ready = "yes";
