/* Offers, and the coverage of groups. */

import { openDecision } from "./decisions.js";
import { $, el, percent } from "./elements.js";
import { filterChoice, filterText, grid } from "./grid.js";
import { openPanel } from "./panels.js";
import { runQuery, shared } from "./session.js";
import { openWhy } from "./why.js";

export function buildCoverage(panel) {
  const meter = (column, value) => column.key !== "covered" ? null
    : el("span", {}, el("span", { className: "meter", "aria-hidden": "true" }, el("span", { style: `width: ${Math.min(100, 100 * value)}%` })), percent(value));
  return grid(panel, { path: "coverage", query: runQuery, filters: [filterText("text", "Group contains")], cell: meter, label: "Coverage of each group" });
}

let offersView = null;

export function buildOffers(panel) {
  const text = filterText("text", "Any text");
  const hospital = filterText("hospital", "Hospital");
  const area = filterChoice("area", "Area", [["", "all"]]);
  const mandate = filterChoice("mandate", "Mandate", [["", "all"], ["yes", "yes"], ["no", "no"]]);
  const cell = (column, value) => column.key === "mandate" && value === "yes" ? el("span", { className: "yes", textContent: "yes" }) : null;
  const acts = (row) => [
    el("button", { type: "button", className: "small", textContent: "Decide", "aria-label": `Decide on ${row.hospital} ${row.group}`, onclick: () => openDecision(row) }),
    ...(row.mandate === "no" ? [el("button", { type: "button", className: "small", "data-starts": "", textContent: "Why not?", "aria-label": `Why has ${row.hospital} no mandate for ${row.group}?`, disabled: Boolean(shared.following), onclick: () => openWhy(row) })] : []),
  ];
  const links = el("p", { className: "pages" });
  const view = grid(panel, { path: "offers", query: runQuery, filters: [text, hospital, area, mandate], cell, acts, label: "Offers", empty: "No offer passes the filters." });
  panel.append(links);
  const download = (name, textContent, query) => el("a", { href: `export/${name}?${new URLSearchParams(query())}`, textContent, onpointerdown: (event) => { event.target.href = `export/${name}?${new URLSearchParams(query())}`; }, onfocus: (event) => { event.target.href = `export/${name}?${new URLSearchParams(query())}`; } });
  links.append("Export: ", download("offers.csv", "these rows (CSV)", view.exported), download("allocation.csv", "the allocation (CSV)", runQuery), download("package.zip", "the instance as it stands (package)", () => ({})));
  offersView = {
    show: async () => {
      area.fill([["", "all"], ...shared.state.instance.area_keys.map((key) => [key, key])]);
      await view.show();
    },
    filter: (wanted) => {
      text.set("");
      mandate.set("");
      hospital.set(wanted.hospital || "");
      area.fill([["", "all"], ...shared.state.instance.area_keys.map((key) => [key, key])]);
      area.set(wanted.area || "");
    },
  };
  return offersView;
}

export async function showOffers(wanted) {
  offersView.filter(wanted);
  await openPanel("offers");
  $("tab-offers").focus();
}
