"""The least regularizer that a search from many starts finds, without a certificate."""

import warnings
from dataclasses import dataclass

import numpy as np

from ..arguments import count, generator, positive_number
from ..numeric import InterpolationError, interpolate, regularized_flow, stability
from ..settings import Setting
from ..settings.setting import check_setting
from .minimum_result import Minimum

__all__ = ["LocalMinimum", "local_search", "local_search_from"]

DOMAIN = "local search"
LONGEST = 1e8  # flow time, of which most flows need a small part: they stop where they come to rest


@dataclass(frozen=True, eq=False, repr=False)
class LocalMinimum(Minimum):
    """The best end of gradient flows on reg from many starts: no bound says that there is none better.

    Attributes
    ----------
    reg_at_ends : (starts,) array
        Ascending; NaN for starts from which the zero-error set or an end was not reached.
    statuses : tuple of str
        How each flow ended, in the same order: "stationary", "kink", "stalled", "finished" as in `Flow`, or why there
        is no end.
    status, verdict : str
        How the flow that ended at theta did, and what `stability` says of it: unless they are "stationary" and a
        minimum, `value` is not even a local one, and perhaps on its way to an infimum.
    """

    reg_at_ends: np.ndarray
    statuses: tuple
    status: str
    verdict: str

    def _content(self):
        best = int(np.sum(self.reg_at_ends <= self.value * (1 + 1e-6)))
        return f"{best} of {len(self.reg_at_ends)} starts end there", self.status, self.verdict


def local_search(setting, *, starts=8, scale=1.0, rng=0):
    """Follow the gradient flow of reg on the zero-error set from random starts, and keep the lowest end.

    Parameters
    ----------
    setting : Setting
    starts : int
    scale : float
        Starts are drawn from N(0, scale²) in every parameter, and moved onto the zero-error set.
    rng : numpy.random.Generator or seed

    Returns
    -------
    LocalMinimum

    Raises
    ------
    ValueError
        If the zero-error set was reached from no start.
    """
    check_setting(setting)
    rng, scale = generator(rng), positive_number("scale", scale)
    draws = scale * rng.standard_normal((count("starts", starts, least=1), setting.dim))
    ends = sorted((_descend(setting, theta) for theta in draws), key=lambda end: (np.isnan(end[0]), end[0]))
    if np.isnan(ends[0][0]):
        raise InterpolationError(f"setting: expected an end of a flow, got none from {starts} starts: {ends[0][1]}")
    value, status, theta = _descend(setting, ends[0][2], rtol=1e-8)
    if np.isnan(value):
        value, status, theta = ends[0]
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


def local_search_from(setting, theta):
    """(value, lower bound, domain) of a search among the parameters with the predictions of theta (p,), from it too."""
    at_theta = Setting(setting.h, setting.x, setting.predictions(theta), setting.dim)
    draws = np.random.default_rng(0).standard_normal((3, setting.dim))
    return float(np.nanmin([_descend(at_theta, start)[0] for start in [theta, *draws]] + [np.inf])), 0.0, DOMAIN


def _descend(setting, theta, *, rtol=1e-6):
    """(reg, status, θ) where the flow ends."""
    try:
        start = interpolate(setting, theta)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a start where J has not full rank: one of many
            flow = regularized_flow(setting, start, times=[LONGEST], method="LSODA", rtol=rtol)
    except InterpolationError:
        return np.nan, "zero error not reached", None
    except (ArithmeticError, ValueError) as error:
        return np.nan, str(error), None
    return float(flow.reg[-1]), flow.status, flow.theta[-1]
