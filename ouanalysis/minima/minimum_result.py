"""The least regularizer, as a number with its bound, and what a search for it leaves behind."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..settings import Setting

__all__ = ["LeastRegularizer", "Minimum", "Solve"]


@dataclass(frozen=True, eq=False, repr=False)
class LeastRegularizer:
    """v(f): the least regularizer over the parameters of some predictions f, or as near to it as `gap` says.

    Attributes
    ----------
    value : float
        As attained by what the solver found; infinite where it found nothing.
    lower_bound : float
        No parameters in the domain with these predictions have a smaller reg: from a dual feasible point, repaired in
        floats, or a closed form. Of a local search 0, which says nothing.
    domain : str
        What `value` is least over: "any rank", "this width", ...; "local search" where nothing bounds it.
    """

    value: float
    lower_bound: float
    domain: str

    @property
    def gap(self) -> float:
        """|value − lower_bound|: how far from the least the value can be, or by what theta's residual undercuts it."""
        return abs(self.value - self.lower_bound)

    @property
    def certified(self) -> bool:
        """Whether there is a lower bound that says something."""
        return self.domain != "local search"

    def __repr__(self) -> str:
        proof = f"gap {self.gap:.1e}" if self.certified else "no certificate"
        content = "".join(f", {text}" for text in self._content())
        return f"{type(self).__name__}({self.value:.8g} over {self.domain}, {proof}{content})"

    def _content(self) -> tuple[str, ...]:
        """What `repr` adds."""
        return ()


Solve = Callable[[NDArray[np.float64]], LeastRegularizer]  # of predictions (n,): what `prepare(setting)` returns


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Minimum(LeastRegularizer):
    """The least regularizer over the parameters of zero error: v(y), and parameters that attain it.

    `value` is reg(theta), evaluated in floats; without a theta, of the matrix or function that a larger setting would
    need, or the infimum.

    Attributes
    ----------
    setting : Setting
    theta : (p,) array or None
        Attains `value`. None where this setting is too small for it (its rank, its width), or nothing attains it.
    residual : float
        The largest |h_i − y_i| at theta, or of that matrix or function; NaN where nothing attains the value.
    """

    setting: Setting
    theta: NDArray[np.float64] | None
    residual: float

    def __post_init__(self) -> None:
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    def _content(self) -> tuple[str, ...]:
        missing = "an infimum, not attained" if np.isnan(self.residual) else "attained by a larger setting"
        return (missing if self.theta is None else f"residual {self.residual:.1e}",)
