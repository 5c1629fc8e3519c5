"""The plateau of the clean loss against (ησ²/B) reg(θ): theory.md, section 2.

Random settings of all three kinds, each with its own η, σ and B. To leading order in the step the plateau measures the
regularizer; what is left grows with η times the largest curvature.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..numeric import InterpolationError, interpolate, jacobian, linearized_sgd, local_ou, regularizer
from ..settings import ReluNetwork, planted_matrix_sensing, planted_relu_network, planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["NoiseFloor", "run"]

KINDS = ("matrix sensing", "ReLU network", "sigmoid network")
# In units of y², small: the plateau is that of the start, and the noise's second order negligible.
FLOORS = (2e-8, 4e-7)


@dataclass(frozen=True, eq=False)
class NoiseFloor:
    """One entry a setting."""

    kind: Integers  # index into kinds
    kinds: tuple[str, ...]
    predicted: Array  # (ησ²/B) reg, in units of y²
    exact: Array  # of the linearised SGD
    measured: Array  # mean loss over chains and time on the plateau
    error: Array  # standard error, from the spread of the chains
    curvature: Array  # η λ_max(H)
    chains: int


def run(rng: RandomSource, size: Size = "full") -> NoiseFloor:
    """Measure the plateau of every setting."""
    rng = generator(rng)
    each, chains = one_of("size", size, {"full": (8, 64), "quick": (2, 16)})
    rows = []
    for k, draw in enumerate((_matrix_sensing, _relu_network, _sigmoid_network)):
        for _ in range(each):
            setting, theta = _well_conditioned(draw, rng)
            rows.append((k, *_plateau(setting, theta, rng, chains)))
    kind, predicted, exact, measured, error, curvature = (np.array(column) for column in zip(*rows, strict=True))
    return NoiseFloor(kind, KINDS, predicted, exact, measured, error, curvature, chains)


def _plateau(setting, theta, rng, chains):
    """Predicted, exact and measured plateau, its standard error, ηλ_max; of random η, B and floor, which gives σ."""
    top = 2 * np.linalg.norm(jacobian(setting, theta), 2) ** 2 / setting.n
    curvature = 10 ** rng.uniform(-2.3, -1)
    lr, batch_size = curvature / top, int(rng.integers(1, 4))
    noise_std = np.sqrt(rng.uniform(*FLOORS) * batch_size / (lr * regularizer(setting, theta)))
    noise: dict[str, Any] = {"lr": lr, "noise_std": noise_std, "batch_size": batch_size}
    local, law = local_ou(setting, theta, **noise), linearized_sgd(setting, theta, **noise)
    relaxation = 1 / (lr * local.eigenvalues[-1])
    burn_in, last = int(4 * relaxation), int(16 * relaxation)
    trajectory = label_noise_sgd(
        setting,
        theta,
        **noise,
        steps=last,
        rng=rng,
        chains=chains,
        record=np.unique(np.linspace(burn_in, last, 200).astype(int)),
    )
    by_chain = trajectory.loss.mean(axis=1)
    predicted, exact = float(local.expected_loss()), float(law.expected_loss())
    return predicted, exact, by_chain.mean(), by_chain.std(ddof=1) / np.sqrt(chains), curvature


def _matrix_sensing(rng):
    setting, theta = planted_matrix_sensing(5, 2, 4, rng=rng)
    return setting, theta + 0.3 * rng.standard_normal(setting.dim)


def _relu_network(rng):
    data, _ = planted_relu_network(4, 1, rng=rng)
    setting = ReluNetwork(data.x, data.y, 12)
    return setting, rng.standard_normal(setting.dim)


def _sigmoid_network(rng):
    setting, theta = planted_sigmoid_network(2, 3, 6, activation=rng.choice(["tanh", "logistic"]), rng=rng)
    return setting, theta + 0.3 * rng.standard_normal(setting.dim)


def _well_conditioned(draw, rng):
    """A drawn setting at a zero-error point: curvatures that differ less than 200-fold, no kink near a datum.

    |z_ij| > 0.006 is some ten standard deviations of what the noise does to z_ij.
    """
    for _ in range(1000):
        setting, start = draw(rng)
        try:
            theta = interpolate(setting, start)
        except InterpolationError:
            continue
        singular = np.linalg.svd(jacobian(setting, theta), compute_uv=False)
        if singular[0] ** 2 < 200 * singular[-1] ** 2 and _kink_distance(setting, theta) > 0.006:
            return setting, theta
    raise RuntimeError("noise_floor: expected a well-conditioned setting within 1000 draws, got none")


def _kink_distance(setting, theta):
    if not isinstance(setting, ReluNetwork):
        return np.inf
    part = setting.unpack(theta)
    return np.min(np.abs(part["a"] * setting.x[:, None] + part["b"]))
