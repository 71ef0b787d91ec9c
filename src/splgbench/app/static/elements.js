/* What pages are made of, and numbers as people read them. */

export const $ = (id) => document.getElementById(id);
export const NUMBER = new Intl.NumberFormat("en");
export const FEWER = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });

export function el(name, properties = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key in node && key !== "list" && key !== "role") node[key] = value;
    else node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

export function svg(name, attributes = {}, ...children) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

export function percent(value) {
  if (value === null || value === undefined) return "unknown";
  if (value === 0) return "0 %";
  const shown = 100 * value;
  return `${Math.abs(shown) < 0.1 ? shown.toPrecision(2) : FEWER.format(shown)} %`;
}

export const whole = (value) => (value === null || value === undefined ? "none yet" : NUMBER.format(Math.round(value)));

export const plural = (count, noun) => `${NUMBER.format(count)} ${noun}${count === 1 ? "" : "s"}`;
