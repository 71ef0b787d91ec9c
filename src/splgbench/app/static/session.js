/* What this page knows of its session on the server. */

import { $, FEWER } from "./elements.js";

export const shared = {
  state: null,          // What the server says of the session.
  chosen: "",           // The run that is shown; "" for the newest.
  live: 0,              // Number of the checked allocation of the solve under way that is shown; 0 for none, -1 where it is not wanted.
  following: null,      // The job that is watched.
  outdated: false,      // Whether the instance changed while it was solved, and is to be solved again.
  drawn: null,          // The run whose curves stand there.
  methodOptions: null,  // Makes the options of a choice of methods.
};

export const points = (value) => FEWER.format(value / shared.state.instance.utility_scale);

export const limits = () => ({ method: $("method").value, time: Number($("time").value), gap: Number($("gap").value) / 100, threads: Number($("threads").value), memory: Number($("memory").value) });

export function shown() {
  if (!shared.state || !shared.state.runs.length) return null;
  const wanted = shared.state.runs.find((run) => String(run.number) === shared.chosen);
  return wanted || shared.state.runs.at(-1);
}

/* The run that the views show: of a solve under way its best checked allocation. */
export const runQuery = () => ({ run: shared.live > 0 ? "live" : shown() ? String(shown().number) : "" });
