"use strict";
/* One page, one session. All that is shown comes from the server and goes in as text, never as markup. */

const $ = (id) => document.getElementById(id);
const NUMBER = new Intl.NumberFormat("en");
const FEWER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const POLL = 250, FIRST = 40;

let state = null;      // What the server says of the session.
let chosen = "";       // The run that is shown; "" for the newest.
let asked = null;      // The offer that a dialog is about.
let following = null;  // The job that is watched.
let outdated = false;  // Whether the instance changed while it was solved, and is to be solved again.

/* Small helpers */

function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== "list" && key !== "role") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

function percent(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === 0) return "0 %";
  const shown = 100 * value;
  return `${Math.abs(shown) < 0.1 ? shown.toPrecision(2) : FEWER.format(shown)} %`;
}

const whole = (value) => (value === null || value === undefined ? "none yet" : NUMBER.format(Math.round(value)));
const points = (value) => FEWER.format(value / state.instance.utility_scale);
const plural = (count, noun) => `${NUMBER.format(count)} ${noun}${count === 1 ? "" : "s"}`;

async function ask(path, query = {}, body = null) {
  const parts = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const address = path + (parts.length ? "?" + new URLSearchParams(parts) : "");
  const options = body === null ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The app does not answer: it may have been ended.");
  }
  return understood(response);
}

async function understood(response) {
  const found = await response.json().catch(() => ({ error: `The app answers with an error (${response.status}).` }));
  if (!response.ok) throw new Error(found.error);
  return found;
}

function say(text) { $("message").textContent = text; }

function complain(error) {
  $("error").textContent = error ? error.message || String(error) : "";
  $("error").hidden = !error;
}

async function guarded(work) {
  try {
    complain(null);
    return await work();
  } catch (error) {
    complain(error);
    return null;
  }
}

const post = (path, body = {}) => ask(path, {}, body);

/* Jobs */

async function follow(job, onStep) {
  following = job;
  busy(true);
  let found;
  try {
    for (let wait = FIRST; ; wait = POLL) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      found = await ask("progress", { job });
      onStep(found);
      if (found.done) return found;
    }
  } finally {
    following = null;
    busy(false);
  }
}

function busy(on) {
  for (const button of document.querySelectorAll("#solve, #load, #upload, #ask-price, [data-starts]")) button.disabled = on;
  $("stop").disabled = !on;
  document.body.dataset.busy = on ? "yes" : "no";
}

async function stop() {
  if (following) await guarded(() => post("stop", { job: following }));
}

/* The instance and its rules */

async function refresh() {
  state = await ask("state");
  showInstance();
  showRuns();
}

function showInstance() {
  const { instance } = state;
  $("title").textContent = instance.title || instance.name;
  document.title = `${instance.name} - splgbench`;
  const sizes = [plural(instance.hospitals, "hospital"), plural(instance.groups, "group"), plural(instance.areas, "area"), plural(instance.offers, "offer")];
  if (instance.regions) sizes.push(plural(instance.regions, "region"));
  if (instance.extensions.length) sizes.push(`extensions ${instance.extensions.join(", ")}`);
  $("sizes").textContent = `${instance.name}: ${sizes.join(", ")}`;
  $("kind").textContent = `${instance.kind} data`;
  $("kind").className = "badge" + (instance.kind === "real" ? "" : " caution");
  $("description").textContent = instance.description || "The package does not say.";
  $("capacity_mode").value = instance.rules.capacity_mode;
  for (const box of document.querySelectorAll("input[data-rule]")) box.checked = instance.rules[box.dataset.rule];
  const changed = [];
  if (instance.edits.length) changed.push(plural(instance.edits.length, "number") + " edited");
  if (instance.decisions.length) changed.push(plural(instance.decisions.length, "decision"));
  if (instance.own_overrides) changed.push(`${plural(instance.own_overrides, "override")} of the package`);
  $("changes").textContent = changed.join(", ");
}

async function changeRule(event) {
  const control = event.target;
  const value = control.type === "checkbox" ? control.checked : control.value;
  await guarded(async () => {
    state = await post("rules", { [control.dataset.rule]: value });
    await changed();
  });
  showInstance();
}

async function changed() {
  showInstance();
  showRuns();
  if ($("instantly").checked) await solve();
}

async function load() {
  await starting("Loading the instance", () => post("load", { name: $("library").value }));
}

async function upload() {
  const file = $("file").files[0];
  if (!file) return complain(new Error("Choose a zip of an instance package first."));
  await starting("Reading the package", async () => {
    return understood(await fetch("upload", { method: "POST", headers: { "x-name": encodeURIComponent(file.name) }, body: file }));
  });
}

async function starting(words, begin) {
  await guarded(async () => {
    say(`${words} ...`);
    const { job } = await begin();
    const found = await follow(job, (step) => say(`${words}: ${step.seconds.toFixed(0)} s`));
    if (found.error) throw new Error(found.error);
    chosen = "";
    await refresh();
    say(`${state.instance.name} is loaded.`);
    await showPanel();
  }).finally(() => { if (!$("error").hidden) say(""); });
}

/* Solving */

const limits = () => ({ method: $("method").value, time: Number($("time").value), gap: Number($("gap").value) / 100, threads: Number($("threads").value) });

