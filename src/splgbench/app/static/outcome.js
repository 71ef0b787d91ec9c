/* The runs, and how the one that is shown came out. */

import { drawCurves } from "./charts.js";
import { $, FEWER, el, percent, plural, whole } from "./elements.js";
import { ask, guarded } from "./server.js";
import { points, shared, shown } from "./session.js";

export function showRuns() {
  const run = shown();
  const select = $("run");
  select.replaceChildren(...shared.state.runs.toReversed().map((each) => el("option", { value: String(each.number), textContent: each.label })));
  select.disabled = !shared.state.runs.length;
  if (run) select.value = String(run.number);
  else select.append(el("option", { textContent: "none yet" }));
  $("stale").hidden = !run || run.hash === shared.state.instance.hash;
  $("run-message").textContent = run ? [run.message, ...(run.clash.length ? [`The clash: ${run.clash.join("; ")}.`] : [])].filter(Boolean).join(" ") : "";
  showTiles(run);
  showCurves(run);
}

export async function showCurves(run) {
  const key = run ? `${run.number} ${run.hash}` : null;
  if (key === shared.drawn) return;
  shared.drawn = key;
  $("charts").hidden = !run;
  if (!run) return;
  const found = await guarded(() => ask("curve", { run: run.number }));
  if (found && key === shared.drawn) drawCurves(found);
}

export function tile(title, value, note = "", look = "") {
  return el("div", { className: look }, el("dt", { textContent: title }), el("dd", { textContent: value }, note ? el("small", { textContent: note }) : null));
}

export function showTiles(run) {
  if (!run) {
    $("tiles").replaceChildren(tile("State", "Not solved yet", "Solve shows the best allocation"));
    return;
  }
  const good = run.status === "optimal" || run.status === "gap-closed";
  const bad = ["wrong", "error", "infeasible", "unsupported", "out-of-memory"].includes(run.status);
  const tiles = [
    tile("State", run.running ? (run.status === "waiting" ? "waiting" : "solving") : run.status, `${run.method}${run.seconds ? `, ${FEWER.format(run.seconds)} s` : ""}`, good ? "good" : bad ? "bad" : ""),
    tile("Benefit", run.primal === null ? "none yet" : points(run.primal), run.origin === "carried over" ? "points, checked: the last mandates under the rules as they stand" : run.running && !run.checked ? "points, claimed" : "points, checked"),
    tile("Upper bound", run.dual === null ? "none yet" : points(run.dual), "points"),
    tile("Gap", percent(run.gap)),
  ];
  if (!run.running || run.origin) {
    tiles.push(tile("Mandates", whole(run.mandates), `of ${plural(shared.state.instance.offers, "offer")}`));
    tiles.push(tile("Cases placed", percent(run.demand ? run.cases / run.demand : null), `${whole(run.cases)} of ${whole(run.demand)}`));
  }
  $("tiles").replaceChildren(...tiles);
}
