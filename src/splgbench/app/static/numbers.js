/* Numbers that are edited in place. */

import { NUMBER, el } from "./elements.js";
import { filterChoice, filterText, grid } from "./grid.js";
import { changed } from "./instance.js";
import { showPanel } from "./panels.js";
import { complain, guarded, post, say } from "./server.js";
import { shared } from "./session.js";

export function buildNumbers(panel) {
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
        shared.state = await post("edit", { table, column: column.key, row: id, value: typed });
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
  const { edits } = shared.state.instance;
  if (!edits.length) return place.replaceChildren(el("p", { className: "soft", textContent: "Choose a number to edit it; Enter keeps the new one, Escape the old one." }));
  const rows = edits.map((edit, number) => el("tr", {}, el("td", { textContent: edit.label }), el("td", { textContent: `${edit.table}, ${edit.column.replaceAll("_", " ")}` }),
    el("td", { className: "n", textContent: NUMBER.format(edit.before) }), el("td", { className: "n", textContent: edit.value }),
    el("td", { className: "acts" }, el("button", { type: "button", className: "small", textContent: "Undo", "aria-label": `Undo ${edit.label}`, onclick: () => guarded(async () => {
      shared.state = await post("undo", { number });
      await changed();
      await again();
    }) }))));
  const head = el("tr", {}, ...["Row", "Number", "Before", "Now", ""].map((title) => el("th", { scope: "col", textContent: title })));
  place.replaceChildren(el("h3", { textContent: "Edited" }), el("table", { "aria-label": "Edited numbers" }, el("thead", {}, head), el("tbody", {}, ...rows)));
}
