// The sliders over the law, what they say, and the table of what they show.

(() => {
  const part = document.getElementById("lab-law");
  const find = (kind, name) => part.querySelector(`[data-${kind}="${name}"]`);
  const sliders = { lr: find("sets", "lr"), batch: find("sets", "batch"), noise: find("sets", "noise") };
  const { number, percent } = draw;
  const { least, limits, most } = lawPanels;

  const NEAR = 0.95; // of the limit: from here fourth moments diverge, and no run shows its mean
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
    const limit = number(limits[which]);
    if (!found) {
      const remedy = batch === "full" ? "Lower η." : "Lower η, or take a larger batch.";
      said.textContent =
        `Refused: η = ${number(lr)} is past the stability limit ${limit} of this network at ${batchName(batch)}. ` +
        `There the variance grows without end: there is no law at rest to show. ${remedy}`;
      return;
    }
    const above = percent(found.floor / found.leadingFloor).slice(1);
    const near = " So close to the limit fourth moments diverge: no run of SGD would show you this mean.";
    said.textContent =
      `The loss settles at ${number(found.floor)}, ${above} above the leading order's ${number(found.leadingFloor)}. ` +
      `Moving down reg by one unit of flow time takes ${number(found.flowSteps)} steps.` +
      (lr > NEAR * limits[which] ? near : "");
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
    body.replaceChildren(
      ...rows.map(([name, title, exact, leading]) => {
        const row = document.createElement("tr");
        row.dataset.name = name;
        if (found) Object.assign(row.dataset, { exact, leading });
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = title;
        const texts = found
          ? [number(exact, 4), number(leading, 4), leading ? percent(exact / leading) : "–"]
          : ["–", "–", "–"];
        row.append(
          head,
          ...texts.map((text) => {
            const cell = document.createElement("td");
            cell.textContent = text;
            return cell;
          }),
        );
        return row;
      }),
    );
    part.dataset.flowSteps = found ? found.flowSteps : "";
  }

  function show() {
    const at = read();
    const found = at.lr < limits[at.which] ? law.answer(network, at.batch, at.lr, at.noise) : null;
    label(at);
    say(at, found);
    tabulate(found);
    lawPanels.drawFloor(at, found);
    lawPanels.drawSpectrum(found);
    lawPanels.drawRun(at, found, seed);
    lawPanels.drawDrift(found);
  }

  for (const slider of Object.values(sliders)) slider.addEventListener("input", show);
  find("does", "again").addEventListener("click", () => {
    seed += 1;
    show();
  });
  show();
  draw.onWidth(part, show);
})();
