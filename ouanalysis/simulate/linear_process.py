"""The process of label-noise SGD linearised about a zero-error point.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from ..arguments import RandomSource, Reals, count, generator
from ..numeric.fluctuations.local_ou import local_ou
from ..numeric.fluctuations.sampling import BatchSize
from ..settings import Setting
from .draws import spawn_streams
from .provenance import OF_DIFFUSION, Seed, sampling_arguments, versions
from .records import record_steps
from .storage import Stored
from .trajectory import Trajectory, observe

__all__ = ["ornstein_uhlenbeck"]

BLOCK = 1 << 18  # numbers of the states of chains that advance together: 2 MB


def ornstein_uhlenbeck(
    setting: Setting,
    theta: Reals,
    *,
    lr: float,
    noise_std: Reals,
    steps: int,
    rng: RandomSource,
    chains: int = 1,
    batch_size: BatchSize = 1,
    gradient_noise_std: float = 0.0,
    record: Reals | None = None,
) -> Trajectory:
    """The linearised process about a zero-error point, by its exact transition: no step-size error at any record.

    Across the zero-error set that of `local_ou`; along it noise s on the gradient diffuses freely, by η²s² a step.

    Parameters
    ----------
    theta : (p,) array_like
        θ*, on the zero-error set; the chains start there.
    setting, lr, noise_std, steps, rng, chains, batch_size, gradient_noise_std, record
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
    kept, records = record_steps(record, steps, chains * setting.dim)
    local = local_ou(
        setting,
        theta,
        lr=lr,
        noise_std=noise_std,
        batch_size=batch_size,
        gradient_noise_std=gradient_noise_std,
    )
    source = generator(rng)
    seed = Seed.of(source)
    streams = spawn_streams(source, chains)
    elapsed = np.diff(records, prepend=0)
    states = np.empty((chains, len(records), setting.dim))
    size = max(1, BLOCK // states[0].size)
    blocks = [slice(first, first + size) for first in range(0, chains, size)]
    transitions = _transitions(local, elapsed)
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
        list(pool.map(lambda block: _fill(states[block], local, streams[block], elapsed, transitions), blocks))
    run_of = {"theta": local.theta, "steps": steps, "chains": chains, "record": kept}
    sampled = sampling_arguments(setting, local.sampling, OF_DIFFUSION)
    arguments = {"simulator": "ornstein_uhlenbeck", **run_of, **sampled}
    return observe(
        Stored(
            setting=setting,
            arguments=arguments,
            seed=seed,
            versions=versions("autograd"),
            theta=states,
            steps=records,
            observed={},
            state=None,
            witness=None,
        )
    )


def _fill(out, local, streams, elapsed, transitions):
    """The states of some chains, to out (chains, records, p)."""
    np.matmul(_across(local, streams, elapsed, transitions), local.basis.T, out=out)
    out += local.theta
    if local.sampling.gradient_noise_std:
        out += _along(local, streams, elapsed)


def _across(local, streams, elapsed, transitions):
    """Vᵀδ of the chains (chains, records, r), from 0, at times apart by `elapsed` steps."""
    modes = np.empty((len(streams), len(elapsed), local.rank))
    for chain, shocks in zip(streams, modes, strict=True):
        chain.noise.standard_normal(out=shocks)
    state = np.zeros_like(modes[:, 0])
    for k, steps in enumerate(elapsed):
        decay, root = transitions[steps]
        modes[:, k] = modes[:, k] * root if root.ndim == 1 else modes[:, k] @ root
        state *= decay
        state += modes[:, k]
        modes[:, k] = state
    return modes


def _transitions(local, elapsed):
    """For each time between records the decay of Vᵀδ and the symmetric root of its covariance from 0.

    The root is (r,) where the modes are independent, as under noise of equal size, else (r, r).
    """
    found = {}
    for steps in np.unique(elapsed):
        covariance = local.mode_covariance(steps)
        if np.count_nonzero(covariance - np.diag(np.diagonal(covariance))):
            values, vectors = np.linalg.eigh(covariance)
            root = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        else:
            root = np.sqrt(np.diagonal(covariance))
        found[steps] = np.exp(-local.sampling.lr * steps * local.eigenvalues), root
    return found


def _along(local, streams, elapsed):
    """Nδ of the chains (chains, records, p), a free diffusion of variance η²s² a step and direction."""
    kicks = local.sampling.lr * local.sampling.gradient_noise_std * np.sqrt(elapsed)[:, None]
    shocks = [chain.gradient_noise.standard_normal((len(elapsed), local.setting.dim)) for chain in streams]
    walk = np.cumsum(kicks * np.stack(shocks), axis=1)
    return walk - walk @ local.basis @ local.basis.T
