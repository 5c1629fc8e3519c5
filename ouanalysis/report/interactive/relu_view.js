// The ReLU problem in the reader's hands: points that move, the simplest function through them, and a rival to it.

(() => {
  const part = document.getElementById("lab-relu");
  const find = (kind, name) => part.querySelector(`[data-${kind}="${name}"]`);
  const { element, line, linear, number } = draw;

  const [REACH, RISE, STEP, GAP] = [3, 2, 0.05, 0.1]; // of x, of y, a key's step, the least distance of two data
  const HEIGHT = { function: 330, price: 190 };
  const DATA = {
    bend: [[-2.4, -1.5, -0.6, 0.4, 1.3, 2.4], [-1.3, -1.3, -1.3, -0.3, 0.6, 1.7]],
    collinear: [[-2.6, -1.8, -1, 0.2, 1.2, 2.2], [1, 0.6, 0.2, -0.4, 0.6, 1.6]],
    zigzag: [[-2.4, -1.5, -0.5, 0.5, 1.5, 2.4], [-0.5, 0.75, -0.6, 0.9, -0.75, 0.5]],
    between: [[-2.8, -2.55, -0.25, 1.2, 1.3, 2.3], [1.6, 1.1, -1.2, -1.2, -1.15, 0.35]],
  };

  let [x, y] = DATA.collinear.map((row) => row.slice());
  let knots = []; // of the reader's own function: one between neighbours, at a share of the way, so high
  let size = { across: null, up: null };

  const rounded = (value) => Math.round(value / STEP) / Math.round(1 / STEP);
  const clamped = (value, low, high) => Math.min(high, Math.max(low, value));
  const rivalName = () => part.querySelector("input[name=lab-rival]:checked").value;
  const two = (value) => value.toFixed(2).replace("-", "−");

  function resetKnots() {
    const { second } = relu.spline(x, y);
    knots = x.slice(1).map((right, i) => ({ share: 0.5, height: splineAt(second, i, 0.5) }));
  }

  function splineAt(second, i, share) {
    const width = x[i + 1] - x[i];
    const [a, b] = [1 - share, share];
    return a * y[i] + b * y[i + 1] + ((a ** 3 - a) * second[i] + (b ** 3 - b) * second[i + 1]) * (width * width) / 6;
  }

  const knotX = (knot, i) => x[i] + knot.share * (x[i + 1] - x[i]);

  // The rival's R, changes of convexity, and points to draw.
  function rival() {
    const name = rivalName();
    if (name === "none") return null;
    if (name === "spline") {
      const found = relu.spline(x, y);
      const points = x.slice(1).flatMap((_, i) =>
        [...Array(25).keys()].map((cell) => [x[i] + (cell / 24) * (x[i + 1] - x[i]), splineAt(found.second, i, cell / 24)]));
      return { ...found, points, title: "The spline" };
    }
    const points = x.map((at, i) => [at, y[i]]);
    if (name === "own") points.splice(0, points.length, ...x.flatMap((at, i) =>
      i < knots.length ? [[at, y[i]], [knotX(knots[i], i), knots[i].height]] : [[at, y[i]]]));
    return { ...relu.through(x, points), points, title: name === "own" ? "Yours" : "Dot to dot" };
  }

  function functionPoints(found) {
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

  function drawFunction(found, other) {
    const svg = find("draws", "function");
    const { group, width, height } = draw.canvas(svg, HEIGHT.function);
    size = { across: linear(-REACH, REACH, 12, width - 12), up: linear(-RISE - 0.3, RISE + 0.3, height - 22, 4) };
    const place = ([at, value]) => [size.across(at), size.up(value)];
    element(group, "path", { class: "lab-axis", d: `M12 ${size.up(0)}H${width - 12}M${size.across(0)} 4V${height - 22}` });
    for (const tick of [-3, -2, -1, 0, 1, 2, 3])
      element(group, "text", { x: size.across(tick), y: height - 6, "text-anchor": "middle" }, String(tick).replace("-", "−"));
    if (other) line(group, other.points.map(place), "lab-rival");
    const points = functionPoints(found);
    line(group, points.map(place), "lab-exact lab-simplest");
    points.slice(1, -1).forEach((point) => {
      const [cx, cy] = place(point);
      element(group, "circle", { class: "lab-kink", cx, cy, r: 11 });
    });
    drawPulls(group, relu.pulls(x, y, found.value), place);
    handles.forEach((handle) => handle.place());
  }

  function drawPulls(group, pulls, place) {
    const largest = Math.max(...pulls.map(Math.abs)) || 1;
    pulls.forEach((pull, i) => {
      if (pull === 0) return;
      const [length, way] = [8 + (28 * Math.abs(pull)) / largest, -Math.sign(pull)];
      const [at, start] = place([x[i], y[i]]);
      const end = start + way * (13 + length);
      line(group, [[at, start + way * 13], [at, end]], "lab-pull");
      line(group, [[at - 4, end - 5 * way], [at, end], [at + 4, end - 5 * way]], "lab-pull");
    });
  }

  function drawPrice(found) {
    const svg = find("draws", "price");
    const { group, width, height } = draw.canvas(svg, HEIGHT.price);
    const across = linear(-REACH, REACH, 12, width - 12);
    const walls = x.slice(1).flatMap((right, i) =>
      [...Array(41).keys()].map((cell) => {
        const k = cell === 40 ? right : x[i] + (cell / 40) * (right - x[i]);
        return [k, relu.cost(x, k, cell === 0 ? "right" : cell === 40 ? "left" : null)];
      }));
    const most = Math.max(...walls.map(([, price]) => price));
    const up = linear(-1.08 * most, 1.08 * most, height - 6, 6);
    const placed = (sign) => walls.map(([k, price]) => [across(k), up(sign * price)]);
    const outline = [...placed(1), ...placed(-1).reverse()].map(([a, b]) => `${a.toFixed(1)},${b.toFixed(1)}`).join(" ");
    element(group, "polygon", { class: "lab-channel", points: outline });
    x.forEach((at) => { // the notch of each datum, where w falls
      const price = relu.cost(x, at);
      for (const sign of [1, -1]) element(group, "circle", { class: "lab-wall", cx: across(at), cy: up(sign * price), r: 2.5 });
    });
    element(group, "path", { class: "lab-axis", d: `M12 ${up(0)}H${width - 12}` });
    for (const value of draw.round(most, 3))
      element(group, "text", { x: 10, y: up(value) - 3 }, number(value, 2));
    line(group, x.map((at, i) => [across(at), up(found.string[i])]), "lab-string");
    for (const { k, change, cost } of found.kinks)
      element(group, "circle", { class: "lab-touches", cx: across(k), cy: up(Math.sign(change) * cost), r: 5 });
    svg.setAttribute("aria-label", `The price w of a bend, ${number(most)} at most; the string touches it at ` +
      `${found.kinks.map(({ k }) => `x = ${two(k)}`).join(", ") || "no place"}.`);
  }

  function say(found, other) {
    const times = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
    const forced = relu.forcedChanges(x, y);
    let text = `Least R = ${number(found.value, 5)}, with ${times(found.kinks.length, "kink")} and ` +
      `${times(found.convexityChanges, "change")} of convexity: the data force ${forced}. No network can have less than ` +
      `${number(found.bound, 5)} (the proof's gap: ${number(Math.max(0, found.value - found.bound), 1)}).`;
    if (other) {
      const more = other.value / found.value - 1;
      text += more < 1e-9
        ? ` ${other.title}: the same R, so it is as simple.`
        : ` ${other.title}: R = ${number(other.value, 5)}, ${number(100 * more, 2)} % more, with ${times(other.convexityChanges, "change")} of convexity.`;
    }
    find("shows", "said").textContent = text;
  }

  function tabulate(found) {
    const rows = found.kinks.map(({ k, change, side, cost }) => {
      const datum = x.indexOf(k);
      return [datum < 0 ? two(k) : `${two(k)} (point ${datum + 1})`, number(change), number(cost), number(cost * Math.abs(change)), side];
    });
    rows.push(["any f pays", "", "", number(relu.constant(x)), ""]);
    find("shows", "table").replaceChildren(...rows.map((texts) => {
      const row = document.createElement("tr");
      texts.forEach((text, i) => {
        const cell = document.createElement(i ? "td" : "th");
        if (!i) cell.scope = "row";
        cell.textContent = text;
        row.append(cell);
      });
      return row;
    }));
  }

  function show() {
    const start = performance.now();
    const found = relu.simplest(x, y);
    part.dataset.milliseconds = performance.now() - start;
    const other = rival();
    Object.assign(part.dataset, {
      x: JSON.stringify(x),
      y: JSON.stringify(y),
      value: found.value,
      bound: found.bound,
      changes: found.convexityChanges,
      kinks: JSON.stringify(found.kinks.map(({ k, change }) => [k, change])),
      rival: other ? other.value : "",
      rivalPoints: JSON.stringify(other ? other.points : []),
    });
    drawFunction(found, other);
    drawPrice(found);
    say(found, other);
    tabulate(found);
  }

  // What can be taken hold of: `at` says where it is, `move` puts it as near to a place as it may go, `told` reads it.
  function handle(kind, name, { at, move, told }) {
    const svg = find("draws", "function");
    const group = element(svg, "g", { class: `lab-handle lab-${kind}-handle`, tabindex: 0, role: "slider", "aria-label": name });
    group.setAttribute("aria-orientation", "vertical");
    group.setAttribute("aria-valuemin", -RISE);
    group.setAttribute("aria-valuemax", RISE);
    element(group, "circle", { class: "lab-touch", r: 20 });
    element(group, "circle", { class: "lab-ring", r: 15 });
    if (kind === "point") element(group, "circle", { class: "lab-datum", r: 6.5 });
    else element(group, "path", { class: "lab-knot", d: "M0-7L7 0L0 7L-7 0Z" });
    const to = (toX, toY) => {
      move(toX, clamped(rounded(toY), -RISE, RISE));
      show();
    };
    group.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      group.focus({ preventScroll: true });
      group.setPointerCapture(event.pointerId);
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      const box = svg.getBoundingClientRect();
      const [low, high] = [size.across(0), size.up(0)];
      to((event.clientX - box.left - low) / (size.across(1) - low), (event.clientY - box.top - high) / (size.up(1) - high));
    });
    group.addEventListener("keydown", (event) => {
      const way = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const far = event.shiftKey ? 5 * STEP : STEP;
      to(at()[0] + far * way[0], at()[1] + far * way[1]);
    });
    const place = () => {
      group.setAttribute("transform", `translate(${size.across(at()[0])},${size.up(at()[1])})`);
      group.setAttribute("aria-valuenow", two(at()[1]).replace("−", "-"));
      group.setAttribute("aria-valuetext", told());
      group.classList.toggle("lab-hidden", kind === "knot" && rivalName() !== "own");
    };
    return { place };
  }

  const knotHandles = x.slice(1).map((_, i) =>
    handle("knot", `bend between points ${i + 1} and ${i + 2}`, {
      at: () => [knotX(knots[i], i), knots[i].height],
      move: (toX, toY) => (knots[i] = { share: clamped((toX - x[i]) / (x[i + 1] - x[i]), 0.02, 0.98), height: toY }),
      told: () => `x = ${two(knotX(knots[i], i))}: height = ${two(knots[i].height)}`,
    }));
  const pointHandles = x.map((_, i) =>
    handle("point", `point ${i + 1}`, {
      at: () => [x[i], y[i]],
      move: (toX, toY) => {
        const low = i > 0 ? x[i - 1] + GAP : -REACH;
        const high = i + 1 < x.length ? x[i + 1] - GAP : REACH;
        x[i] = rounded(clamped(rounded(toX), low, high));
        y[i] = toY;
      },
      told: () => `x = ${two(x[i])}: y = ${two(y[i])}`,
    }));
  const handles = [...knotHandles, ...pointHandles];

  for (const button of part.querySelectorAll("[data-data]"))
    button.addEventListener("click", () => {
      [x, y] = DATA[button.dataset.data].map((row) => row.slice());
      resetKnots();
      show();
    });
  for (const choice of part.querySelectorAll("input[name=lab-rival]"))
    choice.addEventListener("change", () => {
      resetKnots();
      show();
    });
  resetKnots();
  show();
  draw.onWidth(part, show);
})();
