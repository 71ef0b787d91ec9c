/* Up to four methods side by side. */

import { draw } from "./charts.js";
import { FEWER, el, percent } from "./elements.js";
import { refresh } from "./instance.js";
import { follow, stop } from "./jobs.js";
import { guarded, say } from "./server.js";
import { limits, points, shared } from "./session.js";
import { begun } from "./solving.js";

export function buildRace(panel) {
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
    const { job } = await begun("race", { methods, time: Number(seconds.value), memory: limits().memory });
    await watch(job);
  }
  async function watch(job) {
    place.hidden = false;
    const found = await follow(job, (step) => { draw("race-bounds", step.bounds, false); lanes(step); });
    await refresh();
    if (found.error) throw new Error(found.error);
    say(`The race is over after ${found.seconds.toFixed(1)} s; its results are among the runs.`);
  }
  function lanes(step) {
    const head = el("tr", {}, ...["Method", "State", "Benefit, points", "Upper bound", "Gap", "Seconds"].map((title, i) => el("th", { scope: "col", className: i > 1 ? "n" : "", textContent: title })));
    const rows = step.lanes.map((lane) => el("tr", {}, el("td", { textContent: lane.method }), el("td", { textContent: lane.status, title: lane.message }),
      ...[lane.primal === null ? "none" : points(lane.primal), lane.dual === null ? "none" : points(lane.dual), percent(lane.gap), lane.seconds === null ? "" : FEWER.format(lane.seconds)].map((text) => el("td", { className: "n", textContent: text }))));
    table.replaceChildren(el("div", { className: "scroll" }, el("table", { className: "grid", "aria-label": "Racing methods" }, el("thead", {}, head), el("tbody", {}, ...rows))));
  }
  async function show() {
    if (selects.length || !shared.methodOptions) return;
    for (const [i, first] of ["auto", "strengthened@highs", "linked@highs", "linked@scip"].entries()) {
      const select = el("select", {}, ...(i ? [el("option", { value: "", textContent: "none" })] : []), ...shared.methodOptions());
      if (i < shared.state.most_racers) selects.push(select);
      select.value = [...select.options].some((option) => option.value === first) ? first : "";
    }
    fields.append(...selects.map((select, i) => el("label", { textContent: `Method ${i + 1}` }, select)), el("label", { textContent: "Seconds" }, seconds), start, halt);
  }
  return { show, watch };
}