let solving = false;

/* Solve the instance as it stands; what is solved already ends, and is solved again as it then stands.
   `job` is a solve that is under way, for a page that was loaded again. */
async function solve(job = null) {
  if (solving) {
    outdated = true;
    return stop();
  }
  solving = true;
  try {
    do {
      outdated = false;
      const began = performance.now();
      await guarded(async () => watchSolve(job || (await post("solve", limits())).job, began));
      job = null;
    } while (outdated);
  } finally {
    solving = false;
  }
}

async function watchSolve(job, began) {
  const found = await follow(job, (step) => {
    const lane = step.lanes[0];
    const gap = lane.gap === null ? "" : `, gap ${percent(lane.gap)}`;
    say(step.done ? "" : `${lane.method}: ${step.seconds.toFixed(1)} s${gap}`);
    drawCurves(step);
    drawn = "live";
    if (!step.done) showTiles({ ...lane, running: true });
  });
  if (outdated) return;
  if (found.error) throw new Error(found.error);
  chosen = "";
  await refresh();
  await showPanel();
  const seconds = ((performance.now() - began) / 1000).toFixed(2);
  document.body.dataset.solved = seconds;
  say(`${found.lanes[0].method}: ${found.lanes[0].status} after ${seconds} s.`);
}

function drawCurves(step) {
  $("charts").hidden = false;
  draw("bounds", step.bounds, step.lanes.length === 1);
  draw("gaps", step.gaps, true);
}

