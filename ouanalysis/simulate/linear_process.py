"""The process of label-noise SGD linearised about a zero-error point.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from ..arguments import RandomSource, Reals, count, generator
from ..numeric.fluctuations.local_ou import local_ou
from ..numeric.fluctuations.sampling import BatchSize
from ..one_blas_thread import one_blas_thread
from ..settings import Setting
from .draws import spawn_streams
from .normals import fill_standard_normal, prepare
from .provenance import OF_DIFFUSION, Seed, sampling_arguments, versions
from .records import record_steps
from .storage import Stored
from .trajectory import Trajectory, observe

__all__ = ["ornstein_uhlenbeck"]

BLOCK = 1 << 19  # numbers that neighbouring chains draw from one stream, in 1 ms: to seed one takes 40 microseconds


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
    from .relaxation import relaxation

    steps = count("steps", steps, least=0)
    chains = count("chains", chains, least=1)
    kept, records = record_steps(record, steps, chains * setting.dim)
    with one_blas_thread():
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
        gaps, order = np.unique(np.diff(records, prepend=0), return_inverse=True)
        relax, transitions = relaxation(), _transitions(local, gaps)
        size = max(1, BLOCK // (len(records) * max(1, local.rank)))
        groups = range(0, chains, size)
        streams = spawn_streams(source, len(groups))
        prepare(min(size, chains) * len(records) * local.rank)
        states = np.empty((chains, len(records), setting.dim))
        with ThreadPoolExecutor(min(len(groups), os.cpu_count() or 1)) as pool:
            fill = partial(_fill, local=local, relax=relax, gaps=gaps, order=order, transitions=transitions)
            list(pool.map(fill, (states[first : first + size] for first in groups), streams))
    run_of = {"theta": local.theta, "steps": steps, "chains": chains, "record": kept}
    sampled = sampling_arguments(setting, local.sampling, OF_DIFFUSION)
    arguments = {"simulator": "ornstein_uhlenbeck", **run_of, **sampled}
    return observe(
        Stored(
            setting=setting,
            arguments=arguments,
            seed=seed,
            versions=versions("numba"),
            theta=states,
            steps=records,
            observed={},
            state=None,
            witness=None,
        )
    )


def _fill(out, stream, local, relax, gaps, order, transitions):
    """The states of some chains, to out (chains, records, p): record k is gaps[order[k]] steps after the one before."""
    decays, spreads, roots = transitions
    modes = np.empty((len(out), len(order), local.rank))  # Vᵀδ
    fill_standard_normal(stream.noise, modes)
    for gap, root in roots.items():
        modes[:, order == gap] = modes[:, order == gap] @ root
    relax(modes, order, decays, spreads)
    np.matmul(modes, np.ascontiguousarray(local.basis.T), out=out)
    out += local.theta
    if local.sampling.gradient_noise_std:
        out += _along(local, stream, len(out), gaps[order])


def _transitions(local, gaps):
    """For each of the gaps the decay of Vᵀδ and the spread of each mode (gaps, r), which start from 0.

    Where the modes are not independent, as they are under noise of equal size, the spread is 1 and the symmetric root
    of their covariance in a dict.
    """
    decays = np.exp(-local.sampling.lr * gaps[:, None] * local.eigenvalues)
    spreads, roots = np.ones_like(decays), {}
    for gap, steps in enumerate(gaps):
        covariance = local.mode_covariance(steps)
        variances = np.diagonal(covariance)
        if np.count_nonzero(covariance - np.diag(variances)):
            values, vectors = np.linalg.eigh(covariance)
            roots[gap] = vectors * np.sqrt(np.maximum(values, 0)) @ vectors.T
        else:
            spreads[gap] = np.sqrt(variances)
    return decays, spreads, roots


def _along(local, stream, chains, elapsed):
    """Nδ of the chains (chains, records, p), a free diffusion of variance η²s² a step and direction."""
    kicks = local.sampling.lr * local.sampling.gradient_noise_std * np.sqrt(elapsed)[:, None]
    shocks = stream.gradient_noise.standard_normal((chains, len(elapsed), local.setting.dim))
    walk = np.cumsum(kicks * shocks, axis=1)
    return walk - walk @ local.basis @ local.basis.T
