// The ReLU problem in the reader's hands: points that move, the simplest function through them, and a rival to it.

(() => {
  const part = document.getElementById("lab-relu");
  const find = (kind, name) => part.querySelector(`[data-${kind}="${name}"]`);
  const { number } = draw;
  const { REACH, two } = reluPanels;
  const { clamped, rounded } = handle;

  const GAP = 0.1; // the least distance of two data
  const DATA = {
    bend: [
      [-2.4, -1.5, -0.6, 0.4, 1.3, 2.4],
      [-1.3, -1.3, -1.3, -0.3, 0.6, 1.7],
    ],
    collinear: [
      [-2.6, -1.8, -1, 0.2, 1.2, 2.2],
      [1, 0.6, 0.2, -0.4, 0.6, 1.6],
    ],
    zigzag: [
      [-2.4, -1.5, -0.5, 0.5, 1.5, 2.4],
      [-0.5, 0.75, -0.6, 0.9, -0.75, 0.5],
    ],
    between: [
      [-2.8, -2.55, -0.25, 1.2, 1.3, 2.3],
      [1.6, 1.1, -1.2, -1.2, -1.15, 0.35],
    ],
  };

  let [x, y] = DATA.collinear.map((row) => row.slice());
  let knots = []; // of the reader's own function: one between neighbours, at a share of the way, so high

  const rivalName = () => part.querySelector("input[name=lab-rival]:checked").value;

  function resetKnots() {
    const { second } = relu.spline(x, y);
    knots = x.slice(1).map((right, i) => ({ share: 0.5, height: splineAt(second, i, 0.5) }));
  }

  function splineAt(second, i, share) {
    const width = x[i + 1] - x[i];
    const [a, b] = [1 - share, share];
    return a * y[i] + b * y[i + 1] + (((a ** 3 - a) * second[i] + (b ** 3 - b) * second[i + 1]) * (width * width)) / 6;
  }

  const knotX = (knot, i) => x[i] + knot.share * (x[i + 1] - x[i]);

  // The rival's R, changes of convexity, and points to draw.
  function rival() {
    const name = rivalName();
    if (name === "none") return null;
    if (name === "spline") {
      const found = relu.spline(x, y);
      const shares = [...Array(25).keys()].map((cell) => cell / 24);
      const points = knots.flatMap((_, i) =>
        shares.map((share) => [x[i] + share * (x[i + 1] - x[i]), splineAt(found.second, i, share)]),
      );
      return { ...found, points, title: "The spline" };
    }
    const bend = (i) => (name === "own" && i < knots.length ? [[knotX(knots[i], i), knots[i].height]] : []);
    const points = x.flatMap((at, i) => [[at, y[i]], ...bend(i)]);
    return { ...relu.through(x, points), points, title: name === "own" ? "Yours" : "Dot to dot" };
  }

  function say(found, other) {
    const times = (count, thing) => `${count} ${thing}${count === 1 ? "" : "s"}`;
    const forced = relu.forcedChanges(x, y);
    const bends = (one) => `${times(one.convexityChanges, "change")} of convexity`;
    let text =
      `Least R = ${number(found.value, 5)}, with ${times(found.kinks.length, "kink")} and ${bends(found)}: the data ` +
      `force ${forced}. No network can have less than ${number(found.bound, 5)} (the proof's gap: ` +
      `${number(Math.max(0, found.value - found.bound), 1)}).`;
    if (other) {
      const more = other.value / found.value - 1;
      text +=
        more < 1e-9
          ? ` ${other.title}: the same R, so it is as simple.`
          : ` ${other.title}: R = ${number(other.value, 5)}, ${number(100 * more, 2)} % more, with ${bends(other)}.`;
    }
    find("shows", "said").textContent = text;
  }

  function tabulate(found) {
    const rows = found.kinks.map(({ k, change, side, cost }) => {
      const datum = x.indexOf(k);
      return [
        datum < 0 ? two(k) : `${two(k)} (point ${datum + 1})`,
        number(change),
        number(cost),
        number(cost * Math.abs(change)),
        side,
      ];
    });
    rows.push(["any f pays", "", "", number(relu.constant(x)), ""]);
    find("shows", "table").replaceChildren(
      ...rows.map((texts) => {
        const row = document.createElement("tr");
        texts.forEach((text, i) => {
          const cell = document.createElement(i ? "td" : "th");
          if (!i) cell.scope = "row";
          cell.textContent = text;
          row.append(cell);
        });
        return row;
      }),
    );
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
    const scales = reluPanels.drawFunction(x, y, found, other);
    knotHandles.forEach(({ place }) => place(scales, rivalName() === "own"));
    pointHandles.forEach(({ place }) => place(scales, true));
    reluPanels.drawPrice(x, found);
    say(found, other);
    tabulate(found);
  }

  const knotHandles = x.slice(1).map((_, i) =>
    handle.make("knot", `bend between points ${i + 1} and ${i + 2}`, {
      at: () => [knotX(knots[i], i), knots[i].height],
      move: (toX, toY) => {
        knots[i] = { share: clamped((toX - x[i]) / (x[i + 1] - x[i]), 0.02, 0.98), height: toY };
        show();
      },
      told: () => `x = ${two(knotX(knots[i], i))}: height = ${two(knots[i].height)}`,
    }),
  );
  const pointHandles = x.map((_, i) =>
    handle.make("point", `point ${i + 1}`, {
      at: () => [x[i], y[i]],
      move: (toX, toY) => {
        const low = i > 0 ? x[i - 1] + GAP : -REACH;
        const high = i + 1 < x.length ? x[i + 1] - GAP : REACH;
        x[i] = rounded(clamped(rounded(toX), low, high));
        y[i] = toY;
        show();
      },
      told: () => `x = ${two(x[i])}: y = ${two(y[i])}`,
    }),
  );

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
