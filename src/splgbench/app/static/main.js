/* One page, one session. All that is shown comes from the server and goes in as text, never as markup. */

import { askPrice, commit, mayCommit, unpriced } from "./decisions.js";
import { $ } from "./elements.js";
import { changeRule, fillLibrary, load, refresh, upload } from "./instance.js";
import { isAsking, stop } from "./jobs.js";
import { showCurves, showRuns } from "./outcome.js";
import { buildPanels, showPanel } from "./panels.js";
import { complain, guarded } from "./server.js";
import { shared, shown } from "./session.js";
import { resume, solve } from "./solving.js";
import { decideInstead } from "./why.js";

function wire() {
  addEventListener("click", (event) => { if (event.target.closest("button")) complain(null); }, true);
  addEventListener("change", () => complain(null), true);
  for (const control of document.querySelectorAll("[data-rule]")) control.addEventListener("change", changeRule);
  $("load").addEventListener("click", load);
  $("upload").addEventListener("click", upload);
  $("solve").addEventListener("click", () => solve());
  $("stop").addEventListener("click", stop);
  $("run").addEventListener("change", async () => { shared.chosen = $("run").value; shared.live = shared.following ? -1 : 0; showRuns(); await showPanel(); });
  for (const id of ["action", "cases", "rule"]) $(id).addEventListener("input", unpriced);
  for (const id of ["reason", "author"]) $(id).addEventListener("input", mayCommit);
  $("ask-price").addEventListener("click", askPrice);
  $("commit").addEventListener("click", commit);
  $("why-decide").addEventListener("click", decideInstead);
  for (const dialog of document.querySelectorAll("dialog")) dialog.addEventListener("close", () => { if (isAsking()) stop(); });
  for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
  for (const form of document.querySelectorAll("form")) form.addEventListener("submit", (event) => event.preventDefault());
}

async function main() {
  wire();
  // The plotting library comes after the page.
  addEventListener("load", () => { shared.drawn = null; if (shared.state) showCurves(shown()); });
  buildPanels();
  await guarded(async () => {
    await refresh();
    await showPanel();
    document.body.dataset.ready = "yes";
    await fillLibrary();
    document.body.dataset.filled = "yes";
    await resume();
  });
}

main();
