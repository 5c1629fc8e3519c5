// The simplest function with its data and its rival, and the price of a bend under it.

const reluPanels = (() => {
  const { element, line, linear, number } = draw;
  const [REACH, RISE] = [3, 2]; // of x and y, to both sides
  const HEIGHT = { function: 330, price: 190 };
  const find = (name) => document.querySelector(`#lab-relu [data-draws="${name}"]`);
  const two = (value) => value.toFixed(2).replace("-", "−");

  function functionPoints(x, y, found) {
    let [at, value, slope] = [x[0], y[0], found.first];
    const points = [[at, value]];
    for (const { k, change } of found.kinks) {
      value += slope * (k - at);
      at = k;
      slope += change;
      points.push([at, value]);
    }
    points.push([x[x.length - 1], value + slope * (x[x.length - 1] - at)]);
    return points;
  }

  // Returns the scales, `across` and `up`, by which the handles are placed.
  function drawFunction(x, y, found, other) {
    const svg = find("function");
    const { group, width, height } = draw.canvas(svg, HEIGHT.function);
    const size = { across: linear(-REACH, REACH, 12, width - 12), up: linear(-RISE - 0.3, RISE + 0.3, height - 22, 4) };
    const place = ([at, value]) => [size.across(at), size.up(value)];
    element(group, "path", {
      class: "lab-axis",
      d: `M12 ${size.up(0)}H${width - 12}M${size.across(0)} 4V${height - 22}`,
    });
    for (const tick of [-3, -2, -1, 0, 1, 2, 3])
      element(
        group,
        "text",
        { x: size.across(tick), y: height - 6, "text-anchor": "middle" },
        String(tick).replace("-", "−"),
      );
    if (other) line(group, other.points.map(place), "lab-rival");
    const points = functionPoints(x, y, found);
    line(group, points.map(place), "lab-exact lab-simplest");
    points.slice(1, -1).forEach((point) => {
      const [cx, cy] = place(point);
      element(group, "circle", { class: "lab-kink", cx, cy, r: 11 });
    });
    drawPulls(group, x, y, place, relu.pulls(x, y, found.value));
    return size;
  }

  function drawPulls(group, x, y, place, pulls) {
    const largest = Math.max(...pulls.map(Math.abs)) || 1;
    pulls.forEach((pull, i) => {
      if (pull === 0) return;
      const [length, way] = [8 + (28 * Math.abs(pull)) / largest, -Math.sign(pull)];
      const [at, start] = place([x[i], y[i]]);
      const end = start + way * (13 + length);
      line(
        group,
        [
          [at, start + way * 13],
          [at, end],
        ],
        "lab-pull",
      );
      line(
        group,
        [
          [at - 4, end - 5 * way],
          [at, end],
          [at + 4, end - 5 * way],
        ],
        "lab-pull",
      );
    });
  }

  function drawPrice(x, found) {
    const svg = find("price");
    const { group, width, height } = draw.canvas(svg, HEIGHT.price);
    const across = linear(-REACH, REACH, 12, width - 12);
    const walls = x.slice(1).flatMap((right, i) =>
      [...Array(41).keys()].map((cell) => {
        const k = cell === 40 ? right : x[i] + (cell / 40) * (right - x[i]);
        return [k, relu.cost(x, k, cell === 0 ? "right" : cell === 40 ? "left" : null)];
      }),
    );
    const most = Math.max(...walls.map(([, price]) => price));
    const up = linear(-1.08 * most, 1.08 * most, height - 6, 6);
    const placed = (sign) => walls.map(([k, price]) => [across(k), up(sign * price)]);
    const outline = [...placed(1), ...placed(-1).reverse()]
      .map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`)
      .join(" ");
    element(group, "polygon", { class: "lab-channel", points: outline });
    x.forEach((at) => {
      // the notch of each datum, where w falls
      const price = relu.cost(x, at);
      for (const sign of [1, -1])
        element(group, "circle", { class: "lab-wall", cx: across(at), cy: up(sign * price), r: 2.5 });
    });
    element(group, "path", { class: "lab-axis", d: `M12 ${up(0)}H${width - 12}` });
    for (const value of draw.round(most, 3)) element(group, "text", { x: 10, y: up(value) - 3 }, number(value, 2));
    line(
      group,
      x.map((at, i) => [across(at), up(found.string[i])]),
      "lab-string",
    );
    for (const { k, change, cost } of found.kinks)
      element(group, "circle", { class: "lab-touches", cx: across(k), cy: up(Math.sign(change) * cost), r: 5 });
    svg.setAttribute(
      "aria-label",
      `The price w of a bend, ${number(most)} at most; the string touches it at ` +
        `${found.kinks.map(({ k }) => `x = ${two(k)}`).join(", ") || "no place"}.`,
    );
  }

  return { REACH, RISE, drawFunction, drawPrice, two };
})();