function draw(id, spec, single) {
  if (!window.Plotly) return;
  const place = $(id), text = JSON.stringify(spec);
  if (place.drawn === text) return;
  place.drawn = text;
  if (!spec) { Plotly.purge(place); place.textContent = "No gap above 0 is known."; place.classList.add("soft"); return; }
  if (place.classList.contains("soft")) { place.textContent = ""; place.classList.remove("soft"); }
  const layout = { ...spec.layout, showlegend: !single, margin: { ...spec.layout.margin, t: single ? 8 : 12, b: 42 } };
  layout.font = { ...layout.font, size: 12 };
  layout.xaxis = { ...layout.xaxis, rangemode: "tozero" };
  Plotly.react(place, spec.data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
}

/* Runs */

function shown() {
  if (!state || !state.runs.length) return null;
  const wanted = state.runs.find((run) => String(run.number) === chosen);
  return wanted || state.runs.at(-1);
}

function showRuns() {
  const run = shown();
  const select = $("run");
  select.replaceChildren(...state.runs.toReversed().map((each) => el("option", { value: String(each.number), textContent: each.label })));
  select.disabled = !state.runs.length;
  if (run) select.value = String(run.number);
  else select.append(el("option", { textContent: "none yet" }));
  $("stale").hidden = !run || run.hash === state.instance.hash;
  $("run-message").textContent = run ? [run.message, ...(run.clash.length ? [`The clash: ${run.clash.join("; ")}.`] : [])].filter(Boolean).join(" ") : "";
  showTiles(run);
  showCurves(run);
}

let drawn = null;  // The run whose curves stand there.

async function showCurves(run) {
  const key = run ? `${run.number} ${run.hash}` : null;
  if (key === drawn) return;
  drawn = key;
  $("charts").hidden = !run;
  if (!run) return;
  const found = await guarded(() => ask("curve", { run: run.number }));
  if (found && key === drawn) drawCurves(found);
}

function tile(title, value, note = "", look = "") {
  return el("div", { className: look }, el("dt", { textContent: title }), el("dd", { textContent: value }, note ? el("small", { textContent: note }) : null));
}

function showTiles(run) {
  if (!run) {
    $("tiles").replaceChildren(tile("State", "Not solved yet", "Solve shows the best allocation"));
    return;
  }
  const good = run.status === "optimal" || run.status === "gap-closed";
  const bad = ["wrong", "error", "infeasible", "unsupported", "out-of-memory"].includes(run.status);
  const tiles = [
    tile("State", run.running ? "solving" : run.status, `${run.method}${run.seconds ? `, ${FEWER.format(run.seconds)} s` : ""}`, good ? "good" : bad ? "bad" : ""),
    tile("Benefit", run.primal === null ? "none yet" : points(run.primal), run.running ? "points, claimed" : "points, checked"),
    tile("Upper bound", run.dual === null ? "none yet" : points(run.dual), "points"),
    tile("Gap", percent(run.gap)),
  ];
  if (!run.running) {
    tiles.push(tile("Mandates", whole(run.mandates), `of ${plural(run.offers, "offer")}`));
    tiles.push(tile("Cases placed", percent(run.covered), `${whole(run.cases)} of ${whole(run.demand)}`));
  }
  $("tiles").replaceChildren(...tiles);
}

/* Tables that the server pages */

function grid(panel, { path, query, filters = [], cell = null, acts = null, label, empty = "No rows." }) {
  const view = { sort: "", order: "", page: 0, size: 25 };
  const place = el("div");
  let latest = 0;
  const values = () => Object.fromEntries(filters.map((filter) => [filter.name, filter.value]));
  async function show() {
    const mine = ++latest;
    await guarded(async () => {
      const found = await ask(path, { ...query(), ...values(), ...view });
      if (mine === latest) render(found);
    });
  }
  /* A hospital goes by its name, in the order, too. */
  const sortKey = (column, found) => (column.key === "hospital" && found.columns.some((each) => each.key === "hospital_name") ? "hospital_name" : column.key);
  function order(column, found) {
    const key = sortKey(column, found);
    const again = view.sort === key && view.order === "ascending";
    Object.assign(view, { sort: key, order: again ? "descending" : "ascending", page: 0 });
    show().then(() => place.querySelector(`th[data-key="${column.key}"] button`)?.focus());
  }
  function render(found) {
    const visible = found.columns.map((column, j) => ({ column, j })).filter(({ column }) => !NAMES[column.key]);
    const head = visible.map(({ column }) => {
      const sorted = found.sort === sortKey(column, found) ? found.order : "none";
      return el("th", { scope: "col", className: column.form === "text" ? "" : "n", "aria-sort": sorted, "data-key": column.key },
        el("button", { type: "button", textContent: column.title || "Kind", onclick: () => order(column, found) }));
    });
    if (acts) head.push(el("th", { scope: "col", className: "acts", textContent: "Actions" }));
    const rows = found.rows.map((values, i) => {
      const row = Object.fromEntries(found.columns.map((column, j) => [column.key, values[j]]));
      const cells = visible.map(({ column, j }) => {
        const own = cell && cell(column, values[j], found.ids[i], row, found);
        if (own) return el("td", { className: column.form === "text" ? "" : "n" }, own);
        const text = shape(column.form, values[j]);
        const named = Object.keys(NAMES).find((name) => NAMES[name] === column.key && row[name]);
        return named ? withName(text, row[named], named) : el("td", { className: column.form === "text" ? "" : "n", textContent: text });
      });
      if (acts) cells.push(el("td", { className: "acts" }, ...acts(row, found.ids[i])));
      return el("tr", {}, ...cells);
    });
    const table = el("table", { className: "grid", "aria-label": label }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
    place.replaceChildren(
      el("div", { className: "scroll", tabIndex: 0, role: "region", "aria-label": label }, table),
      rows.length ? pages(found, (page) => { view.page = page; return show(); }) : el("p", { className: "soft", textContent: empty }));
  }
  if (filters.length) panel.append(el("div", { className: "filters" }, ...filters.map((filter) => filter.node)));
  panel.append(place);
  for (const filter of filters) filter.onchange = () => { view.page = 0; return show(); };
  return { show, exported: () => ({ ...query(), ...values(), sort: view.sort, order: view.order }) };
}

const NAMES = { hospital_name: "hospital", group_name: "group", area_name: "area" };

/* A key with its name: a hospital goes by its name, a group by both. */
function withName(key, name, kind) {
  if (key === name || kind === "hospital_name") return el("td", { className: "name", title: key, textContent: name });
  return el("td", { className: "name", title: `${key}: ${name}` }, el("span", { textContent: `${key} ` }), el("span", { className: "soft", textContent: name }));
}

function shape(form, value) {
  if (value === null) return "";
  if (form === "whole") return NUMBER.format(value);
  if (form === "number") return FEWER.format(value);
  if (form === "percent") return percent(value);
  return String(value);
}

function pages(found, go, noun = "row") {
  const step = (text, page, on) => el("button", { type: "button", textContent: text, disabled: !on, onclick: () => go(page) });
  return el("div", { className: "pages" },
    step("Previous", found.page - 1, found.page > 0),
    el("span", { className: "count", textContent: `${plural(found.total, noun)}, page ${found.page + 1} of ${found.pages}` }),
    step("Next", found.page + 1, found.page + 1 < found.pages));
}

function filterText(name, title) {
  const filter = { name, value: "", onchange: null };
  let timer = 0;
  filter.input = el("input", { type: "search", oninput: () => {
    clearTimeout(timer);
    timer = setTimeout(() => { filter.value = filter.input.value; filter.onchange(); }, 200);
  } });
  filter.node = el("label", { textContent: title }, filter.input);
  filter.set = (value) => { filter.value = filter.input.value = value; };
  return filter;
}

function filterChoice(name, title, options) {
  const filter = { name, value: options[0][0], onchange: null };
  filter.input = el("select", { onchange: () => { filter.value = filter.input.value; filter.onchange(); } });
  filter.fill = (list) => {
    filter.input.replaceChildren(...list.map(([value, text]) => el("option", { value, textContent: text })));
    filter.set(list.some(([value]) => value === filter.value) ? filter.value : list[0][0]);
  };
  filter.set = (value) => { filter.value = filter.input.value = value; };
  filter.node = el("label", { textContent: title }, filter.input);
  filter.fill(options);
  return filter;
}

const runQuery = () => ({ run: shown() ? String(shown().number) : "" });

/* Views */

const PANELS = [
  { key: "heat", title: "Heat map", build: buildHeat, needsRun: true },
  { key: "coverage", title: "Coverage", build: buildCoverage, needsRun: true },
  { key: "offers", title: "Offers", build: buildOffers, needsRun: true },
  { key: "map", title: "Map", build: buildMap, needsRun: true },
  { key: "numbers", title: "Numbers", build: buildNumbers },
  { key: "decisions", title: "Decisions", build: buildDecisions },
  { key: "difference", title: "Difference", build: buildDifference, needsRun: true },
  { key: "race", title: "Race", build: buildRace },
];
let current = "heat";

function buildPanels() {
  for (const panel of PANELS) {
    panel.tab = el("button", { type: "button", id: `tab-${panel.key}`, role: "tab", "aria-controls": `panel-${panel.key}`, textContent: panel.title, onclick: () => openPanel(panel.key) });
    panel.body = el("div", {});
    panel.without = el("p", { className: "soft", textContent: "Solve first: there is no run to show." });
    panel.place = el("div", { id: `panel-${panel.key}`, role: "tabpanel", "aria-labelledby": `tab-${panel.key}`, hidden: true }, panel.without, panel.body);
    $("tabs").append(panel.tab);
    $("panels").append(panel.place);
    panel.view = panel.build(panel.body);
  }
  $("tabs").addEventListener("keydown", (event) => {
    const at = PANELS.findIndex((panel) => panel.key === current);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: PANELS.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const next = PANELS[(to + PANELS.length) % PANELS.length];
    openPanel(next.key);
    next.tab.focus();
  });
}

function openPanel(key) {
  current = key;
  return showPanel();
}

async function showPanel() {
  for (const panel of PANELS) {
    const open = panel.key === current;
    panel.tab.setAttribute("aria-selected", String(open));
    panel.tab.tabIndex = open ? 0 : -1;
    panel.place.hidden = !open;
    if (!open) continue;
    const ready = !panel.needsRun || Boolean(shown());
    panel.without.hidden = ready;
    panel.body.hidden = !ready;
    if (ready) await panel.view.show();
  }
}

function buildHeat(panel) {
  const filter = filterText("text", "Hospital contains");
  const place = el("div");
  let page = 0, areaPage = 0;
  panel.append(el("div", { className: "filters" }, filter.node), place);
  filter.onchange = () => { page = 0; return show(); };
  async function show() {
    await guarded(async () => render(await ask("heat", { ...runQuery(), text: filter.value, page, area_page: areaPage })));
  }
  function render(found) {
    const head = [el("th", {}), ...found.areas.map((area) => el("th", { scope: "col", title: `${area.area} ${area.name}: need ${whole(area.need)} cases` }, el("span", { textContent: area.name === area.area ? area.area : `${area.area} ${area.name}` })))];
    const rows = found.rows.map((row, i) => el("tr", {},
      el("th", { scope: "row", title: `${row.hospital}: ${whole(row.cases)} cases`, textContent: row.name }),
      ...row.cells.map((cell, j) => el("td", {}, cell === null ? null : heatCell(row, found.areas[j], cell, i, j)))));
    const table = el("table", { className: "heat", role: "grid", "aria-label": "Mandates of hospitals by area" }, el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...rows));
    const first = table.querySelector("td button");
    if (first) first.tabIndex = 0;
    table.addEventListener("keydown", moveInHeat);
    const bounds = found.levels.map((level, i) => {
      const upper = found.levels[i + 1];
      const text = upper === undefined ? `${100 * level} % and more` : `${100 * level} to ${100 * upper} %`;
      return el("span", {}, el("i", { className: `l${i + 1}` }), text);
    });
    place.replaceChildren(
      el("div", { className: "scroll" }, table),
      el("p", { className: "legend" }, el("span", { textContent: "Number: mandates. Colour: share of the area's need." }), el("span", {}, el("i", { className: "l0" }), "offers, no mandate"), ...bounds),
      pages(found, (to) => { page = to; return show(); }, "hospital"),
      found.area_pages > 1 ? pages({ total: state.instance.areas, page: found.area_page, pages: found.area_pages }, (to) => { areaPage = to; return show(); }, "area") : "");
  }
  return { show };
}

function heatCell(row, area, cell, i, j) {
  const words = `${row.name}, ${area.name}: ${cell.mandates} of ${plural(cell.offers, "offer")} with a mandate, ${plural(cell.cases, "case")}, ${percent(cell.share)} of the need`;
  return el("button", {
    type: "button", className: `l${cell.level}`, tabIndex: -1, title: words, "aria-label": words, "data-row": i, "data-column": j,
    textContent: cell.mandates || "·", onclick: () => showOffers({ hospital: row.hospital, area: area.area }),
  });
}

function moveInHeat(event) {
  const step = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
  const from = event.target;
  if (!step || !from.dataset.row) return;
  event.preventDefault();
  const table = event.currentTarget;
  let [row, column] = [Number(from.dataset.row), Number(from.dataset.column)];
  const most = table.rows.length + table.rows[0].cells.length;
  for (let tried = 0; tried < most; tried++) {
    row += step[0];
    column += step[1];
    const next = table.querySelector(`button[data-row="${row}"][data-column="${column}"]`);
    if (next) {
      from.tabIndex = -1;
      next.tabIndex = 0;
      next.focus();
      return;
    }
  }
}

function buildCoverage(panel) {
  const meter = (column, value) => column.key !== "covered" ? null
    : el("span", {}, el("span", { className: "meter", "aria-hidden": "true" }, el("span", { style: `width: ${Math.min(100, 100 * value)}%` })), percent(value));
  return grid(panel, { path: "coverage", query: runQuery, filters: [filterText("text", "Group contains")], cell: meter, label: "Coverage of each group" });
}

let offersView = null;

function buildOffers(panel) {
  const text = filterText("text", "Any text");
  const hospital = filterText("hospital", "Hospital");
  const area = filterChoice("area", "Area", [["", "all"]]);
  const mandate = filterChoice("mandate", "Mandate", [["", "all"], ["yes", "yes"], ["no", "no"]]);
  const cell = (column, value) => column.key === "mandate" && value === "yes" ? el("span", { className: "yes", textContent: "yes" }) : null;
  const acts = (row) => [
    el("button", { type: "button", className: "small", textContent: "Decide", "aria-label": `Decide on ${row.hospital} ${row.group}`, onclick: () => openDecision(row) }),
    ...(row.mandate === "no" ? [el("button", { type: "button", className: "small", "data-starts": "", textContent: "Why not?", "aria-label": `Why has ${row.hospital} no mandate for ${row.group}?`, disabled: Boolean(following), onclick: () => openWhy(row) })] : []),
  ];
  const links = el("p", { className: "pages" });
  const view = grid(panel, { path: "offers", query: runQuery, filters: [text, hospital, area, mandate], cell, acts, label: "Offers", empty: "No offer passes the filters." });
  panel.append(links);
  const download = (name, textContent, query) => el("a", { href: `export/${name}?${new URLSearchParams(query())}`, textContent, onpointerdown: (event) => { event.target.href = `export/${name}?${new URLSearchParams(query())}`; }, onfocus: (event) => { event.target.href = `export/${name}?${new URLSearchParams(query())}`; } });
  links.append("Export: ", download("offers.csv", "these rows (CSV)", view.exported), download("allocation.csv", "the allocation (CSV)", runQuery), download("package.zip", "the instance as it stands (package)", () => ({})));
  offersView = {
    show: async () => {
      area.fill([["", "all"], ...state.instance.area_keys.map((key) => [key, key])]);
      await view.show();
    },
    filter: (wanted) => {
      text.set("");
      mandate.set("");
      hospital.set(wanted.hospital || "");
      area.fill([["", "all"], ...state.instance.area_keys.map((key) => [key, key])]);
      area.set(wanted.area || "");
    },
  };
  return offersView;
}

async function showOffers(wanted) {
  offersView.filter(wanted);
  await openPanel("offers");
  $("tab-offers").focus();
}

function buildMap(panel) {
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

function buildNumbers(panel) {
  const table = filterChoice("table", "Table", [["offers", "offers: capacity, benefit"], ["groups", "groups: minimum cases, share"], ["demand", "need of each group"], ["area_capacity", "capacity of hospitals in areas"]]);
  const edits = el("div");
  const cell = (column, value, id, row, found) => !found.editable.includes(column.key) ? null : editable(found.table, column, value, id, [row.hospital, found.table === "area_capacity" ? row.area : row.group, row.region].filter(Boolean).join(" "));
  const view = grid(panel, { path: "inputs", query: () => ({}), filters: [table, filterText("text", "Contains")], cell, label: "Numbers that can be edited" });
  panel.append(edits);
  async function show() {
    await view.show();
    showEdits(edits, show);
  }
  return { show };
}

function editable(table, column, value, id, words) {
  const place = el("span");
  const label = `${column.title} of ${words}`;
  const button = el("button", { type: "button", className: "cell-edit", textContent: NUMBER.format(value), "aria-label": `${label}: ${value}, edit`, onclick: begin });
  function begin() {
    const input = el("input", { className: "cell", value: String(value), "aria-label": label, inputMode: "numeric" });
    let over = false;
    const end = () => { over = true; place.replaceChildren(button); button.focus(); };
    input.addEventListener("keydown", async (event) => {
      if (event.key === "Escape") { complain(null); end(); }
      if (event.key !== "Enter") return;
      event.preventDefault();
      try {
        complain(null);
        const typed = input.value.trim();
        if (typed === String(value)) return end();
        over = true;
        state = await post("edit", { table, column: column.key, row: id, value: typed });
        say(`${label} is ${typed}.`);
        await changed();
        await showPanel();
        document.querySelector(`#panel-numbers button[aria-label^="${CSS.escape(label)}"]`)?.focus();
      } catch (error) {
        over = false;
        input.setAttribute("aria-invalid", "true");
        complain(error);
      }
    });
    input.addEventListener("blur", () => { if (!over) { over = true; place.replaceChildren(button); } });
    place.replaceChildren(input);
    input.select();
  }
  place.append(button);
  return place;
}

function showEdits(place, again) {
  const { edits } = state.instance;
  if (!edits.length) return place.replaceChildren(el("p", { className: "soft", textContent: "Choose a number to edit it; Enter keeps the new one, Escape the old one." }));
  const rows = edits.map((edit, number) => el("tr", {}, el("td", { textContent: edit.label }), el("td", { textContent: `${edit.table}, ${edit.column.replaceAll("_", " ")}` }),
    el("td", { className: "n", textContent: NUMBER.format(edit.before) }), el("td", { className: "n", textContent: edit.value }),
    el("td", { className: "acts" }, el("button", { type: "button", className: "small", textContent: "Undo", "aria-label": `Undo ${edit.label}`, onclick: () => guarded(async () => {
      state = await post("undo", { number });
      await changed();
      await again();
    }) }))));
  const head = el("tr", {}, ...["Row", "Number", "Before", "Now", ""].map((title) => el("th", { scope: "col", textContent: title })));
  place.replaceChildren(el("h3", { textContent: "Edited" }), el("table", { "aria-label": "Edited numbers" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}

function buildDecisions(panel) {
  async function show() {
    const { decisions, own_overrides: own } = state.instance;
    const parts = [];
    if (own) parts.push(el("p", { className: "soft", textContent: `${plural(own, "override")} of the package hold, too.` }));
    if (!decisions.length) parts.push(el("p", { className: "soft", textContent: "No decision has been taken here. Decide on an offer in the table of offers." }));
    else {
      const head = el("tr", {}, ...["Hospital", "Group", "Decision", "Reason", "By", "On", ""].map((title) => el("th", { scope: "col", textContent: title })));
      const rows = decisions.map((row, number) => el("tr", {}, el("td", { textContent: row[0] }), el("td", { textContent: row[1] }),
        el("td", { textContent: [row[2], row[3] ?? "", row[4]].filter((part) => part !== "").join(" ") }), el("td", { textContent: row[5] }), el("td", { textContent: row[6] }), el("td", { textContent: row[7] }),
        el("td", { className: "acts" }, el("button", { type: "button", className: "small", textContent: "Withdraw", "aria-label": `Withdraw ${row[2]} ${row[0]} ${row[1]}`, onclick: () => guarded(async () => {
          state = await post("withdraw", { number });
          await changed();
          await show();
        }) }))));
      parts.push(el("div", { className: "scroll" }, el("table", { className: "grid", "aria-label": "Decisions" }, el("thead", {}, head), el("tbody", {}, ...rows))));
      parts.push(el("p", { className: "pages" }, el("a", { href: "export/overrides.csv", textContent: "Export the decisions (CSV)" })));
    }
    panel.replaceChildren(...parts);
  }
  return { show };
}

function buildDifference(panel) {
  const other = filterChoice("other", "Against run", [["", "none yet"]]);
  const sums = el("dl", { className: "tiles" });
  const few = el("p", { className: "soft", textContent: "Solve a second time, with other rules or another method, to compare." });
  const body = el("div");
  const signed = (value, format) => (value === null ? "unknown" : (value > 0 ? "+" : "") + format(value));
  const view = grid(body, { path: "difference", query: () => runQuery(), filters: [other], label: "Offers that differ", empty: "The allocations are the same." });
  panel.append(few, body);
  async function show() {
    const run = shown();
    const others = state.runs.filter((each) => each.number !== run.number).toReversed();
    few.hidden = others.length > 0;
    body.hidden = others.length === 0;
    if (!others.length) return;
    other.fill(others.map((each) => [String(each.number), each.label]));
    await view.show();
    const found = await guarded(() => ask("difference", { ...runQuery(), other: other.value }));
    if (!found) return;
    const told = found.sums;
    sums.replaceChildren(tile("Benefit", signed(told.points, (value) => FEWER.format(value)), "points"), tile("Mandates gained", whole(told.gained)), tile("Mandates lost", whole(told.lost)), tile("Cases placed", signed(told.cases, (value) => NUMBER.format(value))), tile("Cases that differ", whole(told.moved), "summed over offers"));
    body.insertBefore(sums, body.children[1]);
  }
  const only = other.onchange;
  other.onchange = async () => { await only(); await show(); };
  return { show };
}

function buildRace(panel) {
  const selects = [];
  const fields = el("div", { className: "filters" });
  const seconds = el("input", { type: "number", min: "0.1", step: "any", value: "15", id: "race-time" });
  const start = el("button", { type: "button", id: "race-start", className: "main", "data-starts": "", textContent: "Start the race", onclick: () => guarded(run) });
  const halt = el("button", { type: "button", textContent: "Stop", onclick: stop });
  const table = el("div");
  const place = el("div", { id: "race-bounds", className: "chart", role: "img", "aria-label": "Best values (solid) and upper bounds (dotted) of the methods over time", hidden: true });
  panel.append(el("p", { className: "soft", textContent: "Up to four methods at once on the instance as it stands. They share this machine's processors: for figures that stand comparison, run a campaign." }), fields, table, place);
  async function run() {
    const methods = selects.map((select) => select.value).filter(Boolean);
    const { job } = await post("race", { methods, time: Number(seconds.value) });
    await watch(job);
  }
  async function watch(job) {
    place.hidden = false;
    const found = await follow(job, (step) => { draw("race-bounds", step.bounds, false); lanes(step); });
    if (found.error) throw new Error(found.error);
    await refresh();
    say(`The race is over after ${found.seconds.toFixed(1)} s; its results are among the runs.`);
  }
  function lanes(step) {
    const head = el("tr", {}, ...["Method", "State", "Benefit, points", "Upper bound", "Gap", "Seconds"].map((title, i) => el("th", { scope: "col", className: i > 1 ? "n" : "", textContent: title })));
    const rows = step.lanes.map((lane) => el("tr", {}, el("td", { textContent: lane.method }), el("td", { textContent: lane.status, title: lane.message }),
      ...[lane.primal === null ? "none" : points(lane.primal), lane.dual === null ? "none" : points(lane.dual), percent(lane.gap), lane.seconds === null ? "" : FEWER.format(lane.seconds)].map((text) => el("td", { className: "n", textContent: text }))));
    table.replaceChildren(el("div", { className: "scroll" }, el("table", { className: "grid", "aria-label": "Racing methods" }, el("thead", {}, head), el("tbody", {}, ...rows))));
  }
  async function show() {
    if (selects.length || !methodOptions) return;
    for (const [i, first] of ["auto", "strengthened@highs", "linked@highs", "linked@scip"].entries()) {
      const select = el("select", {}, ...(i ? [el("option", { value: "", textContent: "none" })] : []), ...methodOptions());
      if (i < state.most_racers) selects.push(select);
      select.value = [...select.options].some((option) => option.value === first) ? first : "";
    }
    fields.append(...selects.map((select, i) => el("label", { textContent: `Method ${i + 1}` }, select)), el("label", { textContent: "Seconds" }, seconds), start, halt);
  }
  return { show, watch };
}

/* Questions, each in a dialog: who closes it needs no answer */

let asking = false;

async function question(job, onStep) {
  asking = true;
  try {
    return await follow(job, onStep);
  } finally {
    asking = false;
  }
}

/* Decisions on an offer */

const offerWords = (row) => `${row.hospital_name === row.hospital || !row.hospital_name ? row.hospital : `${row.hospital_name} (${row.hospital})`}, ${row.group_name === row.group || !row.group_name ? row.group : `${row.group} ${row.group_name}`}`;

function openDecision(row) {
  asked = row;
  $("decide-offer").textContent = `${offerWords(row)}. Mandate: ${row.mandate}, ${plural(row.cases, "case")}; least cases ${whole(row.threshold)}, capacity ${whole(row.capacity)}.`;
  $("action").value = row.mandate === "yes" ? "refuse" : "grant";
  $("cases").value = String(row.threshold);
  $("reason").value = "";
  unpriced();
  $("decide").showModal();
  $("action").focus();
}

function decision() {
  const action = $("action").value;
  return { hospital: asked.hospital, group: asked.group, action, cases: action === "fix" && $("cases").value !== "" ? Number($("cases").value) : null, rule: action === "exempt" ? $("rule").value : "", reason: $("reason").value, author: $("author").value, method: $("method").value, time: Number($("time").value) };
}

let priced = false;

function unpriced() {
  priced = false;
  $("cases-field").hidden = $("action").value !== "fix";
  $("rule-field").hidden = $("action").value !== "exempt";
  answer("price", []);
  mayCommit();
}

function mayCommit() { $("commit").disabled = !(priced && $("reason").value.trim() && $("author").value.trim()); }

function answer(id, parts, bad = false) {
  $(id).replaceChildren(...parts);
  $(id).classList.toggle("bad", bad);
}

const paragraph = (text) => el("p", { textContent: text });

async function askPrice() {
  try {
    const { job } = await post("price", decision());
    const halt = el("button", { type: "button", className: "small", textContent: "Stop", onclick: stop });
    const words = paragraph("Solving with the decision ...");
    answer("price", [words, halt]);
    const found = await question(job, (step) => { words.textContent = `Solving with the decision: ${step.seconds.toFixed(1)} s`; });
    if (found.error) throw new Error(found.error);
    showPrice(found.answer);
  } catch (error) {
    answer("price", [paragraph(error.message)], true);
  }
}

function showPrice(found) {
  if (found.clash.length) {
    answer("price", [paragraph("The decision cannot be taken. These clash, and none of them can be left out:"), el("ul", {}, ...found.clash.map((member) => el("li", { textContent: member })))], true);
    return;
  }
  const proof = found.exact ? "Both optima are proved." : "From the best allocations found: neither value is proved.";
  const words = found.cost === 0 ? "No benefit is lost." : found.cost > 0 ? `Loss of benefit: ${points(found.cost)} points` : `Gain of benefit: ${points(-found.cost)} points`;
  answer("price", [el("p", {}, el("strong", { className: "figure", textContent: words })), paragraph(`${percent(Math.abs(found.cost_share))} of the benefit without the decision; with it ${points(found.benefit)} points. ${proof}`),
    ...($("reason").value.trim() && $("author").value.trim() ? [] : [paragraph("A reason and a name are still needed.")])]);
  priced = true;
  mayCommit();
}

async function commit() {
  try {
    state = await post("commit", decision());
    $("decide").close();
    say(`Taken: ${$("action").value} ${asked.hospital} ${asked.group}. Solve for the allocation with it.`);
    await changed();
    await showPanel();
  } catch (error) {
    answer("price", [paragraph(error.message)], true);
  }
}

/* Why not? */

async function openWhy(row) {
  asked = row;
  $("why-offer").textContent = offerWords(row);
  const words = paragraph("Solving with the mandate granted ...");
  answer("why-answer", [words, el("button", { type: "button", className: "small", textContent: "Stop", onclick: stop })]);
  $("why").showModal();
  try {
    const { job } = await post("why", { hospital: row.hospital, group: row.group, method: $("method").value, time: Number($("time").value) });
    const found = await question(job, (step) => { words.textContent = `Solving with the mandate granted: ${step.seconds.toFixed(1)} s`; });
    if (found.error) throw new Error(found.error);
    answer("why-answer", explained(found.answer));
  } catch (error) {
    answer("why-answer", [paragraph(error.message)], true);
  }
}

function explained(found) {
  const rules = () => el("ul", {}, ...found.rules.map((rule) => el("li", { textContent: rule })));
  if (found.kind === "held") return [paragraph("In the best allocation of the instance as it stands, the offer has a mandate.")];
  if (found.kind === "override") return [paragraph("A decision refuses it:"), rules()];
  if (found.kind === "rule") return [paragraph("Rules forbid it; no allocation grants this mandate:"), rules()];
  const bounds = found.most === null ? `at least ${points(found.least)}` : `between ${points(found.least)} and ${points(found.most)}`;
  const loss = found.exact ? (found.loss === 0 ? "Granting it loses nothing: another allocation of the same benefit grants it." : `Granting it loses ${points(found.loss)} points.`)
    : `Granting it loses about ${points(found.loss)} points (the loss of the optimum lies ${bounds}).`;
  const bond = { need: "same need", area: "same area capacity", link: "linked group", elsewhere: "elsewhere" };
  const rows = found.shifts.slice(0, 15).map((shift) => el("tr", {}, ...[`${shift.hospital} ${shift.group}`, bond[shift.bond], FEWER.format(shift.utility / state.instance.utility_scale), whole(shift.before), whole(shift.after)].map((text, i) => el("td", { className: i > 1 ? "n" : "", textContent: text }))));
  const head = el("tr", {}, ...["Offer", "What it shares", "Benefit a case", "Cases now", "Cases if granted"].map((title, i) => el("th", { scope: "col", className: i > 1 ? "n" : "", textContent: title })));
  const more = found.shifts.length - rows.length;
  const better = found.placed.filter((shift) => shift.offer !== found.offer).slice(0, 5).map((shift) => `${shift.hospital} (${FEWER.format(shift.utility / state.instance.utility_scale)} a case, ${plural(shift.before, "case")})`);
  return [
    el("p", {}, el("strong", { className: "figure", textContent: loss })),
    paragraph(better.length ? `The need is placed at ${better.join(", ")}.` : "None of the need is placed."),
    el("h3", { textContent: "What would change" }),
    el("div", { className: "scroll" }, el("table", { "aria-label": "What would change" }, el("thead", {}, head), el("tbody", {}, ...rows))),
    ...(more > 0 ? [paragraph(`And ${plural(more, "offer")} more.`)] : []),
  ];
}

/* The beginning */

let methodOptions = null;

async function fillLibrary() {
  const found = await ask("library");
  $("library").replaceChildren(...Object.entries(found.families).map(([family, entries]) => el("optgroup", { label: `${family} (${entries[0].kind})` },
    ...entries.map((entry) => el("option", { value: entry.name, textContent: entry.offers === null ? entry.name : `${entry.name} - ${plural(entry.offers, "offer")}` })))));
  const direct = found.formulations.flatMap((formulation) => found.backends.map((backend) => `${formulation}@${backend}`));
  const group = (label, names) => el("optgroup", { label }, ...names.map((name) => el("option", { value: name, textContent: name })));
  methodOptions = () => [group("Methods of their own", found.decompositions), group("Formulation @ solver", direct)];
  $("method").replaceChildren(...methodOptions());
  $("method").value = state.default_method;
  const here = [...$("library").options].find((option) => state.instance.name && option.value === state.instance.name.replace(/-s[0-9]+$/, ""));
  if (here) $("library").value = here.value;
}

function wire() {
  for (const control of document.querySelectorAll("[data-rule]")) control.addEventListener("change", changeRule);
  $("load").addEventListener("click", load);
  $("upload").addEventListener("click", upload);
  $("solve").addEventListener("click", () => solve());
  $("stop").addEventListener("click", stop);
  $("run").addEventListener("change", async () => { chosen = $("run").value; showRuns(); await showPanel(); });
  for (const id of ["action", "cases", "rule"]) $(id).addEventListener("input", unpriced);
  for (const id of ["reason", "author"]) $(id).addEventListener("input", mayCommit);
  $("ask-price").addEventListener("click", askPrice);
  $("commit").addEventListener("click", commit);
  $("why-decide").addEventListener("click", () => { $("why").close(); openDecision(asked); });
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => { if (asking) stop(); });
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
}

async function main() {
  wire();
  // The plotting library comes after the page.
  addEventListener("load", () => { drawn = null; if (state) showCurves(shown()); });
  buildPanels();
  await guarded(async () => {
    await refresh();
    await showPanel();
    document.body.dataset.ready = "yes";
    await fillLibrary();
    document.body.dataset.filled = "yes";
    if (!state.job) return;
    if (state.job_kind === "solve") await solve(state.job);
    else if (state.job_kind === "race") { await openPanel("race"); await PANELS.find((panel) => panel.key === "race").view.watch(state.job); }
    else { await follow(state.job, (step) => say(`${step.kind}: ${step.seconds.toFixed(0)} s`)); say(""); await refresh(); await showPanel(); }
  });
}

main();
