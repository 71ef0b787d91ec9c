/* Solving the instance as it stands. */

import { drawCurves } from "./charts.js";
import { $, percent } from "./elements.js";
import { refresh } from "./instance.js";
import { follow } from "./jobs.js";
import { showTiles } from "./outcome.js";
import { PANELS, openPanel, showPanel } from "./panels.js";
import { guarded, post, say } from "./server.js";
import { limits, shared } from "./session.js";

let solving = false;

/* After a change: what is solved already ends, and is solved again as it then stands. */
export async function solveAgain() {
  if (!solving) return solve();
  shared.outdated = true;
}

/* Solve the instance as it stands; while that lasts, asking again changes nothing.
   `job` is a solve that is under way, for a page that was loaded again. */
export async function solve(job = null) {
  if (solving) return;
  solving = true;
  try {
    do {
      shared.outdated = false;
      const began = performance.now();
      await guarded(async () => watchSolve(job || (await begun("solve", limits())).job, began));
      job = null;
    } while (shared.outdated);
  } finally {
    solving = false;
  }
}

/* What another tab of this session has begun is watched here, too. */
export async function begun(path, body) {
  try {
    return await post(path, body);
  } catch (error) {
    await refresh();
    if (shared.state.job) guarded(resume);
    throw error;
  }
}

/* Watch the job that is under way, of whatever kind. */
export async function resume() {
  const { job, job_kind: kind } = shared.state;
  if (!job || shared.following) return;
  if (kind === "solve") return solving ? watchSolve(job, performance.now()) : solve(job);
  if (kind === "race") { await openPanel("race"); return guarded(() => PANELS.find((panel) => panel.key === "race").view.watch(job)); }
  await follow(job, (step) => say(`${step.kind}: ${step.seconds.toFixed(0)} s`));
  say("");
  await refresh();
  await showPanel();
}

async function watchSolve(job, began) {
  const since = () => ((performance.now() - began) / 1000).toFixed(2);
  delete document.body.dataset.first;
  const found = await follow(job, (step) => {
    const lane = step.lanes[0];
    const gap = lane.gap === null ? "" : `, gap ${percent(lane.gap)}`;
    say(step.done ? "" : `${lane.method}: ${step.seconds.toFixed(1)} s${gap}`);
    drawCurves(step);
    shared.drawn = "live";
    if (!step.done) showTiles({ ...lane, ...step.live, running: true, checked: Boolean(step.live) });
    if (!step.done && step.live && step.live.number > shared.live) showLive(step.live.number, since);
  }).finally(() => { shared.live = 0; });
  await drawing;
  if (shared.outdated) return;
  if (found.error) throw new Error(found.error);
  shared.chosen = "";
  await refresh();
  await showPanel();
  const seconds = since();
  document.body.dataset.first ??= seconds;
  document.body.dataset.solved = seconds;
  say(`${found.lanes[0].method}: ${found.lanes[0].status} after ${seconds} s.`);
}

/* The views of the best checked allocation so far, unless somebody is at work in them. */
let drawing = null;

async function showLive(number, since) {
  if (shared.live < 0 || $("panels").contains(document.activeElement) || document.querySelector("dialog[open]")) return;
  shared.live = number;
  await (drawing = showPanel(true));
  document.body.dataset.first ??= since();
}
