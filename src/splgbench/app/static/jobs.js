/* Work of the server that the page waits for. */

import { $ } from "./elements.js";
import { ask, guarded, post } from "./server.js";
import { shared } from "./session.js";

const POLL = 250, FIRST = 40;

export async function follow(job, onStep) {
  shared.following = job;
  busy(true);
  let found;
  try {
    for (let wait = FIRST; ; wait = POLL) {
      await new Promise((resolve) => setTimeout(resolve, wait));
      if (shared.outdated) await post("stop", { job });
      found = await ask("progress", { job });
      onStep(found);
      if (found.done) return found;
    }
  } finally {
    shared.following = null;
    busy(false);
  }
}

function busy(on) {
  for (const button of document.querySelectorAll("#solve, #load, #upload, #ask-price, [data-starts]")) button.disabled = on;
  $("stop").disabled = !on;
  document.body.dataset.busy = on ? "yes" : "no";
}

export async function stop() {
  if (shared.following) await guarded(() => post("stop", { job: shared.following }));
}

let asking = false;

export const isAsking = () => asking;

export async function question(job, onStep) {
  asking = true;
  try {
    return await follow(job, onStep);
  } finally {
    asking = false;
  }
}
