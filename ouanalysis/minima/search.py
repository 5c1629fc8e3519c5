"""The least regularizer that a search from many starts finds, without a certificate."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..arguments import count, generator, positive_number
from ..numeric import InterpolationError, interpolate, regularized_flow, regularizer, stability
from ..numeric.zero_error_set.norm import norm
from ..numeric.zero_error_set.row_space import DENSE
from ..progress import progress_bar
from ..settings.setting import Setting, check_setting
from .descent import descend
from .minimum_result import LeastRegularizer, Minimum

__all__ = ["LocalMinimum", "local_search", "local_search_from"]

DOMAIN = "local search"


@dataclass(frozen=True, eq=False, repr=False)
class LocalMinimum(Minimum):
    """The best end of descents of reg from many starts: no bound says that there is none better.

    Attributes
    ----------
    reg_at_ends : (starts,) array
        Ascending; NaN for starts from which the zero-error set or an end was not reached.
    statuses : tuple of str
        How each descent ended, in the same order: "stationary"; "kink" (a kink on a datum stopped it); "stalled"
        (reg did not fall as its derivatives say); "not attained" (reg falls without end, or by less than rounding, with
        no stationary point near: on the way to an infimum); "unfinished"; or why there is no end.
    status, verdict : str
        How the descent that ended at theta did, and what `stability` says of it: unless they are "stationary" and a
        minimum, `value` is not even a local one.
    """

    reg_at_ends: NDArray[np.float64]
    statuses: tuple[str, ...]
    status: str
    verdict: str

    def _content(self) -> tuple[str, ...]:
        best = int(np.sum(self.reg_at_ends <= self.value * (1 + 1e-6)))
        return *super()._content(), f"{best} of {len(self.reg_at_ends)} starts end there", self.status, self.verdict


def local_search(
    setting: Setting,
    *,
    starts: int = 8,
    scale: float = 1.0,
    rng: np.random.Generator | np.random.BitGenerator | np.random.SeedSequence | int | Sequence[int] = 0,
    progress: bool = False,
) -> LocalMinimum:
    """Descend on reg along the zero-error set from random starts, and keep the lowest end.

    By Newton's method on the set, with a trust region (`ouanalysis.minima.descent`); for more than 3000 parameters by
    the gradient flow.

    Parameters
    ----------
    setting : Setting
    starts : int
    scale : float
        Starts are drawn from N(0, scale²) in every parameter, and moved onto the zero-error set.
    rng : numpy.random.Generator or seed
    progress : bool
        Show a bar of starts.

    Returns
    -------
    LocalMinimum

    Raises
    ------
    ValueError
        If the zero-error set was reached from no start.
    """
    check_setting(setting)
    random, scale = generator(rng), positive_number("scale", scale)
    draws = scale * random.standard_normal((count("starts", starts, least=1), setting.dim))
    ends = []
    with progress_bar(len(draws), unit="start", shown=progress) as bar:
        for start in draws:
            ends.append(_end(setting, start))
            bar.update(1)
    ends.sort(key=lambda end: (np.isnan(end[0]), end[0]))
    value, status, theta = ends[0]
    if np.isnan(value):
        raise InterpolationError(f"setting: expected an end of a descent, got none from {starts} starts: {status}")
    return LocalMinimum(
        setting=setting,
        value=value,
        theta=theta,
        lower_bound=0.0,
        domain=DOMAIN,
        residual=float(np.max(np.abs(setting.predictions(theta) - setting.y))),
        reg_at_ends=np.array([end[0] for end in ends]),
        statuses=tuple(end[1] for end in ends),
        status=status,
        verdict=stability(setting, theta).verdict,
    )


def local_search_from(setting: Setting, theta: NDArray[np.float64]) -> LeastRegularizer:
    """v(h(θ)) by a search among the parameters with the predictions of theta (p,), from it and three others."""
    at_theta = setting.with_labels(setting.predictions(theta))
    scale = norm(theta) / np.sqrt(setting.dim) or 1.0
    draws = scale * np.random.default_rng(0).standard_normal((3, setting.dim))
    value = float(np.nanmin([_end(at_theta, start)[0] for start in [theta, *draws]] + [np.inf]))
    return LeastRegularizer(value, 0.0, DOMAIN)


def _end(setting, theta):
    """(reg, status, θ) where the descent from theta ends."""
    try:
        start = interpolate(setting, theta)
    except InterpolationError:
        return np.nan, "zero error not reached", None
    except ValueError:
        return np.nan, "no derivative there", None
    if setting.dim <= DENSE:
        end, status = descend(setting, start)
    else:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of its rank, or that it stalled, as its status says
            longest = 1e8 * (start @ start) / regularizer(setting, start)  # most come to rest long before
            flow = regularized_flow(setting, start, times=[longest], rtol=1e-6)
        end, status = flow.theta[-1], flow.status
    reg = float(regularizer(setting, end))
    return (reg, status, end) if np.isfinite(reg) else (np.nan, "reg is not finite", None)
