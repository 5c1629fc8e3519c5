"""What a search for the least regularizer leaves behind."""

from dataclasses import dataclass

import numpy as np

from ..settings import Setting

__all__ = ["Minimum"]


@dataclass(frozen=True, eq=False, repr=False)
class Minimum:
    """The least regularizer over the parameters of zero error, or as near to it as `gap` says.

    Attributes
    ----------
    setting : Setting
    value : float
        reg(theta), evaluated in floats; without a theta, of the matrix or function that a larger setting would need, or
        the infimum.
    theta : (p,) array or None
        Attains `value`. None where this setting is too small for it (its rank, its width), or nothing attains it.
    lower_bound : float
        No parameters of zero error in the domain have a smaller reg: from a dual feasible point, repaired in floats, or
        a closed form. Of a local search 0, which says nothing.
    domain : str
        What `value` is least over: "any rank", "any width", "this width", or "local search".
    residual : float
        The largest |h_i − y_i| at theta, or of that matrix or function; NaN where nothing attains the value.
    """

    setting: Setting
    value: float
    theta: np.ndarray | None
    lower_bound: float
    domain: str
    residual: float

    def __post_init__(self):
        for value in vars(self).values():
            if isinstance(value, np.ndarray):
                value.flags.writeable = False

    @property
    def gap(self):
        """|value − lower_bound|: how far from the least the value can be, or by what theta's residual undercuts it."""
        return abs(self.value - self.lower_bound)

    @property
    def certified(self):
        """Whether there is a lower bound that says something."""
        return self.domain != "local search"

    def __repr__(self):
        proof = f"gap {self.gap:.1e}" if self.certified else "no certificate"
        missing = "an infimum, not attained" if np.isnan(self.residual) else "attained by a larger setting"
        fit = missing if self.theta is None else f"residual {self.residual:.1e}"
        content = "".join(f", {text}" for text in self._content())
        return f"{type(self).__name__}({self.value:.8g} over {self.domain}, {proof}, {fit}{content})"

    def _content(self):
        """What `repr` adds."""
        return ()
