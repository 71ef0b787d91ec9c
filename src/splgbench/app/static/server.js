/* Talking to the server, and telling the user. */

import { $ } from "./elements.js";

export async function ask(path, query = {}, body = null) {
  const parts = Object.entries(query).filter(([, value]) => value !== "" && value !== null && value !== undefined);
  const address = path + (parts.length ? "?" + new URLSearchParams(parts) : "");
  const options = body === null ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  let response;
  try {
    response = await fetch(address, options);
  } catch {
    throw new Error("The app does not answer: it may have been ended.");
  }
  return understood(response);
}

export async function understood(response) {
  const found = await response.json().catch(() => ({ error: `The app answers with an error (${response.status}).` }));
  if (!response.ok) throw new Error(found.error);
  return found;
}

export function say(text) { $("message").textContent = text; }

export function complain(error) {
  $("error").textContent = error ? error.message || String(error) : "";
  $("error").hidden = !error;
}

/* An error stands until the user does something else: views that are drawn anew leave it there. */
export async function guarded(work) {
  try {
    return await work();
  } catch (error) {
    complain(error);
    return null;
  }
}

export const post = (path, body = {}) => ask(path, {}, body);
