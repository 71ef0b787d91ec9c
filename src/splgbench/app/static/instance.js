/* The instance: its rules, and another one in its place. */

import { $, el, plural } from "./elements.js";
import { follow } from "./jobs.js";
import { showRuns } from "./outcome.js";
import { showPanel } from "./panels.js";
import { ask, complain, guarded, post, say, understood } from "./server.js";
import { shared } from "./session.js";
import { solveAgain } from "./solving.js";

export async function refresh() {
  shared.state = await ask("state");
  showInstance();
  showRuns();
}

function showInstance() {
  const { instance } = shared.state;
  $("title").textContent = instance.title || instance.name;
  document.title = `${instance.name} - splgbench`;
  const sizes = [plural(instance.hospitals, "hospital"), plural(instance.groups, "group"), plural(instance.areas, "area"), plural(instance.offers, "offer")];
  if (instance.regions) sizes.push(plural(instance.regions, "region"));
  if (instance.extensions.length) sizes.push(`extensions ${instance.extensions.join(", ")}`);
  $("sizes").textContent = `${instance.name}: ${sizes.join(", ")}`;
  $("kind").textContent = `${instance.kind} data`;
  $("kind").className = "badge" + (instance.kind === "real" ? "" : " caution");
  $("description").textContent = instance.description || "The package does not say.";
  $("capacity_mode").value = instance.rules.capacity_mode;
  for (const box of document.querySelectorAll("input[data-rule]")) box.checked = instance.rules[box.dataset.rule];
  const changed = [];
  if (instance.edits.length) changed.push(plural(instance.edits.length, "number") + " edited");
  if (instance.decisions.length) changed.push(plural(instance.decisions.length, "decision"));
  if (instance.own_overrides) changed.push(`${plural(instance.own_overrides, "override")} of the package`);
  $("changes").textContent = changed.join(", ");
}

export async function changeRule(event) {
  const control = event.target;
  const value = control.type === "checkbox" ? control.checked : control.value;
  await guarded(async () => {
    shared.state = await post("rules", { [control.dataset.rule]: value });
    await changed();
  });
  showInstance();
}

export async function changed() {
  showInstance();
  showRuns();
  if ($("instantly").checked) await solveAgain();
}

export async function load() {
  await starting("Loading the instance", () => post("load", { name: $("library").value }));
}

export async function upload() {
  const file = $("file").files[0];
  if (!file) return complain(new Error("Choose a zip of an instance package first."));
  await starting("Reading the package", async () => {
    return understood(await fetch("upload", { method: "POST", headers: { "x-name": encodeURIComponent(file.name) }, body: file }));
  });
}

async function starting(words, begin) {
  await guarded(async () => {
    say(`${words} ...`);
    const { job } = await begin();
    const found = await follow(job, (step) => say(`${words}: ${step.seconds.toFixed(0)} s`));
    if (found.error) throw new Error(found.error);
    shared.chosen = "";
    await refresh();
    say(`${shared.state.instance.name} is loaded.`);
    await showPanel();
  }).finally(() => { if (!$("error").hidden) say(""); });
}

export async function fillLibrary() {
  const found = await ask("library");
  $("library").replaceChildren(...Object.entries(found.families).map(([family, entries]) => el("optgroup", { label: `${family} (${entries[0].kind})` },
    ...entries.map((entry) => el("option", { value: entry.name, textContent: entry.offers === null ? entry.name : `${entry.name} - ${plural(entry.offers, "offer")}` })))));
  const direct = found.formulations.flatMap((formulation) => found.backends.map((backend) => `${formulation}@${backend}`));
  const group = (label, names) => el("optgroup", { label }, ...names.map((name) => el("option", { value: name, textContent: name })));
  shared.methodOptions = () => [group("Methods of their own", found.decompositions), group("Formulation @ solver", direct)];
  $("method").replaceChildren(...shared.methodOptions());
  $("method").value = shared.state.default_method;
  $("memory").value = String(shared.state.memory);
  const here = [...$("library").options].find((option) => shared.state.instance.name && option.value === shared.state.instance.name.replace(/-s[0-9]+$/, ""));
  if (here) $("library").value = here.value;
}
