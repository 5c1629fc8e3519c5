"""The drift along the zero-error set in powers of step size, noise and batch: theory.md, section 3.

Past the transient the drift of a step is −(η²σ²/B) N∇reg to leading order. From a zero-error point of a tanh network it
is measured with one of the three varied at a time, along −N∇reg, and its exponents are fitted. A step size that is not
small shifts them by what the exact law says at the same points.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import Array, RandomSource, generator, one_of
from ..numeric import gram, jacobian, regularizer_gradient, tangent_drift
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size
from .power_law import fitted_exponent

__all__ = ["DriftScaling", "Scaling", "run"]

CURVATURES = (0.003, 0.0065, 0.014, 0.03)  # η λ_max(H)
NOISES = (0.002, 0.0043, 0.0093, 0.02)  # so small that θ* stays where it is
BATCHES = (1, 2, 5, 10)
USUAL = (0.014, 0.0043, 1)  # ηλ_max, σ and B where they are not varied
LEADING = {"lr": 2.0, "noise_std": 2.0, "batch_size": -1.0}
SETTLED, WINDOW = 8, 24  # in relaxation times 1/(ηλ_min)


@dataclass(frozen=True, eq=False)
class Scaling:
    """The drift of a step, in units of θ, along −N∇reg as one of η, σ and B is varied."""

    name: str  # "lr", "noise_std" or "batch_size"
    values: Array  # (points,)
    measured: Array  # (points,)
    error: Array  # its standard error over chains
    exact: Array  # by `tangent_drift`
    leading: Array  # (η²σ²/B) ‖N∇reg‖
    exponent: float  # fitted
    exponent_error: float  # its standard error
    exact_exponent: float  # of `exact`, fitted with the same weights
    leading_exponent: float  # 2, 2 or −1


@dataclass(frozen=True, eq=False)
class DriftScaling:
    """One `Scaling` each for η, σ and B."""

    scalings: tuple[Scaling, ...]
    chains: int  # of each point, independent of those of the others


def run(rng: RandomSource, size: Size = "full") -> DriftScaling:
    """Simulate past the transient with one of η, σ and B varied, and fit the exponents."""
    rng = generator(rng)
    chains = one_of("size", size, {"full": 1000, "quick": 60})
    setting, theta = planted_sigmoid_network(3, 4, 5, rng=2)
    largest = 2 / setting.n * np.linalg.eigvalsh(gram(setting, theta))[-1]
    curvature, noise_std, batch_size = USUAL
    usual = {"lr": curvature / largest, "noise_std": noise_std, "batch_size": batch_size}
    varied = {"lr": np.array(CURVATURES) / largest, "noise_std": np.array(NOISES), "batch_size": np.array(BATCHES)}
    scalings = []
    for name, values in varied.items():
        points = [_drift(setting, theta, {**usual, name: value}, chains, rng) for value in values.tolist()]
        measured, error, exact, leading = np.transpose(points)
        exponent, exponent_error = fitted_exponent(values, measured, error)
        # The weights of the measurement, so that a curve bends both fits alike.
        exact_exponent, _ = fitted_exponent(values, exact, error / measured * exact)
        scalings.append(
            Scaling(
                name=name,
                values=values.astype(float),
                measured=measured,
                error=error,
                exact=exact,
                leading=leading,
                exponent=exponent,
                exponent_error=exponent_error,
                exact_exponent=exact_exponent,
                leading_exponent=LEADING[name],
            )
        )
    return DriftScaling(scalings=tuple(scalings), chains=chains)


def _drift(setting, theta, sgd: dict[str, Any], chains, rng):
    """The drift of a step along −N∇reg between two late times: measured, its error, exact and leading."""
    rows = jacobian(setting, theta)
    basis = np.linalg.qr(rows.T)[0]
    downhill = -regularizer_gradient(setting, theta)
    downhill -= basis @ (basis.T @ downhill)
    unit = downhill / np.linalg.norm(downhill)
    slowest = 2 / setting.n * np.linalg.eigvalsh(rows @ rows.T)[0]
    steps = np.ceil(np.array([SETTLED, SETTLED + WINDOW]) / (sgd["lr"] * slowest)).astype(int)
    run = label_noise_sgd(setting, theta, **sgd, steps=steps[-1], rng=rng, chains=chains, record=steps)
    along = (run.theta[:, 1] - run.theta[:, 0]) @ unit / np.diff(steps)
    exact = tangent_drift(setting, theta, **sgd) @ unit
    leading = sgd["lr"] ** 2 * sgd["noise_std"] ** 2 / sgd["batch_size"] * np.linalg.norm(downhill)
    return along.mean(), along.std(ddof=1) / np.sqrt(chains), exact, leading
