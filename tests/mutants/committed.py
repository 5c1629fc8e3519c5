"""The mutants of each formula of docs/formulas.md: a factor, sign, power or transpose, one name for another.

Each is a wrong formula that still runs: (file below ouanalysis/, what it says, what it must not say).
"""

from .mutant import Mutant

__all__ = ["MUTANTS"]

CHANGES = {
    "Loss": [
        ("numeric/zero_error_set/derivatives", "ravel()) ** 2, axis=-1) / setting.n", "ravel()) ** 2, axis=-1)"),
        ("symbolic/tracing", "strict=True))) / len(self.y)", "strict=True))) / len(self.y) / 2"),
    ],
    "Step sizes of other losses": [
        (
            "numeric/fluctuations/step_size",
            '{"mean": 1.0, "half": 0.5, "quarter": 0.25}',
            '{"mean": 1.0, "half": 2.0, "quarter": 4.0}',
        ),
    ],
    "Jacobian and Gram matrix": [
        (
            "numeric/zero_error_set/autograd_products",
            "gradients @ np.swapaxes(gradients, -1, -2)",
            "np.swapaxes(gradients, -1, -2) @ gradients",
        ),
        (
            "numeric/zero_error_set/autograd_products",
            "gradients @ np.swapaxes(gradients, -1, -2)",
            "gradients @ np.swapaxes(gradients, -1, -2) / self._data",
        ),
    ],
    "The implicit regularizer": [
        ("numeric/zero_error_set/autograd_products", '"...ij,...ij->...i"', '"...ij,...kj->...i"'),
        (
            "numeric/zero_error_set/derivatives",
            "squared_norms(points), axis=-1) / setting.n",
            "squared_norms(points), axis=-1)",
        ),
        ("symbolic/tracing", "self.jacobian)) / len(self.y)", "self.jacobian)) / len(self.theta)"),
    ],
    "Its gradient": [
        (
            "numeric/zero_error_set/autograd_products",
            "return 2 * self._summed_products(",
            "return self._summed_products(",
        ),
    ],
    "A step of label-noise SGD": [
        ("simulate/loss_gradient", "(2.0 / labels.shape[1])", "(1.0 / labels.shape[1])"),
        ("simulate/kernels/__init__", "scale = 2.0 * outputs / batch", "scale = 2.0 * outputs / len(model.y)"),
        ("simulate/kernels/__init__", "(model.y[i] + noise[step, b])", "(model.y[i] - noise[step, b])"),
        ("simulate/autograd_steps", "theta += lr[step] * velocity", "theta += lr[step] ** 2 * velocity"),
        ("simulate/kernels/matrix_sensing", "return dot(gradient, theta) / 2", "return dot(gradient, theta)"),
        ("simulate/draws", "        noise *= noise_std\n", "        noise += noise_std\n"),
    ],
    "To the zero-error set": [
        ("numeric/zero_error_set/interpolate", "move = pull_back(", "move = -pull_back("),
        (
            "numeric/zero_error_set/interpolate",
            "shifted = gram + damping * scale * np.eye(setting.rows)",
            "shifted = np.diag(np.diag(gram)) + damping * scale * np.eye(setting.rows)",
        ),
    ],
    "How far the next kink is": [
        (
            "numeric/zero_error_set/kinks",
            "np.min(setting.kinks(theta).distance, initial=np.inf)",
            "np.max(setting.kinks(theta).distance, initial=0.0)",
        ),
        ("settings/relu_network", "clearance=np.abs(z) / slope", "clearance=np.abs(z) * slope"),
        ("settings/relu_network", "np.hypot(1.0, self.x[:, None])", "(1.0 + self.x[:, None] ** 2)"),
    ],
    "The process": [
        ("symbolic/tracing", "2 * self.jacobian.T * self.jacobian", "self.jacobian.T * self.jacobian"),
        ("simulate/plan", "np.sqrt(n * substeps / sampling.batch_size)", "np.sqrt(n * substeps)"),
        ("numeric/fluctuations/law", "2 * self.row_space.squares / self.setting.n", "2 * self.row_space.squares"),
    ],
    "OU covariance at rest": [
        (
            "symbolic/ou",
            "projector = exact.T * gram.adjugate() * exact / determinant",
            "projector = sympy.eye(exact.cols) - exact.T * gram.adjugate() * exact / determinant",
        ),
        ("symbolic/ou", "lr) * noise_std**2 / batch_size", "lr) ** 2 * noise_std**2 / batch_size"),
        ("symbolic/ou", "4 * noise_std**2 * exact.T", "2 * noise_std**2 * exact.T"),
        ("symbolic/ou", "return 2 * exact.T * exact / exact.rows", "return 2 * exact.T * exact / exact.cols"),
        ("symbolic/ou", "(drift * covariance + covariance * drift -", "(2 * drift * covariance -"),
        (
            "numeric/fluctuations/second_moments",
            "np.max(unit.noise_std)) ** 2 / unit.batch_size",
            "np.max(unit.noise_std)) ** 2 / len(self.modes)",
        ),
        ("numeric/fluctuations/second_moments", "each = np.diag(self._shares)", "each = np.diag(self._shares**2)"),
        ("numeric/fluctuations/law", "np.mean(self.variances())", "np.sum(self.variances())"),
    ],
    "OU covariance in time": [
        ("symbolic/ou", "sympy.exp(-2 * rate * time)", "sympy.exp(-rate * time)"),
        ("symbolic/ou", "across = exact.T * turn\n", "across = exact.T * turn.T\n"),
        (
            "numeric/fluctuations/local_ou",
            "self._rates[:, None] + self._rates",
            "0 * self._rates[:, None] + self._rates",
        ),
        ("numeric/fluctuations/local_ou", "np.exp(-self._rates * lag", "np.exp(-2 * self._rates * lag"),
        ("simulate/linear_process", "np.exp(-local.sampling.lr * gaps", "np.exp(-2 * local.sampling.lr * gaps"),
    ],
    "Exact law of the linearised SGD": [
        (
            "numeric/fluctuations/moment_map",
            "left + right - self._weights[1] * self._rate * left * right",
            "left + right",
        ),
        (
            "numeric/fluctuations/moment_map",
            "left + right - self._weights[1] * self._rate * left * right",
            "left + right + self._weights[1] * self._rate * left * right",
        ),
        ("numeric/fluctuations/law", "self.row_space.modes * self.row_space.singular", "self.row_space.modes"),
        ("numeric/fluctuations/second_moments", "rest - missing[0], unit", "rest + missing[0], unit"),
        ("numeric/fluctuations/second_moments", "[[-rates, momentum * one]", "[[-rates / 2, momentum * one]"),
        ("simulate/averages", "second - along[:, :, None] * along[:, None]", "second"),
    ],
    "Law of the way the batch is drawn": [
        ("numeric/fluctuations/sampling", "1 / batch, (1 - 1 / batch) / n", "1 / batch, 1 / n"),
        ("numeric/fluctuations/sampling", "(batch - 1) / (batch * (n - 1))", "(batch - 1) / (batch * n)"),
        ("numeric/fluctuations/sampling", "1 / batch - pairs, pairs", "1 / batch, pairs"),
        ("numeric/fluctuations/moment_map", "return n * a, n * b", "return n * a, b"),
        ("numeric/fluctuations/moment_map", "np.sum(left * self.modes, axis=1)", "np.sum(left, axis=1)"),
        (
            "simulate/draws",
            "return draw_subsets(n, rngs, size)",
            "return np.array([rng.integers(0, n, size=size, dtype=np.int64) for rng in rngs])",
        ),
    ],
    "One datum, exactly": [
        (
            "numeric/fluctuations/moment_map",
            "np.eye(self._data) - self._coupling(response)",
            "np.eye(self._data) + self._coupling(response)",
        ),
        (
            "numeric/fluctuations/moment_map",
            "return self._weights[0] * self._rate * coupling",
            "return self._weights[0] * coupling",
        ),
    ],
    "Stability limit": [
        ("numeric/fluctuations/stability_limit", "return n * rate / 2 / largest", "return rate / 2 / largest"),
        ("numeric/fluctuations/stability_limit", "if sampling.weights(n)[0] and", "if not sampling.weights(n)[0] and"),
        (
            "numeric/fluctuations/moment_map",
            "np.linalg.eigvalsh(self._coupling(response))[-1])",
            "np.linalg.eigvalsh(self._coupling(response))[0])",
        ),
        ("numeric/fluctuations/moment_map", "float(1 + shift - 1 / largest)", "float(1 - 1 / largest)"),
    ],
    "Rank": [
        (
            "numeric/zero_error_set/row_space",
            "singular > max(gradients.shape) * np.finfo(float).eps * singular[0]",
            "singular >= 0",
        ),
        ("numeric/zero_error_set/generic_rank", "return max(scaled_rank(", "return min(scaled_rank("),
    ],
    "Relaxation": [
        ("numeric/fluctuations/second_moments", "1 / (lr * np.min(eigenvalues))", "1 / (lr * np.max(eigenvalues))"),
        ("numeric/fluctuations/law", "(1 - self.sampling.momentum) * relaxation_steps", "relaxation_steps"),
    ],
    "Noise floor": [
        ("numeric/fluctuations/law", "@ self.eigenvalues / 2)", "@ self.eigenvalues)"),
        ("simulate/kernels/__init__", "recent[dim + k * k] += loss / n", "recent[dim + k * k] += loss"),
    ],
    "Mean residual": [
        (
            "numeric/fluctuations/mean_displacement",
            "held = -(space.modes / (space.singular / largest))",
            "held = (space.modes / (space.singular / largest))",
        ),
        (
            "numeric/fluctuations/mean_displacement",
            "held = -(space.modes / (space.singular / largest))",
            "held = -(space.modes * (space.singular / largest))",
        ),
        ("numeric/fluctuations/law", "return self._noisy(found * unit)", "return self._noisy(found * unit**2)"),
    ],
    "Mean residual where the rank is below n": [
        (
            "numeric/fluctuations/mean_displacement",
            "space.basis @ moments, space.basis) / 2",
            "space.basis @ moments, space.basis)",
        ),
        ("numeric/fluctuations/mean_displacement", "held + bent - space.modes @", "held + space.modes @"),
    ],
    "The diffusion as SGD": [
        ("simulate/plan", "np.sqrt(n * substeps / sampling.batch_size)", "n * substeps / sampling.batch_size"),
        ("simulate/plan", "np.sqrt(n * substeps / sampling.batch_size)", "np.sqrt(n / sampling.batch_size)"),
        ("simulate/plan", "np.sqrt(n * substeps / sampling.batch_size)", "np.sqrt(substeps / sampling.batch_size)"),
    ],
    "Drift": [
        ("numeric/fluctuations/mean_displacement", "-2 / setting.n, largest, size", "2 / setting.n, largest, size"),
        ("numeric/fluctuations/mean_displacement", "-2 / setting.n, largest, size", "-1 / setting.n, largest, size"),
        ("numeric/fluctuations/mean_displacement", "space.tangent(pushed), -2", "pushed - space.tangent(pushed), -2"),
        (
            "numeric/fluctuations/second_moments",
            "weights * self._stationary - missing[1][0]",
            "weights * self._stationary",
        ),
    ],
    "Drift to leading order, the theorem": [
        (
            "numeric/fluctuations/law",
            "self.sampling.lr, scale, scale\n",
            "self.sampling.lr, self.sampling.lr, scale, scale\n",
        ),
        ("numeric/fluctuations/law", "self.sampling.lr, scale, scale\n", "self.sampling.lr, scale\n"),
        ("numeric/zero_error_set/row_space", "once - self.spread(self.coordinates(once))", "vector - once"),
    ],
    "Transient of the drift": [
        (
            "numeric/fluctuations/transient",
            "1 + np.expm1(-x) / np.maximum(x, 0.5)",
            "1 - np.expm1(-x) / np.maximum(x, 0.5)",
        ),
        ("numeric/fluctuations/transient", "small ** (k - 1) / factorial(k)", "small ** (k - 1) / factorial(k - 1)"),
        (
            "numeric/fluctuations/local_ou",
            "share_past_transient(self._rates_of_pairs * steps)",
            "share_past_transient(self._rates * steps)",
        ),
    ],
    "Fall of the regularizer": [
        ("numeric/long_time/stability", "return self.gradient_norm * self.gradient_norm", "return self.gradient_norm"),
        (
            "numeric/long_time/stability",
            '"gradient_norm": float(norm(tangent))',
            '"gradient_norm": float(norm(gradient))',
        ),
    ],
    "Stability of a point": [
        (
            "numeric/zero_error_set/autograd_products",
            "- weights * self._rows.h(copies, x)",
            "+ weights * self._rows.h(copies, x)",
        ),
        ("numeric/zero_error_set/autograd_products", "axis=-1) / self._data - weights", "axis=-1) - weights"),
        (
            "numeric/zero_error_set/row_space",
            "self.coordinates(vector) / self.singular)",
            "self.coordinates(vector) * self.singular)",
        ),
        (
            "numeric/long_time/stability",
            "np.sum(self.eigenvalues < -self.resolution)",
            "np.sum(self.eigenvalues > self.resolution)",
        ),
    ],
    "Symmetries and unseen parameters": [
        (
            "settings/matrix_sensing",
            "np.kron(null_space(symmetric / size).T, np.eye(self.rank))",
            "np.kron(np.eye(self.rank), null_space(symmetric / size).T)",
        ),
        ("settings/relu_network", '"b": -self.x[seen] * unit', '"b": self.x[seen] * unit'),
        (
            "settings/quadratic_parametrisation",
            "np.concatenate([self.x, -self.x], axis=1)",
            "np.concatenate([self.x, self.x], axis=1)",
        ),
    ],
    "Flow": [
        ("numeric/long_time/drift_rate", "return -space.tangent(", "return space.tangent("),
        ("numeric/long_time/drift_rate", "return -space.tangent(", "return -2 * space.tangent("),
        ("numeric/long_time/flow_time", "return each * each / schedule", "return each / schedule"),
        ("numeric/long_time/flow_time", "schedule.sampling.batch_size", "n"),
        ("numeric/long_time/flow_time", "spread) / (1 - rates.momentum)", "spread)"),
    ],
    "Flow at a finite step": [
        ("numeric/long_time/drift_rate", "law.stationary() / sampling.lr", "law.leading() / sampling.lr"),
        ("numeric/long_time/drift_rate", "(1 - sampling.momentum) * sampling.batch_size", "(1 - sampling.momentum)"),
    ],
    "Regularizer of matrix sensing": [
        ("symbolic/matrix_sensing", "setting.x + np.swapaxes(setting.x, -1, -2)", "2 * setting.x"),
        ("symbolic/matrix_sensing", "np.mean(symmetric @ symmetric, axis=0)", "np.mean(symmetric * symmetric, axis=0)"),
        ("symbolic/matrix_sensing", "return 2 * sympy.MatrixSymbol", "return 4 * sympy.MatrixSymbol"),
    ],
    "Mean over Gaussian sensors": [
        ("symbolic/matrix_sensing", "return 2 * (d + 1) *", "return 2 * d *"),
        ("symbolic/matrix_sensing", "sympy.Trace(factor.T * factor)", "sympy.Trace(factor.T * factor) ** 2"),
    ],
    "Least regularizer of matrix sensing, a semidefinite program": [
        ("minima/matrix_sensing", "slack=4 * np.mean(halves @ halves", "slack=2 * np.mean(halves @ halves"),
        (
            "minima/semidefinite_program",
            "stacked = (2 / np.sqrt(len(halves))) *",
            "stacked = (1 / np.sqrt(len(halves))) *",
        ),
        ("minima/semidefinite_program", "1.0, np.sqrt(2))\n\n\ndef symmetric", "1.0, 2.0)\n\n\ndef symmetric"),
    ],
    "Regularizer of a ReLU network": [
        ("symbolic/relu_network", "(1 + x[i] ** 2), z > 0)", "(1 + x[i] ** 2), z >= 0)"),
        ("symbolic/relu_network", "c[j] ** 2 * (1 + x[i] ** 2)", "c[j] ** 2 * x[i] ** 2"),
        ("symbolic/relu_network", "hidden + linear, setting", "hidden, setting"),
    ],
    "Cost of a kink, and of a function": [
        ("minima/kink_costs", "2 / len(data) * np.sqrt(", "1 / len(data) * np.sqrt("),
        ("minima/kink_costs", "active = distance > 0\n", "active = distance >= 0\n"),
        ("minima/kink_costs", "np.minimum(*costs)", "np.maximum(*costs)"),
        ("minima/kink_costs", "** 0.25)", "** 0.5)"),
        ("symbolic/relu_network", "sympy.sqrt(sympy.Add(*(1 + point**2", "sympy.sqrt(sympy.Add(*(point**2"),
    ],
    "Least regularizer of ReLU networks, a cone program": [
        ("minima/kink_program", "np.sqrt([[np.sum(1 + x[side] ** 2)", "np.sqrt([[np.sum(x[side] ** 2)"),
        ("minima/kink_program", "prices = [2 / len(x) *", "prices = [4 / len(x) *"),
        ("minima/kink_program", "([1.0, 0.0, 0.0], [1.0, -1.0, 0.0])", "([1.0, 0.0, 0.0], [0.0, -1.0, 0.0])"),
        ("minima/relu_network", "np.mean(1 + x**2))\n\n\ndef _function", "np.mean(x**2))\n\n\ndef _function"),
    ],
    "The two claims on the simplest function": [
        (
            "minima/piecewise_linear",
            "signs = np.sign(self.slope_changes[self.slope_changes != 0])",
            "signs = np.sign(self.slopes)",
        ),
        ("minima/kink_program", "np.sqrt([[np.sum(1 + x[side] ** 2)", "np.sqrt([[1 / np.sum(1 + x[side] ** 2)"),
    ],
    "Regularizer of a sigmoid network": [
        ("symbolic/sigmoid_network", "slope.subs(z, argument) ** 2 * norm", "slope.subs(z, argument) ** 2"),
        ("symbolic/sigmoid_network", "phi.subs(z, argument) ** 2 + c[j]", "phi.subs(z, argument) + c[j]"),
        ("symbolic/sigmoid_network", "return phi, phi * phi.subs(z, -z)", "return phi, phi * phi.subs(z, -z) / 2"),
    ],
    "SGD in two coordinates a neuron": [
        ("settings/sigmoid_network", "np.full((1, 1), length)", "np.full((1, 1), length**2)"),
        (
            "settings/one_datum",
            "coordinates[..., m:] - self.of(start)[:, None, m:]",
            "coordinates[..., m:] + self.of(start)[:, None, m:]",
        ),
    ],
    "Stationary equation": [
        ("symbolic/sigmoid_network", "return 4 * norm**2 * slope**4", "return 2 * norm**2 * slope**4"),
        ("symbolic/sigmoid_network", "(slope**2 - phi * slope.diff(symbol))", "(slope**2 + phi * slope.diff(symbol))"),
        ("minima/stationary_roots", "phi**4 - weight *", "phi**2 - weight *"),
    ],
    "tanh: one value": [
        ("minima/sigmoid_shares", "phi = np.sqrt(w / root)", "phi = w / root"),
        ("minima/stationary_networks", "norm * sign * large / phi**2", "norm * sign * large / phi"),
        ("symbolic/sigmoid_network", "sympy.sqrt(w / sympy.sqrt(1 + w**2))", "sympy.sqrt(w / (1 + w**2))"),
    ],
    "logistic: at most two values": [
        ("minima/sigmoid_shares", "a * b * (2 + a**2 + a * b + b**2) - 1", "a * b * (2 + a**2 + b**2) - 1"),
        ("minima/sigmoid_shares", "return w**2 / (1 + w**2), 2 * np.log(w)", "return w**2 / (1 + w**2), np.log(w)"),
        ("symbolic/sigmoid_network", "phi = w**2 / (1 + w**2)", "phi = w / (1 + w)"),
    ],
    "Least regularizer of sigmoid networks": [
        ("minima/sigmoid_shares", "2 * w / (np.sqrt(1 + w**2) + w)", "2 * w / (np.sqrt(1 + w**2) - w)"),
        ("minima/sigmoid_shares", "np.full(width - 1, small)", "np.full(width - 1, large)"),
        ("symbolic/sigmoid_network", "2 * w * (sympy.sqrt(1 + w**2) - w)", "w * (sympy.sqrt(1 + w**2) - w)"),
        ("minima/sigmoid_shares", "np.append(total, np.zeros(width - 1))", "np.full(width, total / width)"),
    ],
    "Hessian at stationary points": [
        ("symbolic/sigmoid_network", "2 * phi * second - multiplier", "2 * phi * second + multiplier"),
        ("symbolic/sigmoid_network", "(second**2 + first * third)", "(second**2 - first * third)"),
        (
            "minima/stationary_networks",
            "(4 * c * second * norm**2 - multiplier)",
            "(2 * c * second * norm**2 - multiplier)",
        ),
        ("minima/stationary_networks", "for _ in range(count - 1)]", "for _ in range(count)]"),
        ("minima/stationary_networks", "np.sqrt(count) * gradient", "count * gradient"),
    ],
    "The gap": [
        ("minima/certificate", "np.asarray(self.reg - self.least)", "np.asarray(self.reg - self.least / 2)"),
        ("minima/matrix_sensing", "least_trace(program, predictions)", "least_trace(program, setting.y)"),
        ("minima/sigmoid_network", "norm * abs(float(predictions[0]))", "abs(float(predictions[0]))"),
        ("minima/relu_network", "y = predictions[order]", "y = setting.y[order]"),
    ],
    "Any other model": [
        ("minima/search", "np.isnan(end[0]), end[0])", "np.isnan(end[0]), -end[0])"),
        ("minima/descent", "-slope / (curvatures + shift)", "slope / (curvatures + shift)"),
    ],
    "The invariant of h = ab": [
        ("simulate/loss_gradient", "* (value - labels)", "* (value + labels)"),
        ("simulate/autograd_steps", "y + draws.noise[:, step]", "y"),
    ],
    "Damian's R": [
        (
            "numeric/fluctuations/moment_map",
            "(2 * beta / (z + beta) - self._weights[1])",
            "(2 * beta / (z + beta) + self._weights[1])",
        ),
        (
            "numeric/fluctuations/moment_map",
            "(2 * beta / (z + beta) - self._weights[1])",
            "(2 * beta / (z + beta) - self._weights[1] / 2)",
        ),
    ],
    "Momentum": [
        ("numeric/fluctuations/moment_map", "inverse = (1 + beta) * (z - beta)", "inverse = (z - beta)"),
        (
            "numeric/fluctuations/moment_map",
            "(2 * beta / (z + beta) - self._weights[1])",
            "(beta / (z + beta) - self._weights[1])",
        ),
        ("numeric/fluctuations/moment_map", "beta**2 * np.ones_like(left)])", "beta * np.ones_like(left)])"),
        (
            "numeric/fluctuations/second_moments",
            "2 * horizon * self._rate / still**2",
            "2 * horizon * self._rate / still",
        ),
        ("numeric/fluctuations/stability_limit", "rate = 2 * (1 + sampling.momentum)", "rate = 2"),
        (
            "numeric/fluctuations/linearized_sgd",
            "law.stationary(), 1 / (1 - self.sampling.momentum)",
            "law.stationary(), 1",
        ),
        (
            "simulate/autograd_steps",
            "velocity -= gradient(theta, x, y",
            "velocity -= (1 - momentum[step]) * gradient(theta, x, y",
        ),
        (
            "simulate/kernels/__init__",
            "velocity[j] = momentum * velocity[j] - weight * gradient[j]",
            "velocity[j] = momentum * velocity[j] - (1 - momentum) * weight * gradient[j]",
        ),
    ],
    "Other noises": [
        (
            "numeric/fluctuations/second_moments",
            "unit.gradient_noise_std**2 * self._data / 4",
            "unit.gradient_noise_std**2 * self._data / 2",
        ),
        (
            "numeric/fluctuations/second_moments",
            "(self.sampling.noise_std / largest) ** 2)",
            "(self.sampling.noise_std / largest))",
        ),
        (
            "numeric/fluctuations/law",
            "np.eye(self.setting.dim) - self.basis @ self.basis.T",
            "self.basis @ self.basis.T",
        ),
        (
            "numeric/fluctuations/linearized_sgd",
            "size * (size * (steps - once + both))",
            "size * (steps - once + both)",
        ),
        (
            "simulate/linear_process",
            "local.sampling.gradient_noise_std * np.sqrt(elapsed)",
            "local.sampling.gradient_noise_std * elapsed",
        ),
        (
            "simulate/linear_process",
            "return walk - walk @ local.basis @ local.basis.T",
            "return walk @ local.basis @ local.basis.T",
        ),
        ("simulate/plan", "sampling.gradient_noise_std * np.sqrt(substeps)", "sampling.gradient_noise_std"),
        (
            "simulate/draws",
            "noise *= noise_std[rows, rows_of(indices, sampling.outputs)]",
            "noise *= noise_std[rows, rows_of(indices, sampling.outputs)] ** 2",
        ),
        ("numeric/fluctuations/local_ou", "decay[..., :, None] * moments", "decay[..., None, :] * moments"),
    ],
    "Mean residual of a walk": [
        ("numeric/fluctuations/mean_displacement", "return setting.n / 4 *", "return setting.n / 2 *"),
        (
            "numeric/fluctuations/mean_displacement",
            "_traces(setting, theta, everywhere, everywhere) - across",
            "across",
        ),
        ("numeric/fluctuations/law", "self.sampling.lr * walk * walked", "self.sampling.lr**2 * walk * walked"),
    ],
    "Drift of log det K": [
        (
            "numeric/fluctuations/second_moments",
            "gradient * np.eye(len(self.squares))",
            "gradient * np.diag(self._shares)",
        ),
        (
            "numeric/fluctuations/second_moments",
            "gradient / (float(np.max(self.squares, initial=0.0)) or 1.0)",
            "gradient",
        ),
    ],
    "Flow of unequal noises": [
        (
            "numeric/long_time/drift_rate",
            "if np.ptp(sampling.noise_std) else",
            "if not np.ptp(sampling.noise_std) else",
        ),
        ("numeric/fluctuations/sampling", "float(np.sqrt(np.mean(", "float((np.mean("),
        ("numeric/long_time/drift_rate", "(sampling.label_noise_rms or 1.0)", "np.max(sampling.noise_std)"),
    ],
    "Several outputs": [
        (
            "numeric/fluctuations/moment_map",
            "np.where(first == second, 1.0, np.sqrt(2.0))",
            "np.where(first == second, 1.0, 1.0)",
        ),
        (
            "numeric/fluctuations/matrix_free",
            "return unit * solution",
            "return solution",
        ),
        (
            "numeric/fluctuations/moment_map",
            "self._variances(response * self._gathered(variances))",
            "self._variances(self._gathered(variances))",
        ),
        (
            "numeric/fluctuations/moment_map",
            "blocks[:, second, first]) * (counts / 2)",
            "blocks[:, second, first]) * (counts / 2 * (first == second))",
        ),
        (
            "numeric/fluctuations/moment_map",
            "variances.reshape(self._data, -1) / counts",
            "variances.reshape(self._data, -1) * counts",
        ),
        ("numeric/fluctuations/moment_map", "initial=0.0)) / self._data", "initial=0.0)) / len(self.modes)"),
        ("numeric/fluctuations/moment_map", "n = self._data\n        a, b", "n = len(self.modes)\n        a, b"),
        (
            "numeric/fluctuations/second_moments",
            "np.arange(len(covariance)) // self.sampling.outputs",
            "np.arange(len(covariance))",
        ),
        (
            "numeric/fluctuations/stability_limit",
            "n = len(modes) // sampling.outputs\n    a, b",
            "n = len(modes)\n    a, b",
        ),
        (
            "numeric/fluctuations/law",
            "self.row_space.squares / self.setting.n",
            "self.row_space.squares / self.setting.rows",
        ),
        ("numeric/fluctuations/mean_displacement", "return setting.n / 4 *", "return setting.rows / 4 *"),
        ("numeric/fluctuations/mean_displacement", "-2 / setting.n, largest", "-2 / setting.rows, largest"),
        (
            "numeric/zero_error_set/derivatives",
            "ravel()) ** 2, axis=-1) / setting.n",
            "ravel()) ** 2, axis=-1) / setting.rows",
        ),
        (
            "numeric/zero_error_set/derivatives",
            "squared_norms(points), axis=-1) / setting.n",
            "squared_norms(points), axis=-1) / setting.rows",
        ),
        ("symbolic/tracing", "self.jacobian)) / len(self.y)", "self.jacobian)) / len(self.h)"),
        (
            "settings/setting",
            "np.tile(np.eye(self.outputs), (self.n, 1))",
            "np.repeat(np.eye(self.outputs), self.n, axis=0)",
        ),
        ("settings/kinks", "return np.max([_of_output(", "return np.min([_of_output("),
        ("simulate/draws", "indices[..., None] * outputs + np", "indices[..., None] + outputs * np"),
        ("simulate/loss_gradient", "(2.0 / labels.shape[1])", "(2.0 / labels[0].size)"),
        ("simulate/kernels/__init__", "weight = float(outputs)", "weight = 1.0"),
        (
            "simulate/kernels/__init__",
            "n = len(model.y) // outputs\n    for k",
            "n = len(model.y)\n    for k",
        ),
        ("simulate/plan", "np.sqrt(n * substeps / sampling", "np.sqrt(n * sampling.outputs * substeps / sampling"),
    ],
    "Regularizer of the quadratic parametrisation": [
        ("symbolic/quadratic_parametrisation", "formula = 4 * sympy.Sum", "formula = 2 * sympy.Sum"),
        ("symbolic/quadratic_parametrisation", "(u[j] ** 2 + v[j] ** 2)", "(u[j] ** 2 - v[j] ** 2)"),
    ],
    "Least regularizer of the quadratic parametrisation, a linear program": [
        (
            "minima/quadratic_parametrisation",
            "np.tile(program.lengths / cheapest, 2)",
            "np.tile(program.lengths**0, 2)",
        ),
        ("minima/quadratic_parametrisation", "slack=4 * np.mean", "slack=2 * np.mean"),
        ("minima/quadratic_parametrisation", "needed = np.max(reached / (4 /", "needed = np.max(reached / (8 /"),
        ("symbolic/quadratic_parametrisation", "return 4 * weight * sympy.Abs", "return 2 * weight * sympy.Abs"),
    ],
    "Least regularizer of a linear network of depth three": [
        ("experiments/deep_linear", "return 3 * frame * D ** (2 / 3)", "return 3 * frame * D ** (1 / 3)"),
        (
            "experiments/deep_linear",
            "tight_form(y.reshape(*y.shape[:-1], D, D), 1 / D**2)",
            "tight_form(y.reshape(*y.shape[:-1], D, D), 1 / D)",
        ),
    ],
    "Neurons under a fixed output layer": [
        (
            "experiments/fixed_output_layer",
            "return WIDTH * (1 + 3 * z**2) ** 2, z, z",
            "return WIDTH * (1 + 3 * z**2), z, z",
        ),
    ],
}

MUTANTS = tuple(
    Mutant(formula, f"ouanalysis/{path}.py", old, new)
    for formula, changes in CHANGES.items()
    for path, old, new in changes
)
