/* Hospitals against areas. */

import { el, percent, plural, whole } from "./elements.js";
import { filterText, pages } from "./grid.js";
import { showOffers } from "./offers.js";
import { ask, guarded } from "./server.js";
import { runQuery, shared } from "./session.js";

export function buildHeat(panel) {
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
      found.area_pages > 1 ? pages({ total: shared.state.instance.areas, page: found.area_page, pages: found.area_pages }, (to) => { areaPage = to; return show(); }, "area") : "");
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
