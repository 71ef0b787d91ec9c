/* Decisions: their table, and the dialog that shows the price before one is taken. */

import { $, el, percent, plural, whole } from "./elements.js";
import { changed } from "./instance.js";
import { question, stop } from "./jobs.js";
import { showPanel } from "./panels.js";
import { guarded, post, say } from "./server.js";
import { points, shared } from "./session.js";
import { begun } from "./solving.js";

let asked = null;  // The offer that the dialog is about.

export function buildDecisions(panel) {
  async function show() {
    const { decisions, own_overrides: own } = shared.state.instance;
    const parts = [];
    if (own) parts.push(el("p", { className: "soft", textContent: `${plural(own, "override")} of the package hold, too.` }));
    if (!decisions.length) parts.push(el("p", { className: "soft", textContent: "No decision has been taken here. Decide on an offer in the table of offers." }));
    else {
      const head = el("tr", {}, ...["Hospital", "Group", "Decision", "Reason", "By", "On", ""].map((title) => el("th", { scope: "col", textContent: title })));
      const rows = decisions.map((row, number) => el("tr", {}, el("td", { textContent: row[0] }), el("td", { textContent: row[1] }),
        el("td", { textContent: [row[2], row[3] ?? "", row[4]].filter((part) => part !== "").join(" ") }), el("td", { textContent: row[5] }), el("td", { textContent: row[6] }), el("td", { textContent: row[7] }),
        el("td", { className: "acts" }, el("button", { type: "button", className: "small", textContent: "Withdraw", "aria-label": `Withdraw ${row[2]} ${row[0]} ${row[1]}`, onclick: () => guarded(async () => {
          shared.state = await post("withdraw", { number });
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

export const offerWords = (row) => `${row.hospital_name === row.hospital || !row.hospital_name ? row.hospital : `${row.hospital_name} (${row.hospital})`}, ${row.group_name === row.group || !row.group_name ? row.group : `${row.group} ${row.group_name}`}`;

export function openDecision(row) {
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

export function unpriced() {
  priced = false;
  $("cases-field").hidden = $("action").value !== "fix";
  $("rule-field").hidden = $("action").value !== "exempt";
  answer("price", []);
  mayCommit();
}

export function mayCommit() { $("commit").disabled = !(priced && $("reason").value.trim() && $("author").value.trim()); }

export function answer(id, parts, bad = false) {
  $(id).replaceChildren(...parts);
  $(id).classList.toggle("bad", bad);
}

export const paragraph = (text) => el("p", { textContent: text });

export async function askPrice() {
  try {
    const { job } = await begun("price", decision());
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

export async function commit() {
  try {
    shared.state = await post("commit", decision());
    $("decide").close();
    say(`Taken: ${$("action").value} ${asked.hospital} ${asked.group}. Solve for the allocation with it.`);
    await changed();
    await showPanel();
  } catch (error) {
    answer("price", [paragraph(error.message)], true);
  }
}
