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
    lr : float or schedule
        Step size η > 0, in units of θ²/y². A schedule is an array of stages, rows (step, value) with increasing steps
        from 0, each value holding from its step on; or a function from int64 steps (k,) to values (k,), called for some
        steps at a time, in any order and more than once.
    noise_std : float, (n,) array_like or schedule
        Standard deviation σ ≥ 0 of the label noise in units of y, of all data or of each; of several outputs of
        each row of J, n then their number. Stages are rows (step, σ) or (step, σ_1, …, σ_n); a function gives (k,) or
        (k, n).
    steps : int
    rng : numpy.random.Generator or seed
        The same seed gives the same paths, whatever the executor, the number of workers and of threads.
    chains : int
    batch_size : int or "full"
        B; "full" takes every datum once, each label noised.
    replacement : bool
        Whether a batch is drawn with replacement, or of distinct data: n of them are the full batch.
    momentum : float or schedule
        β in [0, 1): v ← βv − (∇ + s ξ + λθ), θ ← θ + ηv. v is kept where a schedule changes.
    noise : "gaussian", "rademacher" or callable
        A callable ``noise(rng, size)`` returns symmetric noise of unit variance, size = (steps, B) of the next segment;
        noise_std scales it. It is called from several threads and must draw from this rng alone, entry by entry.
    gradient_noise_std : float
        s ≥ 0, in units of y²/θ: isotropic noise on the gradient, ξ standard normal in R^p.
    weight_decay : float
        λ ≥ 0, in units of y²/θ²: λθ is added to the gradient, as of λ‖θ‖²/2 in the loss.
    record : int, increasing int array or "log", optional
        A stride (step 0 included), the steps to record, or "log": step 0 and about 20 steps a decade. The last state is
        always recorded.
    observe : dict of functions, optional
        f(setting, theta) by name, theta (k, p) the states of some chains at one record, to real numbers (k, ...) of one
        shape: `Trajectory.observed` has them as (chains, records, ...), NaN where a chain has diverged.
    average : Averaging, optional
        What to average over the steps, in memory that does not grow with them: `Trajectory.averages`.
    executor : concurrent.futures.Executor, optional
        Who takes the steps: by default as many threads as there are processors, for the time of the call. Processes
        need a setting, noise, schedules and observers that pickle.
    checkpoint : path, optional
        A new file in which what the run has come to is written every few seconds, for `resume`; a
        UserWarning if it cannot be written any more.
    progress : bool
        Show a progress bar, of the steps of all chains.

    Returns
    -------
    Trajectory
        A chain that overflowed has the status "diverged". Ctrl-C in the main thread ends the run at a step that all
        chains have come to, with the status "interrupted"; a second one is a KeyboardInterrupt.

    Raises
    ------
    ValueError, TypeError
        For an argument out of its range, named in the message, and for records or averages that memory cannot hold.
    FileExistsError
        If `checkpoint` is there already.

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

    Half the step from step 50 on, noise that falls as 1/√k, and averages over the last half:

    >>> run = ou.label_noise_sgd(
    ...     setting, [2.0], lr=[(0, 0.01), (50, 0.005)], noise_std=lambda k: 0.1 / (1 + k) ** 0.5, steps=100, rng=0,
    ...     average=ou.Averaging(loss=True, start=50),
    ... )
    >>> run.averages
    Averages(chains=1, dim=1, count=50, basis of 0)
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
