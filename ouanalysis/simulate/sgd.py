"""Stochastic gradient descent on the squared loss with fresh noise on the labels.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 2; theory.md, sections 1 and 6.
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
from .draws import Law
from .launch import launch
from .plan import Observer
from .trajectory import Trajectory

__all__ = ["label_noise_sgd"]


def label_noise_sgd(
    setting: Setting,
    theta: Reals,
    *,
    lr: Scheduled,
    noise_std: Scheduled,
    steps: int,
    rng: RandomSource,
    chains: int = 1,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: Scheduled = 0.0,
    noise: Law = "gaussian",
    gradient_noise_std: float = 0.0,
    weight_decay: float = 0.0,
    record: Reals | Literal["log"] | None = None,
    observe: Mapping[str, Observer] | None = None,
    average: Averaging | None = None,
    executor: Executor | None = None,
    checkpoint: PathLike | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run an ensemble of label-noise SGD: θ ← θ − η ((2/B) Σ_b (h_{i_b} − y_{i_b} − ε_b) g_{i_b} + s ξ).

    A built-in setting, and any that `compiled` gave, runs compiled, chains in threads; any other by autograd,
    vectorised over chains and some hundred times slower (and so a SigmoidNetwork whose SymPy activation Numba cannot
    compile).

    Parameters
    ----------
    setting : Setting
    theta : (p,) or (chains, p) array_like
        Where the chains start.
    lr : float
        Step size η > 0.
    noise_std : float or (n,) array_like
        Standard deviation σ ≥ 0 of the label noise in units of y, of all data or of each.
    steps : int
    rng : numpy.random.Generator or seed
        The same seed gives the same paths, whatever the number of threads.
    chains : int
    batch_size : int or "full"
        B; "full" takes every datum once, each label noised.
    replacement : bool
        Whether a batch is drawn with replacement, or of distinct data: n of them are the full batch.
    momentum : float
        β in [0, 1): v ← βv − (∇ + s ξ), θ ← θ + ηv.
    noise : "gaussian", "rademacher" or callable
        A callable ``noise(rng, size)`` returns symmetric noise of unit variance, size = (steps, B) of the next segment;
        noise_std scales it. It is called from several threads and must draw from this rng alone, entry by entry.
    gradient_noise_std : float
        s ≥ 0, in units of y²/θ: isotropic noise on the gradient, ξ standard normal in R^p.
    record : int or increasing int array, optional
        A stride (step 0 included) or the steps to record. The last state is always recorded.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trajectory
        A chain that overflowed has the status "diverged".

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, named in the message.

    Warns
    -----
    UserWarning
        Once a process: compiled kernels cannot be kept on disk, or NUMBA_DISABLE_JIT keeps them from being compiled.

    Examples
    --------
    Without noise on the labels, one datum and h = u²: u ← u − 2η (u² − y) 2u.

    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> ou.label_noise_sgd(setting, [1.0], lr=0.1, noise_std=0.0, steps=1, rng=0).theta
    array([[[2.2]]])
    """
    arguments = {
        "lr": lr,
        "noise_std": noise_std,
        "batch_size": batch_size,
        "replacement": replacement,
        "momentum": momentum,
        "gradient_noise_std": gradient_noise_std,
        "weight_decay": weight_decay,
        "steps": steps,
        "chains": chains,
        "noise": noise,
        "record": record,
        "observe": observe,
        "average": average,
    }
    return launch(
        "label_noise_sgd",
        setting,
        theta,
        arguments,
        rng=rng,
        executor=executor,
        checkpoint=checkpoint,
        progress=progress,
    )
