"""The diffusion of label-noise SGD, nonlinear and linearised.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

from dataclasses import replace
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from ..arguments import count, generator
from ..numeric.fluctuations.local_ou import local_ou
from ..numeric.fluctuations.sampling import Sampling, sampling_of
from ..settings import Setting
from .draws import spawn_streams
from .segments import run
from .sgd import RandomSource, starting_points
from .trajectory import Trajectory, observe, record_steps

__all__ = ["label_noise_sde", "ornstein_uhlenbeck"]


def label_noise_sde(
    setting: Setting,
    theta: ArrayLike,
    *,
    lr: float,
    noise_std: ArrayLike,
    steps: int,
    rng: RandomSource,
    chains: int = 1,
    batch_size: int | Literal["full"] = 1,
    gradient_noise_std: float = 0.0,
    substeps: int = 10,
    record: ArrayLike | None = None,
    progress: bool = False,
) -> Trajectory:
    """Euler-Maruyama for dθ = −∇L dt + √(η/B̃) (2/√n) J(θ)ᵀ diag(σ_i) dW + √η s dW′, with t = η × steps.

    W has dimension n and W′ dimension p. Each SGD step of time η is cut into `substeps` Euler steps of dt =
    η/substeps. Such a step *is* a full-batch gradient step of size dt with Gaussian label noise σ_i √(nη/(B̃ dt)) and
    noise s √(η/dt) on the gradient, and is run as one.

    Parameters
    ----------
    substeps : int
        Weak error O(η/substeps). With 1 the result is full-batch SGD itself, not the diffusion.
    setting, theta, lr, noise_std, steps, rng, chains, batch_size, gradient_noise_std, record, progress
        As in `label_noise_sgd`; steps and record count SGD steps.

    Returns
    -------
    Trajectory
    """
    sampling = sampling_of(
        setting, lr=lr, noise_std=noise_std, batch_size=batch_size, gradient_noise_std=gradient_noise_std
    )
    steps = count("steps", steps, least=0)
    substeps = count("substeps", substeps, least=1)
    records = record_steps(record, steps)
    states = run(
        setting,
        starting_points(setting, theta, chains),
        euler_step(sampling, setting.n, substeps),
        noise="gaussian",
        steps=steps * substeps,
        records=records * substeps,
        rng=generator(rng),
        progress=progress,
    )
    return observe(setting, states, records)


def euler_step(sampling: Sampling, n: int, substeps: int) -> Sampling:
    """The full-batch step of size η/substeps that is an Euler step of the diffusion."""
    with np.errstate(all="ignore"):  # a chain that overflows has diverged
        return replace(
            sampling,
            lr=sampling.lr / substeps,
            noise_std=sampling.noise_std * np.sqrt(n * substeps / sampling.batch_size),
            batch_size=n,
            replacement=False,
            gradient_noise_std=sampling.gradient_noise_std * np.sqrt(substeps),
        )


def ornstein_uhlenbeck(setting, theta, *, lr, noise_std, steps, rng, chains=1, batch_size=1, record=None):
    """The linearised process about a zero-error point, by its exact transition: no step-size error at any record.

    Parameters
    ----------
    theta : (p,) array_like
        θ*, on the zero-error set; the chains start there.
    setting, lr, noise_std, steps, rng, chains, batch_size, record
        As in `label_noise_sgd`.

    Returns
    -------
    Trajectory
        θ* + δ, and the loss and the regularizer of the model itself there.

    Raises
    ------
    ValueError
        As `local_ou`.
    """
    steps = count("steps", steps, least=0)
    chains = count("chains", chains, least=1)
    records = record_steps(record, steps)
    local = local_ou(setting, theta, lr=lr, noise_std=noise_std, batch_size=batch_size)
    streams = spawn_streams(generator(rng), chains)
    shocks = np.stack([chain.noise.standard_normal((len(records), local.rank)) for chain in streams])
    elapsed = np.diff(records, prepend=0)
    decay = np.exp(-local.lr * elapsed[:, None] * local.eigenvalues)
    spread = np.sqrt(local.variances(elapsed))
    modes = np.zeros((chains, len(records), local.rank))
    state = np.zeros((chains, local.rank))
    for k in range(len(records)):
        state = modes[:, k] = decay[k] * state + spread[k] * shocks[:, k]
    return observe(setting, local.theta + modes @ local.basis.T, records)
