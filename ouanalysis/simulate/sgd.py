"""Stochastic gradient descent on the squared loss with fresh noise on the labels.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 2; theory.md, sections 1 and 6.
"""

import numpy as np

from ..arguments import Array, RandomSource, Reals, count, generator
from ..numeric.fluctuations.sampling import BatchSize, sampling_of
from ..settings import Setting
from ..settings.setting import parameters
from .draws import Law
from .provenance import Seed, sampling_arguments
from .segments import run
from .trajectory import Trajectory, observe, record_steps

__all__ = ["label_noise_sgd", "starting_points"]


def label_noise_sgd(
    setting: Setting,
    theta: Reals,
    *,
    lr: float,
    noise_std: Reals,
    steps: int,
    rng: RandomSource,
    chains: int = 1,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
    noise: Law = "gaussian",
    gradient_noise_std: float = 0.0,
    record: Reals | None = None,
    progress: bool = False,
) -> Trajectory:
    """Run an ensemble of label-noise SGD: θ ← θ − η ((2/B) Σ_b (h_{i_b} − y_{i_b} − ε_b) g_{i_b} + s ξ).

    A setting with a file in `simulate/kernels` (all built-in ones) runs compiled, chains in threads; any other by
    autograd, vectorised over chains and some hundred times slower (and so a SigmoidNetwork whose SymPy activation Numba
    cannot compile).

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
    sampling = sampling_of(
        setting,
        lr=lr,
        noise_std=noise_std,
        batch_size=batch_size,
        replacement=replacement,
        momentum=momentum,
        gradient_noise_std=gradient_noise_std,
    )
    steps = count("steps", steps, least=0)
    if not callable(noise) and not (isinstance(noise, str) and noise in ("gaussian", "rademacher")):
        raise ValueError(f'noise: expected "gaussian", "rademacher" or a function (rng, size), got {noise!r}')
    records = record_steps(record, steps)
    start = starting_points(setting, theta, chains)
    source = generator(rng)
    seed = Seed.of(source)
    states, engine = run(
        setting, start, sampling, noise=noise, steps=steps, records=records, rng=source, progress=progress
    )
    run_of = {"theta": start, "steps": steps, "chains": len(start), "noise": noise, "record": records}
    arguments = {"simulator": "label_noise_sgd", **run_of, **sampling_arguments(setting, sampling)}
    return observe(setting, states, records, arguments=arguments, seed=seed, engine=engine)


def starting_points(setting: Setting, theta: Reals, chains: int) -> Array:
    """theta (p,) or (chains, p) as a (chains, p) array."""
    chains = count("chains", chains, least=1)
    start = parameters(setting, theta)
    if start.ndim > 1 and start.shape != (chains, setting.dim):
        raise ValueError(
            f"theta: expected shape ({setting.dim},) or (chains, {setting.dim}) = ({chains}, {setting.dim}),"
            f" got {start.shape}"
        )
    return np.array(np.broadcast_to(start, (chains, setting.dim)))
