/* What a run changes against another one. */

import { FEWER, NUMBER, el, whole } from "./elements.js";
import { filterChoice, grid } from "./grid.js";
import { tile } from "./outcome.js";
import { ask, guarded } from "./server.js";
import { shared, shown } from "./session.js";

export function buildDifference(panel) {
  const other = filterChoice("other", "Against run", [["", "none yet"]]);
  const sums = el("dl", { className: "tiles" });
  const few = el("p", { className: "soft", textContent: "Solve a second time, with other rules or another method, to compare." });
  const body = el("div");
  const newest = () => ({ run: String(shown().number) });
  const signed = (value, format) => (value === null ? "unknown" : (value > 0 ? "+" : "") + format(value));
  const view = grid(body, { path: "difference", query: newest, filters: [other], label: "Offers that differ", empty: "The allocations are the same." });
  panel.append(few, body);
  async function show() {
    const run = shown();
    if (!run) return;
    const others = shared.state.runs.filter((each) => each.number !== run.number).toReversed();
    few.hidden = others.length > 0;
    body.hidden = others.length === 0;
    if (!others.length) return;
    other.fill(others.map((each) => [String(each.number), each.label]));
    await view.show();
    const found = await guarded(() => ask("difference", { ...newest(), other: other.value }));
    if (!found) return;
    const told = found.sums;
    sums.replaceChildren(tile("Benefit", signed(told.points, (value) => FEWER.format(value)), "points"), tile("Mandates gained", whole(told.gained)), tile("Mandates lost", whole(told.lost)), tile("Cases placed", signed(told.cases, (value) => NUMBER.format(value))), tile("Cases that differ", whole(told.moved), "summed over offers"));
    body.insertBefore(sums, body.children[1]);
  }
  const only = other.onchange;
  other.onchange = async () => { await only(); await show(); };
  return { show };
}
