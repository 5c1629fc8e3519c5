// The simplest function through a few points of the line: least R(f) = const + Σ w(k)|Δf'(k)| (theory.md, section 4.2).
//
// Seen from the data, a kink at k of slope change s turns the chords at the two data about it, by s times the two hats.
// So with the turns Δ of the polygon at the inner data the problem and its dual are
//   min Σ w(k)|s|  s.t.  Σ s hat_i(k) = Δ_i        max Σ λ_i Δ_i  s.t.  |λ(k)| ≤ w(k) for all k,
// λ(k) the string from datum to datum through heights λ_i, at 0 at both ends. No grid: between data w₊ and w₋ are roots
// of quadratics, so the place where the string leaves the channel most has a closed form, and a kink there enters.

const relu = (() => {
  const { inverse, times } = matrix;
  const ROUNDS = 500;
  const TOUCHES = 1e-11; // by how much the string may leave the channel; the bound that is shown pays for it

  // w₊ and w₋ on each interval, as price · √Σ (x − k)² over the data faced. On a datum the one that leaves it out.
  function facings(x) {
    const found = [];
    for (let i = 0; i + 1 < x.length; i++) {
      for (const side of ["right", "left"]) {
        const faced = side === "right" ? x.slice(i + 1) : x.slice(0, i + 1);
        const price = (2 / x.length) * Math.sqrt(faced.reduce((sum, at) => sum + 1 + at * at, 0));
        found.push({ interval: i, side, faced, price });
      }
    }
    return found;
  }

  const costOf = (facing, k) => facing.price * Math.sqrt(facing.faced.reduce((sum, at) => sum + (at - k) ** 2, 0));

  // w(k), the lesser of the two; `limit` asks for that of the interval itself where k is one of its ends.
  function cost(x, k, limit = null) {
    const at = (side) => {
      const faced = x.filter((datum) =>
        side === "right"
          ? datum > k || (datum === k && limit === "left")
          : datum < k || (datum === k && limit === "right"),
      );
      const squares = faced.reduce((sum, datum) => sum + (datum - k) ** 2, 0);
      return (2 / x.length) * Math.sqrt(squares * faced.reduce((sum, datum) => sum + 1 + datum * datum, 0));
    };
    return Math.min(at("right"), at("left"));
  }

  const constant = (x) => x.reduce((sum, at) => sum + 1 + at * at, 0) / x.length;
  const chords = (x, y) => x.slice(1).map((at, i) => (y[i + 1] - y[i]) / (at - x[i]));
  const turns = (x, y) =>
    chords(x, y)
      .slice(1)
      .map((slope, i) => slope - chords(x, y)[i]);

  function column(x, facing, k) {
    const { interval } = facing;
    const share = (k - x[interval]) / (x[interval + 1] - x[interval]);
    const entries = new Array(x.length - 2).fill(0);
    if (interval > 0) entries[interval - 1] = 1 - share;
    if (interval < x.length - 2) entries[interval] = share;
    return { facing, k, entries, cost: costOf(facing, k) };
  }

  // Where on its interval λ(k)/w(k) is largest in size: at an end, or at (qC + pD)/(pM + qD) from its left, with
  // λ = p + q t and Σ (x − k)² = C − 2 D t + M t².
  function worst(x, facing, string) {
    const [left, right] = [x[facing.interval], x[facing.interval + 1]];
    const p = string[facing.interval];
    const q = (string[facing.interval + 1] - p) / (right - left);
    const away = facing.faced.map((at) => at - left);
    const [c, d] = [away.reduce((sum, v) => sum + v * v, 0), away.reduce((sum, v) => sum + v, 0)];
    const turning = (q * c + p * d) / (p * away.length + q * d);
    let best = { ratio: 0 };
    for (const k of [left, right, left + turning]) {
      const price = k >= left && k <= right ? costOf(facing, k) : 0;
      const height = p + q * (k - left);
      const ratio = price > 1e-12 * facing.price * (right - left) ? Math.abs(height) / price : 0;
      if (ratio > best.ratio) best = { ratio, k, sign: Math.sign(height), facing };
    }
    return best;
  }

  // The simplex method with kinks of any place as columns. It starts from the polygon, whose kinks are all on data.
  function simplex(x, delta) {
    const all = facings(x);
    const scale = Math.max(...delta.map(Math.abs));
    // Collinear data make kinks of slope change 0, on which the method could turn in circles: they are told apart.
    const told = delta.map((turn, i) => turn + (turn < 0 ? -1 : 1) * scale * 1e-10 * (1 + 0.37 * i));
    const basis = delta.map((_, i) => {
      const choices = all
        .filter(({ interval, side }) => interval === (side === "right" ? i + 1 : i))
        .map((facing) => column(x, facing, x[i + 1]));
      const cheaper = choices[0].cost <= choices[1].cost ? choices[0] : choices[1];
      return { ...cheaper, sign: told[i] < 0 ? -1 : 1 };
    });
    for (let round = 0; ; round++) {
      const inverted = inverse(delta.map((_, row) => basis.map((bend) => bend.sign * bend.entries[row])));
      const inner = delta.map((_, i) => basis.reduce((sum, bend, j) => sum + bend.cost * inverted[j][i], 0));
      const string = [0, ...inner, 0];
      const enters = all.map((facing) => worst(x, facing, string)).reduce((a, b) => (b.ratio > a.ratio ? b : a));
      if (enters.ratio <= 1 + TOUCHES || round === ROUNDS) {
        const changes = times(inverted, delta);
        const bends = basis.map((bend, j) => ({ ...bend, change: bend.sign * changes[j] }));
        return {
          bends: bends.filter(({ change }) => Math.abs(change) > 1e-8 * scale),
          string,
          reach: enters.ratio,
          round,
        };
      }
      const bend = { ...column(x, enters.facing, enters.k), sign: enters.sign };
      const sizes = times(inverted, told);
      const leaving = times(
        inverted,
        bend.entries.map((entry) => bend.sign * entry),
      );
      let first = -1;
      for (let j = 0; j < basis.length; j++)
        if (leaving[j] > 1e-12 && (first < 0 || sizes[j] / leaving[j] < sizes[first] / leaving[first])) first = j;
      basis[first] = bend;
    }
  }

  // Kinks of one interval, facing and sign become one, at their centre: the cost is convex there, so it cannot rise.
  function merged(bends) {
    const groups = new Map();
    for (const bend of bends) {
      const key = `${bend.facing.interval} ${bend.facing.side} ${Math.sign(bend.change)}`;
      groups.set(key, [...(groups.get(key) || []), bend]);
    }
    const joined = [...groups.values()].map((group) => {
      const change = group.reduce((sum, bend) => sum + bend.change, 0);
      const k = group.length === 1 ? group[0].k : group.reduce((sum, bend) => sum + bend.change * bend.k, 0) / change;
      return { k, change, side: group[0].facing.side, cost: costOf(group[0].facing, k) };
    });
    return joined.sort((a, b) => a.k - b.k);
  }

  // R of the kinks, and how often the sign of their bends changes.
  function measured(x, kinks) {
    const value = constant(x) + kinks.reduce((sum, bend) => sum + bend.cost * Math.abs(bend.change), 0);
    const signs = kinks.map(({ change }) => Math.sign(change));
    const convexityChanges = signs.slice(1).filter((sign, i) => sign !== signs[i]).length;
    return { kinks, value, convexityChanges };
  }

  // The slope that f enters the data with.
  const entering = (x, y, kinks) =>
    kinks
      .filter(({ k }) => k < x[1])
      .reduce((slope, { k, change }) => slope - (change * (x[1] - k)) / (x[1] - x[0]), chords(x, y)[0]);

  // The least R for ascending x, with the string that proves it: `bound` is below what any function can have.
  function simplest(x, y) {
    const delta = turns(x, y);
    const steepest = Math.max(...chords(x, y).map(Math.abs));
    if (delta.every((turn) => Math.abs(turn) <= 1e-12 * steepest))
      return { ...measured(x, []), first: chords(x, y)[0], string: x.map(() => 0), bound: constant(x), rounds: 0 };
    const { bends, string, reach, round } = simplex(x, delta);
    const kinks = merged(bends);
    const held = tight(x, kinks, string).map((height) => height / Math.max(1, reach));
    const bound = constant(x) + delta.reduce((sum, turn, i) => sum + turn * held[i + 1], 0);
    return { ...measured(x, kinks), first: entering(x, y, kinks), string: held, bound, rounds: round };
  }

  // Collinear data leave the string a choice: drawn tight in the channel, if all kinks are on data, where it is held.
  function tight(x, kinks, string) {
    if (!kinks.every(({ k }) => x.includes(k))) return string;
    const drawn = string.slice();
    for (let sweep = 0; sweep < 100; sweep++) {
      for (let i = 1; i + 1 < x.length; i++) {
        if (kinks.some(({ k }) => k === x[i])) continue;
        const share = (x[i] - x[i - 1]) / (x[i + 1] - x[i - 1]);
        const wall = cost(x, x[i]);
        drawn[i] = Math.min(wall, Math.max(-wall, drawn[i - 1] + share * (drawn[i + 1] - drawn[i - 1])));
      }
    }
    return facings(x).every((facing) => worst(x, facing, drawn).ratio <= 1 + TOUCHES) ? drawn : string;
  }

  // By how much R falls for each unit that a label moves up (+) or down (−), alone; 0 where it falls neither way.
  function pulls(x, y, value) {
    const move = 1e-4;
    const moved = (i, by) =>
      simplest(
        x,
        y.map((at, j) => (i === j ? at + by : at)),
      ).value;
    return y.map((_, i) => {
      const [up, down] = [(value - moved(i, move)) / move, (value - moved(i, -move)) / move];
      return Math.max(up, down) < 1e-6 ? 0 : up > down ? up : -down;
    });
  }

  // R of the piecewise linear function from point to point, of which the data are some.
  function through(x, points) {
    const [at, heights] = [points.map(([place]) => place), points.map(([, height]) => height)];
    const size = Math.max(...chords(at, heights).map(Math.abs));
    const kinks = turns(at, heights).map((change, i) => ({ k: at[i + 1], change, cost: cost(x, at[i + 1]) }));
    return measured(
      x,
      kinks.filter(({ change }) => Math.abs(change) > 1e-9 * size),
    );
  }

  // The fewest changes of convexity of any function through the points.
  function forcedChanges(x, y) {
    const size = Math.max(...chords(x, y).map(Math.abs));
    const signs = turns(x, y)
      .filter((turn) => Math.abs(turn) > 1e-9 * size)
      .map(Math.sign);
    return signs.slice(1).filter((sign, i) => sign !== signs[i]).length;
  }

  // Second derivatives at the data of the natural cubic spline, and its R, ∫ w|f''|, by the midpoint rule.
  function spline(x, y) {
    const inner = x.length - 2;
    const widths = x.slice(1).map((at, i) => at - x[i]);
    const system = [...Array(inner).keys()].map((i) =>
      [...Array(inner).keys()].map((j) =>
        i === j ? (widths[i] + widths[i + 1]) / 3 : Math.abs(i - j) === 1 ? widths[Math.max(i, j)] / 6 : 0,
      ),
    );
    const second = [0, ...times(inverse(system), turns(x, y)), 0];
    const cells = 200;
    let value = constant(x);
    widths.forEach((width, i) => {
      for (let cell = 0; cell < cells; cell++) {
        const share = (cell + 0.5) / cells;
        const bend = second[i] + share * (second[i + 1] - second[i]);
        value += (cost(x, x[i] + share * width) * Math.abs(bend) * width) / cells;
      }
    });
    const signs = second.filter((bend) => Math.abs(bend) > 1e-9).map(Math.sign);
    return { second, value, convexityChanges: signs.slice(1).filter((sign, i) => sign !== signs[i]).length };
  }

  return { constant, cost, forcedChanges, pulls, simplest, spline, through };
})();
