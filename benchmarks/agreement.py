"""That a peer computes the same: its noises are read off its steps, by this package's derivatives, and looked at."""

import numpy as np

import ouanalysis as ou

from .case import Case, Process

__all__ = ["check"]


def check(case: Case | Process, run) -> None:
    """An AssertionError if what `run` returns cannot be the steps of the case."""
    (_check_process if isinstance(case, Process) else _check_step)(case, run)


def _check_step(case, run):
    """θ − θ' = (2η/B) Σ_b r_b ∇h_b for each chain: for which r, of which data, and is h − y − r the noise?"""
    setting = case.setting
    theta = run(1, 3)
    assert theta.shape == (case.chains, setting.dim)
    assert theta.dtype == np.float64
    batch = 1 if case.batch_size == 1 else setting.n
    moved = (case.theta - theta) * batch / (2 * case.lr)
    J = ou.jacobian(setting, case.theta)
    candidates = J[:, None] if batch == 1 else J[None]  # (data to choose from, B, p)
    residuals = moved @ np.linalg.pinv(candidates)  # (candidates, chains, B)
    left = np.linalg.norm(moved - residuals @ candidates, axis=-1)
    chosen = np.argmin(left, axis=0)
    chains = np.arange(case.chains)
    rounding = 1e3 * np.finfo(float).eps * np.abs(case.theta).max() * batch / case.lr
    assert left[chosen, chains].max() < rounding * np.sqrt(setting.dim), "the step is none of the model's"
    assert batch > 1 or setting.n == 1 or len(set(chosen)) > min(setting.n, case.chains) / 3, "few data are drawn"
    data = chosen[:, None] if batch == 1 else np.arange(batch)
    noise = (setting.predictions(case.theta) - setting.y)[data] - residuals[chosen, chains]
    _check_gaussian(noise / case.noise_std)


def _check_process(case, run):
    """The first and the last shock of each mode of each path: those of the exact process, or of Euler steps."""
    paths = run(case.steps, 3)
    assert paths.shape == (case.chains, case.steps, len(case.theta))
    assert paths.dtype == np.float64
    law = case.law
    modes = (paths[:, [0, -2, -1]] - case.theta) @ law.basis
    rates = case.lr * law.eigenvalues
    exact = np.exp(-rates)
    for decay, source in ((exact, 1 - exact**2), (1 - rates, 2 * rates)):
        spread = np.sqrt(law.stationary_variance * source)
        try:
            _check_gaussian(modes[:, 0] / spread)
            _check_gaussian((modes[:, -1] - decay * modes[:, -2]) / spread)
        except AssertionError:
            continue
        return
    raise AssertionError("the paths are of neither the exact process nor its Euler steps")


def _check_gaussian(values):
    """Mean 0, variance 1 and fourth moment 3, within four standard errors; neighbours along each axis uncorrelated."""
    size = values.size
    moments = [(values, 1), (values**2 - 1, 2), (values**4 - 3, 96)]
    for axis in range(values.ndim):
        if values.shape[axis] > 1:
            moments.append((values * np.roll(values, 1, axis=axis), 1))
    for of_all, variance in moments:
        z = of_all.sum() / np.sqrt(variance * size)
        assert abs(z) < 4, f"the noise is not standard normal: z = {z:.1f}"
