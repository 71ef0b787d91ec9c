/* What the tests ask of a page as it stands: contrast of its text, names of its controls, where the focus is. */
globalThis.checks = (() => {
  const parse = (text) => (text.match(/[\d.]+/g) || []).map(Number);
  const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  const luminance = ([r, g, b]) => 0.2126 * linear(r / 255) + 0.7152 * linear(g / 255) + 0.0722 * linear(b / 255);
  const over = (top, below) => (top[3] === undefined ? top : [0, 1, 2].map((i) => top[3] * top[i] + (1 - top[3]) * below[i]));

  function ground(node) {
    if (!node) return [255, 255, 255];
    const colour = parse(getComputedStyle(node).backgroundColor);
    return colour.length && colour[3] !== 0 ? over(colour, ground(node.parentElement)) : ground(node.parentElement);
  }

  /* Visible text below 4.5 to 1 (WCAG 2.2, 1.4.3); what is switched off is exempt there. */
  function contrast() {
    const low = [];
    for (const node of document.querySelectorAll("body *")) {
      if (node.closest("svg") || !node.checkVisibility() || node.disabled) continue;
      const own = [...node.childNodes].some((child) => child.nodeType === Node.TEXT_NODE && child.textContent.trim());
      if (!own && !["INPUT", "SELECT", "TEXTAREA"].includes(node.tagName)) continue;
      const back = ground(node);
      const [a, b] = [luminance(over(parse(getComputedStyle(node).color), back)), luminance(back)].sort((x, y) => y - x);
      const ratio = (a + 0.05) / (b + 0.05);
      if (ratio < 4.5) low.push(`${node.tagName} ${node.className} ${ratio.toFixed(2)} ${node.textContent.trim().slice(0, 30)}`);
    }
    return low;
  }

  /* Visible controls without a name. */
  function unnamed() {
    const controls = [...document.querySelectorAll("input, select, textarea, button, a[href]")];
    const named = (node) => node.labels?.length || node.getAttribute("aria-label") || node.textContent.trim();
    return controls.filter((node) => node.checkVisibility() && !named(node)).map((node) => node.outerHTML.slice(0, 80));
  }

  /* Name, outline style and outline width of what has the focus. */
  function focus() {
    const node = document.activeElement, style = getComputedStyle(node);
    return [node.id || node.textContent.trim().slice(0, 20), style.outlineStyle, parseFloat(style.outlineWidth)];
  }

  return { contrast, unnamed, focus };
})();
