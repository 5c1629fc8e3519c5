"""The diffusion of label-noise SGD.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

from dataclasses import replace

import numpy as np

from ..arguments import RandomSource, Reals, count, generator
from ..numeric.fluctuations.sampling import BatchSize, Sampling, sampling_of
from ..settings import Setting
from .provenance import OF_DIFFUSION, Seed, sampling_arguments
from .segments import run
from .sgd import starting_points
from .trajectory import Trajectory, observe, record_steps

__all__ = ["label_noise_sde"]


def label_noise_sde(
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
    substeps: int = 10,
    record: Reals | None = None,
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
    start = starting_points(setting, theta, chains)
    source = generator(rng)
    seed = Seed.of(source)
    states, engine = run(
        setting,
        start,
        euler_step(sampling, setting.n, substeps),
        noise="gaussian",
        steps=steps * substeps,
        records=records * substeps,
        rng=source,
        progress=progress,
    )
    run_of = {"theta": start, "steps": steps, "chains": len(start), "substeps": substeps, "record": records}
    arguments = {"simulator": "label_noise_sde", **run_of, **sampling_arguments(setting, sampling, OF_DIFFUSION)}
    return observe(setting, states, records, arguments=arguments, seed=seed, engine=engine)


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
