/* Curves, drawn by Plotly from what the report's own module describes. */

import { $ } from "./elements.js";

export function drawCurves(step) {
  $("charts").hidden = false;
  draw("bounds", step.bounds, step.lanes.length === 1);
  draw("gaps", step.gaps, true);
}

export function draw(id, spec, single) {
  if (!window.Plotly) return;
  const place = $(id), text = JSON.stringify(spec);
  if (place.drawn === text) return;
  place.drawn = text;
  if (!spec) { Plotly.purge(place); place.textContent = "No gap above 0 is known."; place.classList.add("soft"); return; }
  if (place.classList.contains("soft")) { place.textContent = ""; place.classList.remove("soft"); }
  const layout = { ...spec.layout, showlegend: !single, margin: { ...spec.layout.margin, t: single ? 8 : 12, b: 42 } };
  layout.font = { ...layout.font, size: 12 };
  layout.xaxis = { ...layout.xaxis, rangemode: "tozero" };
  Plotly.react(place, spec.data, layout, { responsive: true, displaylogo: false, displayModeBar: false });
}
