"""Piecewise linear functions of one variable: what a ReLU network on one-dimensional data is."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from ..arguments import Reals, in_one_line, real_array
from ..settings import ReluNetwork
from ..settings.setting import parameters

__all__ = ["PiecewiseLinear", "check_network_and_function", "chords", "network_function"]


@dataclass(frozen=True, eq=False, repr=False)
class PiecewiseLinear:
    """f with f' = slopes[j] between kinks[j − 1] and kinks[j]; calling it gives f.

    Parameters
    ----------
    kinks : (k,) array_like
        Increasing, k ≥ 0.
    slopes : (k + 1,) array_like
        From left to right.
    through : (float, float)
        A point (x, f(x)).

    Examples
    --------
    >>> bend = PiecewiseLinear([0.0], [-1.0, 1.0], through=(1.0, 1.0))
    >>> bend([-2.0, 0.5])
    array([2. , 0.5])
    """

    kinks: NDArray[np.float64]
    slopes: NDArray[np.float64]
    through: tuple[float, float]

    def __post_init__(self) -> None:
        kinks = real_array("kinks", self.kinks, shape=None if np.size(self.kinks) == 0 else ("k",)).reshape(-1)
        if np.any(np.diff(kinks) <= 0):
            raise ValueError(f"kinks: expected increasing numbers, got {in_one_line(kinks)}")
        object.__setattr__(self, "kinks", kinks)
        object.__setattr__(self, "slopes", real_array("slopes", self.slopes, shape=(len(kinks) + 1,)))
        object.__setattr__(self, "through", tuple(map(float, real_array("through", self.through, shape=(2,)))))

    @property
    def slope_changes(self) -> NDArray[np.float64]:
        """(k,) array: how much f' rises at each kink."""
        return np.diff(self.slopes)

    @property
    def convexity_changes(self) -> int:
        """How often the slope changes, from left to right, change their sign."""
        signs = np.sign(self.slope_changes[self.slope_changes != 0])
        return int(np.count_nonzero(np.diff(signs)))

    def __call__(self, x: Reals) -> NDArray[np.float64]:
        """f(x), of the shape of x: from the point that it goes through, piece by piece."""
        at = real_array("x", x)
        start, value = self.through
        left, right = np.minimum(start, at)[..., None], np.maximum(start, at)[..., None]
        ends = np.concatenate([left, np.clip(self.kinks, left, right), right], axis=-1)
        return np.asarray(value + np.sign(at - start) * np.sum(np.diff(ends, axis=-1) * self.slopes, axis=-1))

    def __repr__(self) -> str:
        return f"PiecewiseLinear({len(self.kinks)} kinks, {self.convexity_changes} changes of convexity)"


def network_function(setting: ReluNetwork, theta: Reals) -> PiecewiseLinear:
    """The function on R of a ReluNetwork with parameters theta (p,), as a `PiecewiseLinear`.

    Neurons with kinks at the same place are one kink, and none where their slopes cancel. A neuron is active on the
    same data as its kink says: where −b/a, rounded, is on another side of a datum than a x + b, the kink is moved by
    that rounding.
    """
    check_network_and_function(setting)
    part = setting.unpack(parameters(setting, theta, leading=False))
    bends = (part["a"] != 0) & (part["c"] != 0)
    a, b, c = (part[name][bends] for name in "abc")
    places = np.array([_kink(*neuron, setting.x) for neuron in zip(a, b, strict=True)])
    kinks, which = np.unique(places, return_inverse=True)
    changes = np.bincount(which, weights=np.abs(a) * c, minlength=len(kinks))
    first = float(part["alpha"] + np.sum((a * c)[a < 0]))
    kept = changes != 0
    slopes = np.concatenate([[first], first + np.cumsum(changes[kept])])
    left = setting.x.min(keepdims=True)
    value = setting.h(parameters(setting, theta), left)
    return PiecewiseLinear(kinks[kept], slopes, through=(float(left[0]), float(value[0])))


def chords(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """The slopes between neighbouring (x_i, y_i), correctly rounded: equal where the data are collinear."""
    x, y = (np.array([Fraction(entry) for entry in data]) for data in (x, y))
    return (np.diff(y) / np.diff(x)).astype(float)


def check_network_and_function(setting: object, function: object = None) -> None:
    """A TypeError if they are not a ReluNetwork and, if one is given, a PiecewiseLinear."""
    if not isinstance(setting, ReluNetwork):
        raise TypeError(f"setting: expected a ReluNetwork, got {type(setting).__name__}")
    if function is not None and not isinstance(function, PiecewiseLinear):
        raise TypeError(f"function: expected a PiecewiseLinear, got {type(function).__name__}")


def _kink(a, b, x):
    """Where a x + b changes its sign, on the side of each datum that a x + b, rounded, says."""
    kink, active, outward = -b / a, a * x + b > 0, -np.sign(a) * np.inf
    for datum in x[active != ((x - kink) * a > 0)]:
        kink = np.nextafter(datum, outward) if a * datum + b > 0 else datum
    return kink
