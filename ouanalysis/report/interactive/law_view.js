// The sliders over the law, and what they show.

(() => {
  const part = document.getElementById("lab-law");
  const find = (kind, name) => part.querySelector(`[data-${kind}="${name}"]`);
  const sliders = { lr: find("sets", "lr"), batch: find("sets", "batch"), noise: find("sets", "noise") };
  const { element, line, linear, logarithmic, number, percent } = draw;

  const limits = network.batches.map((batch) => law.stabilityLimit(network, batch));
  const [least, most] = [0.005 * Math.max(...limits), 1.4 * Math.max(...limits)];
  const sizes = network.batches.map((batch) => (batch === "full" ? network.n : batch));
  const NEAR = 0.95; // of the limit: from here fourth moments diverge, and no run shows its mean
  const STEPS = 1200;
  let seed = 1;

  const read = () => {
    const which = Number(sliders.batch.value);
    return {
      which,
      batch: network.batches[which],
      lr: least * (most / least) ** (Number(sliders.lr.value) / Number(sliders.lr.max)),
      noise: 10 ** (Number(sliders.noise.value) / 100 - 3),
    };
  };

  // E L B̃/σ², exact, from the least η to just below each limit: what the curves are drawn from.
  const curves = network.batches.map((batch, which) => {
    const shares = [...Array(90).keys()].map((i) => 1 - 10 ** (-2.3 * (i / 89)));
    const steps = [...Array(40).keys()].map((i) => least * ((0.1 * limits[which]) / least) ** (i / 40));
    const all = [...steps, ...shares.map((share) => limits[which] * (0.1 + 0.9 * share))];
    return all.map((lr) => [lr, law.answer(network, batch, lr, 1).floor]);
  });

  const batchName = (batch) => (batch === "full" ? "full batch" : `B = ${batch}`);

  function label({ which, batch, lr, noise }) {
    const share = lr / limits[which];
    const of = `${share < 0.1 ? (100 * share).toPrecision(2) : Math.round(100 * share)} % of the`;
    find("shows", "lr").textContent = `${number(lr)}, ${of} limit`;
    find("shows", "batch").textContent = batch === "full" ? `full: all ${network.n}, once` : `${batch} drawn`;
    find("shows", "noise").textContent = number(noise, 2);
    sliders.lr.setAttribute("aria-valuetext", `η = ${number(lr)}, ${of} stability limit`);
    sliders.batch.setAttribute("aria-valuetext", batchName(batch));
    sliders.noise.setAttribute("aria-valuetext", `σ = ${number(noise, 2)}`);
    const mark = find("shows", "limit");
    const place = Math.log(limits[which] / least) / Math.log(most / least);
    mark.style.left = `calc(${100 * place}% + ${8 - 16 * place}px)`; // a thumb of 16 px stays inside its slider
    mark.textContent = `limit ${number(limits[which])}`;
    part.dataset.limit = limits[which];
    part.dataset.lr = lr;
    part.dataset.noise = noise;
    part.dataset.batch = batch;
  }

  function say({ which, batch, lr }, found) {
    const said = find("shows", "said");
    said.classList.toggle("lab-refused", !found);
    if (!found) {
      said.textContent = `Refused: η = ${number(lr)} is past the stability limit ${number(limits[which])} of this network at ` +
        `${batchName(batch)}. There the variance grows without end: there is no law at rest to show. Lower η${batch === "full" ? "" : ", or take a larger batch"}.`;
      return;
    }
    const near = lr > NEAR * limits[which] ? " So close to the limit fourth moments diverge: no run of SGD would show you this mean." : "";
    said.textContent = `The loss settles at ${number(found.floor)}, ${percent(found.floor / found.leadingFloor).slice(1)} above the ` +
      `leading order's ${number(found.leadingFloor)}. Moving down reg by one unit of flow time takes ${number(found.flowSteps)} steps.${near}`;
  }

  function tabulate(found) {
    const body = find("shows", "table");
    const { floor, leadingFloor, downhill, leadingDrift, sideways, variances, unit } = found || {};
    const rows = [
      ["floor", "noise floor E L", floor, leadingFloor],
      ["downhill", "drift along −N∇reg", downhill, leadingDrift],
      ["sideways", "drift across it", sideways, 0],
      ...network.squares.map((_, i) => [`variance-${i}`, `variance ${i + 1}`, found && variances[i], unit]),
    ];
    body.replaceChildren(...rows.map(([name, title, exact, leading]) => {
      const row = document.createElement("tr");
      row.dataset.name = name;
      if (found) Object.assign(row.dataset, { exact, leading });
      const head = document.createElement("th");
      head.scope = "row";
      head.textContent = title;
      const texts = found ? [number(exact, 4), number(leading, 4), leading ? percent(exact / leading) : "–"] : ["–", "–", "–"];
      row.append(head, ...texts.map((text) => {
        const cell = document.createElement("td");
        cell.textContent = text;
        return cell;
      }));
      return row;
    }));
    part.dataset.flowSteps = found ? found.flowSteps : "";
  }

  const refuse = (group, width, height) =>
    element(group, "text", { x: width / 2, y: height / 2, "text-anchor": "middle" }, "no law at rest");

  function drawFloor({ which, lr, noise }, found) {
    const svg = find("draws", "floor");
    const { group, width, height } = draw.canvas(svg, 220);
    const across = logarithmic(least, most, 42, width - 6);
    const [low, high] = [1e-3, 60];
    const up = logarithmic(low, high, height - 26, 6);
    element(group, "path", { class: "lab-axis", d: `M42 6V${height - 26}H${width - 6}` });
    for (const power of draw.powers(low, high))
      element(group, "text", { x: 36, y: up(10 ** power) + 4, "text-anchor": "end" }, draw.raised(power));
    for (const tick of [0.01, 0.1, 1])
      if (tick < most) element(group, "text", { x: across(tick), y: height - 9, "text-anchor": "middle" }, String(tick));
    element(group, "text", { x: width - 6, y: height - 9, "text-anchor": "end" }, "η");
    const inside = (points) => points.filter(([, value]) => value < high && value > low).map(([at, value]) => [across(at), up(value)]);
    curves.forEach((curve, other) => other !== which && line(group, inside(curve), "lab-faint"));
    line(group, inside([least, most].map((at) => [at, (at * network.reg) / sizes[which]])), "lab-leading");
    line(group, inside(curves[which]), "lab-exact");
    element(group, "path", { class: "lab-stop", d: `M${across(limits[which])} 6V${height - 26}` });
    if (found) {
      const floor = Math.min(found.floor / noise ** 2, high);
      element(group, "circle", { class: "lab-now", cx: across(lr), cy: up(floor), r: 6 });
    }
    svg.setAttribute("aria-label", found
      ? `At η = ${number(lr)} the exact noise floor is ${number(found.floor / found.leadingFloor)} times the leading order's.`
      : "No noise floor: past the stability limit.");
  }

  function drawSpectrum(found) {
    const svg = find("draws", "spectrum");
    const { group, width, height } = draw.canvas(svg, 220);
    const base = height - 26;
    element(group, "path", { class: "lab-axis", d: `M6 ${base}H${width - 6}` });
    svg.setAttribute("aria-label", found
      ? `Variances in units of the leading order: ${found.variances.map((variance) => number(variance / found.unit)).join(", ")}.`
      : "No variances: past the stability limit.");
    const slot = (width - 12) / network.n;
    network.squares.forEach((square, i) =>
      element(group, "text", { x: 6 + (i + 0.5) * slot, y: height - 9, "text-anchor": "middle" }, number((2 * square) / network.n, 2)));
    if (!found) {
      refuse(group, width, height);
      return;
    }
    const top = Math.max(...found.variances) / found.unit;
    const up = linear(0, Math.max(2, top * 1.12), base, 6);
    found.variances.forEach((variance, i) => {
      const ratio = variance / found.unit;
      element(group, "rect", { class: "lab-bar", x: 6 + (i + 0.18) * slot, width: 0.64 * slot, y: up(ratio), height: base - up(ratio), rx: 2 });
      element(group, "text", { class: "lab-strong", x: 6 + (i + 0.5) * slot, y: up(ratio) - 4, "text-anchor": "middle" }, `${number(ratio)}×`);
    });
    line(group, [[6, up(1)], [width - 6, up(1)]], "lab-leading");
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

  function drawRun({ batch, lr, noise }, found) {
    const svg = find("draws", "run");
    const { group, width, height } = draw.canvas(svg, 220);
    const base = height - 26;
    svg.setAttribute("aria-label", found
      ? `${STEPS} steps of one run about its mean loss.`
      : `${STEPS} steps of one run past the stability limit, on a scale of powers of ten.`);
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
      line(group, shown.map((loss, i) => [across(i), climb(Math.max(low, loss))]), "lab-run");
      return;
    }
    const top = 4 * found.floor;
    const up = linear(0, top, base, 6);
    for (const share of [1, 2, 3, 4])
      element(group, "text", { x: 47, y: up(share * found.floor) + 4, "text-anchor": "end" }, share === 1 ? number(found.floor, 2) : `${share}×`);
    line(group, losses.map((loss, i) => [across(i), up(Math.min(top, loss))]), "lab-run");
    const settled = losses.slice(STEPS / 4);
    const mean = settled.reduce((sum, loss) => sum + loss, 0) / settled.length;
    element(group, "text", { class: "lab-strong", x: 58 + (width - 58) / 2, y: height - 9, "text-anchor": "middle" }, `this run's mean: ${number(mean)}`);
    line(group, [[52, up(found.leadingFloor)], [width - 6, up(found.leadingFloor)]], "lab-leading");
    line(group, law.lossCurve(network, batch, lr, STEPS).map((loss, i) => [across(i), up(Math.min(top, loss * found.unit))]), "lab-exact");
  }

  function drawDrift(found) {
    const svg = find("draws", "drift");
    const { group, width, height } = draw.canvas(svg, 220);
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
      line(group, [[left, base], [endX, endY]], kind);
      line(group, [barb(0.45), [endX, endY], barb(-0.45)], kind.replace("lab-leading", "lab-leading lab-solid"));
    };
    arrow(found.downhill, found.sideways, "lab-exact");
    arrow(found.leadingDrift, 0, "lab-leading");
    const told = `exact: ${number(found.downhill / found.leadingDrift)} times as far downhill, turned by ${number(angle, 2)}°`;
    element(group, "text", { class: "lab-strong", x: left, y: height - 5 }, told);
    svg.setAttribute("aria-label", `The drift, ${told}.`);
  }

  function show() {
    const at = read();
    const found = at.lr < limits[at.which] ? law.answer(network, at.batch, at.lr, at.noise) : null;
    label(at);
    say(at, found);
    tabulate(found);
    drawFloor(at, found);
    drawSpectrum(found);
    drawRun(at, found);
    drawDrift(found);
  }

  for (const slider of Object.values(sliders)) slider.addEventListener("input", show);
  find("does", "again").addEventListener("click", () => {
    seed += 1;
    show();
  });
  show();
  draw.onWidth(part, show);
})();
