// SVG in pixels of its place, so that its letters are of one size on a phone and on a desk; numbers as they are read.

const draw = (() => {
  function element(parent, name, attributes = {}, text = null) {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== null) made.textContent = text;
    parent.append(made);
    return made;
  }

  // The drawing's group, emptied, and its size; what is focused in other groups stays.
  function canvas(svg, height) {
    const width = Math.max(260, svg.parentElement.clientWidth || 320);
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    svg.setAttribute("height", height);
    let group = svg.querySelector("g.lab-drawing");
    if (!group) {
      group = element(svg, "g", { class: "lab-drawing", "aria-hidden": "true" });
      svg.prepend(group);
    }
    group.replaceChildren();
    return { group, width, height };
  }

  const line = (parent, points, kind) =>
    element(parent, "polyline", {
      class: kind,
      points: points.map(([x, y]) => `${x.toFixed(2)},${y.toFixed(2)}`).join(" "),
    });

  const linear = (from, to, start, end) => (value) => start + ((value - from) / (to - from)) * (end - start);
  const logarithmic = (from, to, start, end) => (value) =>
    linear(Math.log(from), Math.log(to), start, end)(Math.log(value));

  // 1, 2 and 5 times powers of ten: about so many of them in a range from 0.
  function round(most, count) {
    const step = 10 ** Math.floor(Math.log10(most / count));
    const size = [1, 2, 5, 10].find((multiple) => most / (multiple * step) <= count) * step;
    return [...Array(Math.floor(most / size + 1e-9) + 1).keys()].map((i) => i * size);
  }

  function powers(from, to) {
    const found = [];
    for (let power = Math.ceil(Math.log10(from) - 1e-9); power <= Math.log10(to) + 1e-9; power++) found.push(power);
    return found;
  }

  const raised = (power) =>
    "10" + String(power).replace(/./g, (sign) => "⁰¹²³⁴⁵⁶⁷⁸⁹"["0123456789".indexOf(sign)] || "⁻");

  // Three significant digits; powers of ten where zeros would have to be counted.
  function number(value, digits = 3) {
    if (value === 0) return "0";
    const power = Math.floor(Math.log10(Math.abs(value)));
    if (power >= -3 && power < 5) return String(Number(value.toPrecision(digits))).replace("-", "−");
    const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
    return `${Number(mantissa)} · ${raised(Number(exponent))}`.replace("-", "−");
  }

  const percent = (ratio) => {
    const share = 100 * (ratio - 1);
    const size = Math.abs(share);
    return `${share < 0 ? "−" : "+"}${size < 10 ? size.toFixed(1) : Math.round(size)} %`;
  };

  // Calls with the page laid out, and again whenever the place's width changes.
  function onWidth(place, redraw) {
    let width = -1;
    new ResizeObserver(() => {
      if (place.clientWidth === width) return;
      width = place.clientWidth;
      requestAnimationFrame(redraw);
    }).observe(place);
  }

  return { canvas, element, line, linear, logarithmic, number, onWidth, percent, powers, raised, round };
})();
