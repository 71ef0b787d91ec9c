/* Why an offer has no mandate. */

import { answer, offerWords, openDecision, paragraph } from "./decisions.js";
import { $, FEWER, el, plural, whole } from "./elements.js";
import { question, stop } from "./jobs.js";
import { points, shared } from "./session.js";
import { begun } from "./solving.js";

let asked = null;  // The offer that the dialog is about.

export async function openWhy(row) {
  asked = row;
  $("why-offer").textContent = offerWords(row);
  const words = paragraph("Solving with the mandate granted ...");
  answer("why-answer", [words, el("button", { type: "button", className: "small", textContent: "Stop", onclick: stop })]);
  $("why").showModal();
  try {
    const { job } = await begun("why", { hospital: row.hospital, group: row.group, method: $("method").value, time: Number($("time").value) });
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
  const rows = found.shifts.slice(0, 15).map((shift) => el("tr", {}, ...[`${shift.hospital} ${shift.group}`, bond[shift.bond], FEWER.format(shift.utility / shared.state.instance.utility_scale), whole(shift.before), whole(shift.after)].map((text, i) => el("td", { className: i > 1 ? "n" : "", textContent: text }))));
  const head = el("tr", {}, ...["Offer", "What it shares", "Benefit a case", "Cases now", "Cases if granted"].map((title, i) => el("th", { scope: "col", className: i > 1 ? "n" : "", textContent: title })));
  const more = found.shifts.length - rows.length;
  const better = found.placed.filter((shift) => shift.offer !== found.offer).slice(0, 5).map((shift) => `${shift.hospital} (${FEWER.format(shift.utility / shared.state.instance.utility_scale)} a case, ${plural(shift.before, "case")})`);
  return [
    el("p", {}, el("strong", { className: "figure", textContent: loss })),
    paragraph(better.length ? `The need is placed at ${better.join(", ")}.` : "None of the need is placed."),
    el("h3", { textContent: "What would change" }),
    el("div", { className: "scroll" }, el("table", { "aria-label": "What would change" }, el("thead", {}, head), el("tbody", {}, ...rows))),
    ...(more > 0 ? [paragraph(`And ${plural(more, "offer")} more.`)] : []),
  ];
}

/* On from the explanation to the decision. */
export function decideInstead() {
  $("why").close();
  openDecision(asked);
}
