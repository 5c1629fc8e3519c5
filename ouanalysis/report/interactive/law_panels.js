// What the sliders over the law show: the noise floor, the spectrum, a run and the drift.
// `found`, the law's answer, is null past the limit.

const lawPanels = (() => {
  const { element, line, linear, logarithmic, number } = draw;
  const limits = network.batches.map((batch) => law.stabilityLimit(network, batch));
  const [least, most] = [0.005 * Math.max(...limits), 1.4 * Math.max(...limits)]; // of the slider's η
  const sizes = network.batches.map((batch) => (batch === "full" ? network.n : batch));
  const STEPS = 1200;
  const HEIGHT = 220;
  const find = (name) => document.querySelector(`#lab-law [data-draws="${name}"]`);

  // E L B̃/σ², exact, from the least η to just below each limit: of each batch.
  const curves = network.batches.map((batch, which) => {
    const shares = [...Array(90).keys()].map((i) => 1 - 10 ** (-2.3 * (i / 89)));
    const steps = [...Array(40).keys()].map((i) => least * ((0.1 * limits[which]) / least) ** (i / 40));
    const all = [...steps, ...shares.map((share) => limits[which] * (0.1 + 0.9 * share))];
    return all.map((lr) => [lr, law.answer(network, batch, lr, 1).floor]);
  });

  const refuse = (group, width, height) =>
    element(group, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no law at rest");

  function drawFloor({ which, lr, noise }, found) {
    const svg = find("floor");
    const { group, width, height } = draw.canvas(svg, HEIGHT);
    const across = logarithmic(least, most, 42, width - 6);
    const [low, high] = [1e-3, 60];
    const up = logarithmic(low, high, height - 26, 6);
    element(group, "path", { class: "lab-axis", d: `M42 6V${height - 26}H${width - 6}` });
    for (const power of draw.powers(low, high))
      element(group, "text", { x: 36, y: up(10 ** power) + 4, "text-anchor": "end" }, draw.raised(power));
    for (const tick of [0.01, 0.1, 1])
      if (tick < most)
        element(group, "text", { x: across(tick), y: height - 9, "text-anchor": "middle" }, String(tick));
    element(group, "text", { x: width - 6, y: height - 9, "text-anchor": "end" }, "η");
    const inside = (points) =>
      points.filter(([, value]) => value < high && value > low).map(([at, value]) => [across(at), up(value)]);
    curves.forEach((curve, other) => other !== which && line(group, inside(curve), "lab-faint"));
    line(group, inside([least, most].map((at) => [at, (at * network.reg) / sizes[which]])), "lab-leading");
    line(group, inside(curves[which]), "lab-exact");
    element(group, "path", { class: "lab-stop", d: `M${across(limits[which])} 6V${height - 26}` });
    if (found) {
      const floor = Math.min(found.floor / noise ** 2, high);
      element(group, "circle", { class: "lab-now", cx: across(lr), cy: up(floor), r: 6 });
    }
    svg.setAttribute(
      "aria-label",
      found
        ? `At η = ${number(lr)} the exact noise floor is ${number(found.floor / found.leadingFloor)} times the leading one.`
        : "No noise floor: past the stability limit.",
    );
  }

  function drawSpectrum(found) {
    const svg = find("spectrum");
    const { group, width, height } = draw.canvas(svg, HEIGHT);
    const base = height - 26;
    element(group, "path", { class: "lab-axis", d: `M6 ${base}H${width - 6}` });
    svg.setAttribute(
      "aria-label",
      found
        ? `Variances over the leading order's: ${found.variances.map((one) => number(one / found.unit)).join(", ")}.`
        : "No variances: past the stability limit.",
    );
    const slot = (width - 12) / network.n;
    network.squares.forEach((square, i) =>
      element(
        group,
        "text",
        { x: 6 + (i + 0.5) * slot, y: height - 9, "text-anchor": "middle" },
        number((2 * square) / network.n, 2),
      ),
    );
    if (!found) {
      refuse(group, width, height);
      return;
    }
    const top = Math.max(...found.variances) / found.unit;
    const up = linear(0, Math.max(2, top * 1.12), base, 6);
    found.variances.forEach((variance, i) => {
      const ratio = variance / found.unit;
      element(group, "rect", {
        class: "lab-bar",
        x: 6 + (i + 0.18) * slot,
        width: 0.64 * slot,
        y: up(ratio),
        height: base - up(ratio),
        rx: 2,
      });
      element(
        group,
        "text",
        { class: "lab-strong", x: 6 + (i + 0.5) * slot, y: up(ratio) - 4, "text-anchor": "middle" },
        `${number(ratio)}×`,
      );
    });
    line(
      group,
      [
        [6, up(1)],
        [width - 6, up(1)],
      ],
      "lab-leading",
    );
  }

  // A small generator with a seed: the same run at every visit, another at each press of the button.
  function generator(start) {
    let state = start * 2654435769;
    return () => {
      state = (state + 0x6d2b79f5) | 0;
      let mixed = Math.imul(state ^ (state >>> 15), state | 1);
      mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
      return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
    };
  }

  function drawRun({ batch, lr, noise }, found, seed) {
    const svg = find("run");
    const { group, width, height } = draw.canvas(svg, HEIGHT);
    const base = height - 26;
    svg.setAttribute(
      "aria-label",
      found
        ? `${STEPS} steps of one run about its mean loss.`
        : `${STEPS} steps of one run past the stability limit, on a scale of powers of ten.`,
    );
    element(group, "path", { class: "lab-axis", d: `M52 6V${base}H${width - 6}` });
    element(group, "text", { x: width - 6, y: height - 9, "text-anchor": "end" }, String(STEPS));
    element(group, "text", { x: 52, y: height - 9, "text-anchor": "middle" }, "0");
    const across = linear(0, STEPS, 52, width - 6);
    const losses = law.run(network, batch, lr, STEPS, generator(seed)).map((loss) => loss * noise ** 2);
    if (!found) {
      const [low, high] = [1e-6, 1e18];
      const climb = logarithmic(low, high, base, 6);
      for (const power of [0, 6, 12, 18])
        element(group, "text", { x: 47, y: climb(10 ** power) + 4, "text-anchor": "end" }, draw.raised(power));
      const left = losses.findIndex((loss) => !(loss < high)); // it may leave the floats: nothing is drawn from there
      const shown = left < 0 ? losses : losses.slice(0, left);
      line(
        group,
        shown.map((loss, i) => [across(i), climb(Math.max(low, loss))]),
        "lab-run",
      );
      return;
    }
    const top = 4 * found.floor;
    const up = linear(0, top, base, 6);
    for (const share of [1, 2, 3, 4])
      element(
        group,
        "text",
        { x: 47, y: up(share * found.floor) + 4, "text-anchor": "end" },
        share === 1 ? number(found.floor, 2) : `${share}×`,
      );
    line(
      group,
      losses.map((loss, i) => [across(i), up(Math.min(top, loss))]),
      "lab-run",
    );
    const settled = losses.slice(STEPS / 4);
    const mean = settled.reduce((sum, loss) => sum + loss, 0) / settled.length;
    element(
      group,
      "text",
      { class: "lab-strong", x: 58 + (width - 58) / 2, y: height - 9, "text-anchor": "middle" },
      `this run's mean: ${number(mean)}`,
    );
    line(
      group,
      [
        [52, up(found.leadingFloor)],
        [width - 6, up(found.leadingFloor)],
      ],
      "lab-leading",
    );
    line(
      group,
      law.lossCurve(network, batch, lr, STEPS).map((loss, i) => [across(i), up(Math.min(top, loss * found.unit))]),
      "lab-exact",
    );
  }

  function drawDrift(found) {
    const svg = find("drift");
    const { group, width, height } = draw.canvas(svg, HEIGHT);
    const [left, base] = [14, height - 40];
    element(group, "path", { class: "lab-axis", d: `M${left} 10V${base}H${width - 6}` });
    element(group, "text", { x: width - 6, y: base + 17, "text-anchor": "end" }, "−N∇reg →");
    if (!found) {
      svg.setAttribute("aria-label", "No drift: past the stability limit.");
      refuse(group, width, height);
      return;
    }
    const angle = (180 / Math.PI) * Math.atan2(found.sideways, found.downhill);
    const longest = Math.max(Math.hypot(found.downhill, found.sideways), found.leadingDrift);
    const scale = Math.min(width - 40, (height - 70) / Math.max(1e-9, found.sideways / longest)) / longest;
    const arrow = (x, y, kind) => {
      const [endX, endY] = [left + x * scale, base - y * scale];
      const turned = Math.atan2(endY - base, endX - left);
      const barb = (by) => [endX - 10 * Math.cos(turned + by), endY - 10 * Math.sin(turned + by)];
      line(
        group,
        [
          [left, base],
          [endX, endY],
        ],
        kind,
      );
      line(group, [barb(0.45), [endX, endY], barb(-0.45)], kind.replace("lab-leading", "lab-leading lab-solid"));
    };
    arrow(found.downhill, found.sideways, "lab-exact");
    arrow(found.leadingDrift, 0, "lab-leading");
    const times = number(found.downhill / found.leadingDrift);
    const told = `exact: ${times} times as far downhill, turned by ${number(angle, 2)}°`;
    element(group, "text", { class: "lab-strong", x: left, y: height - 5 }, told);
    svg.setAttribute("aria-label", `The drift, ${told}.`);
  }

  return { drawDrift, drawFloor, drawRun, drawSpectrum, least, limits, most };
})();
