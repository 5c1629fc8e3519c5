// The exact stationary law of linearised label-noise SGD in the eigenvectors of K (theory.md, section 2):
//   K S + S K = 2η [ a K diag(S) K + b K S K + (σ²/B̃) K² ].
// All but diag(S) acts entry by entry, so that an n × n system is left, for the variances of the predictions.

const law = (() => {
  // Weights (a, b) of a batch, and B̃.
  const batchWeights = (n, batch) =>
    batch === "full"
      ? { own: 0, shared: 1 / n, size: n }
      : { own: 1 / batch, shared: (1 - 1 / batch) / n, size: batch };

  // What an entry of S is for a unit of 2ηKK at its place: 2ηκ_iκ_j/(κ_i + κ_j − 2ηbκ_iκ_j).
  const response = (network, shared, lr) =>
    network.squares.map((left) =>
      network.squares.map((right) => (2 * lr * left * right) / (left + right - 2 * lr * shared * left * right)),
    );

  // I − aF with F_mk = Σ_ij U_mi U_mj R_ij U_ki U_kj: what the variances feed back into themselves through the draw.
  function feedback(network, gain, own) {
    const { n, modes } = network;
    const matrix = [];
    for (let m = 0; m < n; m++) {
      matrix.push(new Array(n));
      for (let k = 0; k <= m; k++) {
        let sum = 0;
        for (let i = 0; i < n; i++)
          for (let j = 0; j < n; j++) sum += modes[i][m] * modes[j][m] * gain[i][j] * modes[i][k] * modes[j][k];
        matrix[m][k] = (m === k ? 1 : 0) - own * sum;
      }
    }
    return matrix;
  }

  // The lower triangle C of C Cᵀ, or null where the matrix is not positive definite.
  function cholesky(matrix) {
    const factor = matrix.map((row) => row.slice());
    for (let i = 0; i < factor.length; i++) {
      for (let j = 0; j <= i; j++) {
        let left = factor[i][j];
        for (let k = 0; k < j; k++) left -= factor[i][k] * factor[j][k];
        if (i > j) factor[i][j] = left / factor[j][j];
        else if (left > 0) factor[i][i] = Math.sqrt(left);
        else return null;
      }
    }
    return factor;
  }

  function solve(factor, right) {
    const x = right.slice();
    for (let i = 0; i < x.length; i++) {
      for (let j = 0; j < i; j++) x[i] -= factor[i][j] * x[j];
      x[i] /= factor[i][i];
    }
    for (let i = x.length - 1; i >= 0; i--) {
      for (let j = i + 1; j < x.length; j++) x[i] -= factor[j][i] * x[j];
      x[i] /= factor[i][i];
    }
    return x;
  }

  // F grows with η, and SGD is stable just where ρ(aF) < 1: where I − aF is positive definite. Bisected to rounding.
  function stabilityLimit(network, batch) {
    const { own, shared } = batchWeights(network.n, batch);
    let low = 0;
    let high = network.n / network.squares[0]; // past it the mean itself is unstable
    if (own === 0) return high;
    for (let halving = 0; halving < 60; halving++) {
      const middle = (low + high) / 2;
      if (cholesky(feedback(network, response(network, shared, middle), own))) low = middle;
      else high = middle;
    }
    return low;
  }

  // Z, the covariance of the fluctuation along the eigenvectors of H, in units of ησ²/B̃; null past the limit.
  function fluctuation(network, batch, lr) {
    const { n, squares, modes } = network;
    const { own, shared } = batchWeights(n, batch);
    if (lr >= n / squares[0]) return null;
    const gain = response(network, shared, lr);
    const factor = cholesky(feedback(network, gain, own));
    if (!factor) return null;
    const direct = squares.map((_, m) => squares.reduce((sum, _, i) => sum + modes[i][m] ** 2 * gain[i][i], 0));
    const variances = solve(factor, direct);
    return squares.map((left, i) =>
      squares.map((right, j) => {
        let drawn = i === j ? 1 : 0;
        for (let m = 0; m < n; m++) drawn += own * modes[i][m] * modes[j][m] * variances[m];
        return (gain[i][j] * drawn) / Math.sqrt(left * right) / lr;
      }),
    );
  }

  const contract = (left, right) =>
    left.reduce((sum, row, i) => row.reduce((part, entry, j) => part + entry * right[i][j], sum), 0);

  // All that the page shows of one (η, B, σ): exact, and to leading order in η.
  function answer(network, batch, lr, noise) {
    const relative = fluctuation(network, batch, lr);
    if (!relative) return null;
    const { n, squares } = network;
    const unit = (lr * noise * noise) / batchWeights(n, batch).size;
    const along = network.drift.map((direction) => lr * unit * contract(direction, relative));
    return {
      unit,
      floor: (unit * squares.reduce((sum, square, i) => sum + square * relative[i][i], 0)) / n,
      leadingFloor: unit * network.reg,
      variances: relative.map((row, i) => unit * row[i]),
      downhill: -along[0],
      sideways: Math.hypot(...along.slice(1)),
      leadingDrift: lr * unit * network.pull,
      flowSteps: 1 / (lr * unit),
    };
  }

  // E L after 0, 1, ... steps from rest at θ*, in units of ησ²/B̃, by 𝒯 itself:
  // S⁺ = S − (2η/n)(KS + SK) + (4η²/n)(Q + K²).
  function lossCurve(network, batch, lr, steps) {
    const { n, squares, modes } = network;
    const { own, shared } = batchWeights(n, batch);
    let s = squares.map(() => squares.map(() => 0)); // in the eigenvectors of K, in units of σ²/B̃
    const losses = [];
    for (let step = 0; step <= steps; step++) {
      losses.push(squares.reduce((sum, _, i) => sum + s[i][i], 0) / n / lr);
      const variances = squares.map((_, m) => {
        let sum = 0;
        for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) sum += modes[i][m] * s[i][j] * modes[j][m];
        return sum;
      });
      const before = s;
      s = before.map((row, i) =>
        row.map((entry, j) => {
          let drawn = (i === j ? 1 : 0) + shared * entry;
          for (let m = 0; m < n; m++) drawn += own * modes[i][m] * modes[j][m] * variances[m];
          const [left, right] = [squares[i], squares[j]];
          return entry - ((2 * lr) / n) * (left + right) * entry + ((4 * lr * lr) / n) * left * right * drawn;
        }),
      );
    }
    return losses;
  }

  // One run of the linearised SGD from rest: the clean loss after each step, for a noise of one.
  function run(network, batch, lr, steps, random) {
    const { n, gram } = network;
    const { size } = batchWeights(n, batch);
    let residual = new Array(n).fill(0);
    const losses = [];
    for (let step = 0; step <= steps; step++) {
      losses.push(residual.reduce((sum, entry) => sum + entry * entry, 0) / n);
      const next = residual.slice();
      for (let b = 0; b < size; b++) {
        const i = batch === "full" ? b : Math.floor(random() * n);
        const noise = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
        const push = ((2 * lr) / size) * (residual[i] - noise);
        for (let m = 0; m < n; m++) next[m] -= push * gram[m][i];
      }
      residual = next;
    }
    return losses;
  }

  return { answer, lossCurve, run, stabilityLimit };
})();
