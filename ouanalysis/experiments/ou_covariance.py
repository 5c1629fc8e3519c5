"""Label-noise SGD about a zero-error point against its Ornstein-Uhlenbeck covariance: theory.md, section 2.

A tanh network on two data whose two curvatures differ several-fold. The predictions scatter as (ησ²/B) K, an ellipse;
across the zero-error set the parameters scatter equally in both directions, only at different speeds.
"""

from dataclasses import dataclass

import numpy as np

from ..arguments import Array, Integers, RandomSource, generator, one_of
from ..numeric import local_ou
from ..settings import planted_sigmoid_network
from ..simulate import label_noise_sgd
from . import Size

__all__ = ["OUCovariance", "run"]

LR, NOISE_STD = 0.005, 0.02
CLOUD = 1500  # chains shown as points; the variances are over all


@dataclass(frozen=True, eq=False)
class OUCovariance:
    """Scatter in units of the predicted stationary standard deviation √(ησ²/B) where it says `scaled`."""

    rates: Array  # η λ_k per step (2,)
    residuals: Array  # (h − y)/σ at the end (cloud, 2)
    residual_covariance: Array  # its prediction (η/B) K, (2, 2)
    scaled_modes: Array  # Vᵀ(θ − θ*) at the end (cloud, 2)
    steps: Integers  # (records,)
    scaled_variance: Array  # measured along each eigenvector (records, 2)
    scaled_variance_error: Array  # its standard error
    predicted_variance: Array  # 1 − e^{−2λt} (records, 2)
    # At the end: the covariance of the two eigenvectors, its standard error, and the largest variance along M
    scaled_covariance: float
    scaled_covariance_error: float
    scaled_variance_along: float


def run(rng: RandomSource, size: Size = "full") -> OUCovariance:
    """Simulate the ensemble and predict its covariance."""
    rng = generator(rng)
    chains = one_of("size", size, {"full": 4000, "quick": 400})
    setting, theta = planted_sigmoid_network(2, 2, 4, rng=11)  # a draw whose curvatures differ by a factor of 5
    local = local_ou(setting, theta, lr=LR, noise_std=NOISE_STD)
    last = int(2.5 / (LR * local.eigenvalues[-1]))
    steps = np.unique(np.linspace(0, last, 41).astype(int))
    trajectory = label_noise_sgd(
        setting, theta, lr=LR, noise_std=NOISE_STD, steps=last, rng=rng, chains=chains, record=steps
    )
    moved = (trajectory.theta - theta) / np.sqrt(local.stationary_variance)
    scaled = moved @ local.basis
    along = (moved[:, -1] - scaled[:, -1] @ local.basis.T) / np.sqrt(chains)
    variance, product = np.mean(scaled**2, axis=0), np.prod(scaled[:, -1], axis=1)
    return OUCovariance(
        rates=LR * local.eigenvalues,
        residuals=(setting.predictions(trajectory.theta[:CLOUD, -1]) - setting.y) / NOISE_STD,
        residual_covariance=local.function_covariance() / NOISE_STD**2,
        scaled_modes=scaled[:CLOUD, -1],
        steps=trajectory.steps,
        scaled_variance=variance,
        scaled_variance_error=np.std(scaled**2, axis=0) / np.sqrt(chains),
        predicted_variance=local.variances(trajectory.steps) / local.stationary_variance,
        scaled_covariance=float(np.mean(product)),
        scaled_covariance_error=float(np.std(product) / np.sqrt(chains)),
        scaled_variance_along=float(np.linalg.norm(along, 2) ** 2),
    )
