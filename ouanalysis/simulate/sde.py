"""The diffusion of label-noise SGD, nonlinear and linearised.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, section 2.
"""

import numpy as np

from ..arguments import count, generator, nonnegative_number, positive_number
from ..numeric.fluctuations.local_ou import local_ou
from ..numeric.fluctuations.sampling import batch_of
from .segments import run, spawn_streams
from .sgd import starting_points
from .trajectory import observe, record_steps

__all__ = ["label_noise_sde", "ornstein_uhlenbeck"]


def label_noise_sde(
    setting,
    theta,
    *,
    lr,
    noise_std,
    steps,
    rng,
    chains=1,
    batch_size=1,
    substeps=10,
    record=None,
    progress=False,
):
    """Euler-Maruyama for dθ = −∇L dt + √(η/B̃) (2σ/√n) J(θ)ᵀ dW, with W of dimension n and t = η × steps.

    Each SGD step of time η is cut into `substeps` Euler steps of dt = η/substeps. Such a step *is* a full-batch
    gradient step of size dt with Gaussian label noise σ√(nη/(B̃ dt)), and is run as one.

    Parameters
    ----------
    substeps : int
        Weak error O(η/substeps). With 1 the result is full-batch SGD itself, not the diffusion.
    setting, theta, lr, noise_std, steps, rng, chains, batch_size, record, progress
        As in `label_noise_sgd`; steps and record count SGD steps.

    Returns
    -------
    Trajectory
    """
    lr = positive_number("lr", lr)
    steps = count("steps", steps, least=0)
    substeps = count("substeps", substeps, least=1)
    batch, _ = batch_of(setting, batch_size)
    records = record_steps(record, steps)
    states = run(
        setting,
        starting_points(setting, theta, chains),
        lr=lr / substeps,
        momentum=0.0,
        noise_std=nonnegative_number("noise_std", noise_std) * np.sqrt(setting.n * substeps / batch),
        noise="gaussian",
        batch_size="full",
        steps=steps * substeps,
        records=records * substeps,
        rng=generator(rng),
        progress=progress,
    )
    return observe(setting, states, records)


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
    decay = np.exp(-local.sampling.lr * elapsed[:, None] * local.eigenvalues)
    spread = np.sqrt(local.variances(elapsed))
    modes = np.zeros((chains, len(records), local.rank))
    state = np.zeros((chains, local.rank))
    for k in range(len(records)):
        state = modes[:, k] = decay[k] * state + spread[k] * shocks[:, k]
    return observe(setting, local.theta + modes @ local.basis.T, records)
