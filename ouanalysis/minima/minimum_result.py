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
        reg(theta), evaluated in floats at the theta below; of the limit where there is none.
    theta : (p,) array or None
        Attains `value`. None where this setting is too small for it (its rank, its width), or nothing attains it.
    lower_bound : float
        No parameters of zero error in the domain have a smaller reg: from a dual feasible point, repaired in floats, or
        a closed form. Of a local search 0, which says nothing.
    domain : str
        What `value` is least over: "any rank", "any width", "this width", or "local search".
    residual : float
        The largest |h_i − y_i| at theta; NaN without one.
    """

    setting: Setting
    value: float
    theta: np.ndarray | None
    lower_bound: float
    domain: str
    residual: float

    @property
    def gap(self):
        """value − lower_bound, at least 0: how far from the least the value can be."""
        return max(self.value - self.lower_bound, 0.0)

    @property
    def certified(self):
        """Whether there is a lower bound that says something."""
        return self.domain != "local search"

    def __repr__(self):
        proof = f"gap {self.gap:.1e}" if self.certified else "no certificate"
        missing = "" if self.theta is not None else ", not attained by this setting"
        content = "".join(f", {text}" for text in self._content())
        return f"{type(self).__name__}({self.value:.8g} over {self.domain}, {proof}{missing}{content})"

    def _content(self):
        """What `repr` adds."""
        return ()
