// What can be taken hold of in the drawing of the function, by mouse, finger or arrow keys.

const handle = (() => {
  const { element } = draw;
  const { RISE, two } = reluPanels;
  const STEP = 0.05; // of a key; with Shift five times as far
  const svg = document.querySelector('#lab-relu [data-draws="function"]');
  const rounded = (value) => Math.round(value / STEP) / Math.round(1 / STEP);
  const clamped = (value, low, high) => Math.min(high, Math.max(low, value));

  // `at` says where it is, `move` puts it as near to a place as it may go, `told` reads it.
  function make(kind, name, { at, move, told }) {
    const group = element(svg, "g", {
      class: `lab-handle lab-${kind}-handle`,
      tabindex: 0,
      role: "slider",
      "aria-label": name,
    });
    group.setAttribute("aria-orientation", "vertical");
    group.setAttribute("aria-valuemin", -RISE);
    group.setAttribute("aria-valuemax", RISE);
    element(group, "circle", { class: "lab-touch", r: 20 });
    element(group, "circle", { class: "lab-ring", r: 15 });
    if (kind === "point") element(group, "circle", { class: "lab-datum", r: 6.5 });
    else element(group, "path", { class: "lab-knot", d: "M0-7L7 0L0 7L-7 0Z" });
    let size = null; // the scales that it was last placed by
    let held = [0, 0]; // how far from its middle it was taken hold of
    const pointed = (event) => {
      const box = svg.getBoundingClientRect();
      const [left, middle] = [size.across(0), size.up(0)];
      return [
        (event.clientX - box.left - left) / (size.across(1) - left),
        (event.clientY - box.top - middle) / (size.up(1) - middle),
      ];
    };
    const to = (toX, toY) => move(toX, clamped(rounded(toY), -RISE, RISE));
    group.addEventListener("pointerdown", (event) => {
      event.preventDefault();
      group.focus({ preventScroll: true });
      group.setPointerCapture(event.pointerId);
      const [pointerX, pointerY] = pointed(event);
      held = [at()[0] - pointerX, at()[1] - pointerY];
    });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      const [pointerX, pointerY] = pointed(event);
      to(pointerX + held[0], pointerY + held[1]);
    });
    group.addEventListener("keydown", (event) => {
      const way = { ArrowUp: [0, 1], ArrowDown: [0, -1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[event.key];
      if (!way || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const far = event.shiftKey ? 5 * STEP : STEP;
      to(at()[0] + far * way[0], at()[1] + far * way[1]);
    });
    const place = (scales, shown) => {
      size = scales;
      group.setAttribute("transform", `translate(${size.across(at()[0])},${size.up(at()[1])})`);
      group.setAttribute("aria-valuenow", two(at()[1]).replace("−", "-"));
      group.setAttribute("aria-valuetext", told());
      group.classList.toggle("lab-hidden", !shown);
    };
    return { place };
  }

  return { clamped, make, rounded };
})();
