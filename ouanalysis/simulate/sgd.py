"""Stochastic gradient descent on the squared loss with fresh noise on the labels.

Source: Blanc et al. 2020 (arXiv:1904.09080), section 2; theory.md, section 1.
"""

import numpy as np

from ..arguments import count, generator, nonnegative_number, positive_number
from ..numeric.fluctuations.sampling import batch_of
from ..settings.setting import parameters
from .segments import run
from .trajectory import observe, record_steps

__all__ = ["label_noise_sgd", "starting_points"]


def label_noise_sgd(
    setting,
    theta,
    *,
    lr,
    noise_std,
    steps,
    rng,
    chains=1,
    batch_size=1,
    momentum=0.0,
    noise="gaussian",
    record=None,
    progress=False,
):
    """Run an ensemble of label-noise SGD: θ ← θ − (2η/B) Σ_b (h_{i_b} − y_{i_b} − ε_b) g_{i_b}.

    A setting with a file in `simulate/kernels` (the three built-in ones) runs compiled, chains in threads; any other by
    autograd, vectorised over chains and some hundred times slower (and so a SigmoidNetwork whose SymPy activation Numba
    cannot compile).

    Parameters
    ----------
    setting : Setting
    theta : (p,) or (chains, p) array_like
        Where the chains start.
    lr, noise_std : float
        Step size η > 0, and standard deviation σ ≥ 0 of the label noise in units of y.
    steps : int
    rng : numpy.random.Generator or seed
        The same seed gives the same paths, whatever the number of threads.
    chains : int
    batch_size : int or "full"
        B, drawn with replacement; "full" takes every datum once, each label noised.
    momentum : float
        β in [0, 1): v ← βv − ∇, θ ← θ + ηv.
    noise : "gaussian", "rademacher" or callable
        A callable ``noise(rng, size)`` returns symmetric noise of unit variance, size = (steps, B) of the next segment;
        noise_std scales it. It is called from several threads and must draw from this rng alone, entry by entry.
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
    steps = count("steps", steps, least=0)
    momentum = nonnegative_number("momentum", momentum, below=1)
    if not callable(noise) and not (isinstance(noise, str) and noise in ("gaussian", "rademacher")):
        raise ValueError(f'noise: expected "gaussian", "rademacher" or a function (rng, size), got {noise!r}')
    batch_of(setting, batch_size)
    records = record_steps(record, steps)
    states = run(
        setting,
        starting_points(setting, theta, chains),
        lr=positive_number("lr", lr),
        momentum=momentum,
        noise_std=nonnegative_number("noise_std", noise_std),
        noise=noise,
        batch_size=batch_size,
        steps=steps,
        records=records,
        rng=generator(rng),
        progress=progress,
    )
    return observe(setting, states, records)


def starting_points(setting, theta, chains):
    """theta (p,) or (chains, p) as a (chains, p) array."""
    chains = count("chains", chains, least=1)
    theta = parameters(setting, theta)
    if theta.ndim > 1 and theta.shape != (chains, setting.dim):
        raise ValueError(
            f"theta: expected shape ({setting.dim},) or (chains, {setting.dim}) = ({chains}, {setting.dim}),"
            f" got {theta.shape}"
        )
    return np.array(np.broadcast_to(theta, (chains, setting.dim)))
