/* Tables that the server sorts, filters and cuts into pages. */

import { FEWER, NUMBER, el, percent, plural } from "./elements.js";
import { ask, guarded } from "./server.js";

export function grid(panel, { path, query, filters = [], cell = null, acts = null, label, empty = "No rows." }) {
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

export function pages(found, go, noun = "row") {
  const step = (text, page, on) => el("button", { type: "button", textContent: text, disabled: !on, onclick: () => go(page) });
  return el("div", { className: "pages" },
    step("Previous", found.page - 1, found.page > 0),
    el("span", { className: "count", textContent: `${plural(found.total, noun)}, page ${found.page + 1} of ${found.pages}` }),
    step("Next", found.page + 1, found.page + 1 < found.pages));
}

export function filterText(name, title) {
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

export function filterChoice(name, title, options) {
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
