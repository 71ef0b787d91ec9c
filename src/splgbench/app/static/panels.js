/* The views below the result, one at a time. */

import { buildDecisions } from "./decisions.js";
import { buildDifference } from "./difference.js";
import { $, el } from "./elements.js";
import { buildHeat } from "./heat.js";
import { buildMap } from "./map.js";
import { buildNumbers } from "./numbers.js";
import { buildCoverage, buildOffers } from "./offers.js";
import { buildRace } from "./race.js";
import { shared, shown } from "./session.js";

export const PANELS = [
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

export function buildPanels() {
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

export function openPanel(key) {
  current = key;
  return showPanel();
}

/* With `onlyRuns`, nothing but the view of a run is drawn anew. */
export async function showPanel(onlyRuns = false) {
  for (const panel of PANELS) {
    const open = panel.key === current;
    panel.tab.setAttribute("aria-selected", String(open));
    panel.tab.tabIndex = open ? 0 : -1;
    panel.place.hidden = !open;
    if (!open) continue;
    if (onlyRuns && (!panel.needsRun || panel.key === "difference")) return;
    const ready = !panel.needsRun || Boolean(shown()) || shared.live > 0;
    panel.without.hidden = ready;
    panel.body.hidden = !ready;
    if (ready) await panel.view.show();
  }
}
