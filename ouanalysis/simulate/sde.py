"""The diffusion of label-noise SGD.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 3; theory.md, sections 2 and 6.
"""

from collections.abc import Mapping
from concurrent.futures import Executor
from typing import Literal

from ..arguments import RandomSource, Reals
from ..numeric.fluctuations.sampling import BatchSize
from ..numeric.fluctuations.schedule import Scheduled
from ..settings import Setting
from .archive import PathLike
from .averages import Averaging
from .launch import launch
from .plan import Observer
from .trajectory import Trajectory

__all__ = ["label_noise_sde"]


def label_noise_sde(
    setting: Setting,
    theta: Reals,
    *,
    lr: Scheduled,
    noise_std: Scheduled,
    steps: int,
    rng: RandomSource,
    chains: int = 1,
    batch_size: BatchSize = 1,
    gradient_noise_std: float = 0.0,
    substeps: int = 10,
    record: Reals | Literal["log"] | None = None,
    observe: Mapping[str, Observer] | None = None,
    average: Averaging | None = None,
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
    progress: bool = False,
) -> Trajectory:
    """Euler-Maruyama for dθ = −∇L dt + √(η/B̃) (2/√n) J(θ)ᵀ diag(σ_i) dW + √η s dW′, with t = η × steps.

    W has dimension n and W′ dimension p. Each SGD step of time η is cut into `substeps` Euler steps of dt =
    η/substeps. Such a step *is* a full-batch gradient step of size dt with Gaussian label noise σ_i √(nη/(B̃ dt)) and
    noise s √(η/dt) on the gradient, and is run as one.

    Parameters
    ----------
    lr, noise_std : float, array_like or schedule
        η and σ or σ_i as in `label_noise_sgd`, in its units: scaling to Euler steps is done here. A schedule counts SGD
        steps; all substeps of one take its values.
    substeps : int
        Weak error O(η/substeps). With 1 the result is full-batch SGD itself, not the diffusion.
    setting, theta, steps, rng, chains, batch_size, gradient_noise_std, record, observe, average
        As in `label_noise_sgd`, counting SGD steps: `average` takes the states at the end of one, not of substeps.
    executor, checkpoint, progress
        As in `label_noise_sgd`.

    Returns
    -------
    Trajectory
        As of `label_noise_sgd`.
    """
    arguments = {
        "lr": lr,
        "noise_std": noise_std,
        "batch_size": batch_size,
        "gradient_noise_std": gradient_noise_std,
        "steps": steps,
        "chains": chains,
        "substeps": substeps,
        "record": record,
        "observe": observe,
        "average": average,
    }
    return launch(
        "label_noise_sde",
        setting,
        theta,
        arguments,
        rng=rng,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
