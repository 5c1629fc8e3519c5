"""The least regularizer of ReLU networks of any width: a second-order cone program over functions, and its dual.

reg at its least for a function is a weighted total variation of f' (`kink_costs`); `kink_program` finds slopes of least
cost. Of these the simplest function is kept, and networks that attain it.

Source: theory.md, section 4.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..numeric import regularizer
from ..settings import ReluNetwork
from .kink_costs import balanced, function_regularizer, kink_cost
from .kink_program import prepare_program
from .minimum_result import LeastRegularizer, Minimum, Solve
from .piecewise_linear import PiecewiseLinear, check_network_and_function, chords

__all__ = ["ReluMinimum", "attaining_network", "minimum", "prepare"]

DOMAIN = "any width"
NEGLIGIBLE = 1e-9  # of the cost of all bends: what a simpler function may cost more


@dataclass(frozen=True, eq=False, repr=False)
class ReluMinimum(Minimum):
    """A `Minimum` over networks of any width.

    Attributes
    ----------
    function : PiecewiseLinear
        f of least R(f), straight outside the data. Where several cost the same to 1e-9, one of few bends.
    facing : (kinks,) int array
        1 for a kink whose neuron is active on its right, −1 on its left: the cheaper one.
    kinks_on_data : (j,) int array
        The data, as places in setting.x, that have a kink of f on them: there reg jumps, and `stability` says
        "nonsmooth".
    multipliers : (n,) array
        μ, dual feasible: `lower_bound` is yᵀμ + (1/n) Σ (1 + x_i²).
    """

    function: PiecewiseLinear
    facing: NDArray[np.int64]
    kinks_on_data: NDArray[np.int64]
    multipliers: NDArray[np.float64]

    @property
    def convexity_changes(self) -> int:
        """Of the function, from x_1 to x_n."""
        return self.function.convexity_changes

    def _content(self) -> tuple[str, ...]:
        kinks = f"{len(self.function.kinks)} kinks, {len(self.kinks_on_data)} on data"
        return *super()._content(), kinks, f"{self.convexity_changes} changes of convexity"


def minimum(setting: ReluNetwork) -> ReluMinimum:
    """The least reg of all networks through the data, of any width; one of the setting's width if that suffices."""
    order = np.argsort(setting.x)
    x, y = setting.x[order], setting.y[order]
    slopes, multipliers = prepare_program(x)(y)
    function = _simplest(setting, x, y, slopes)
    theta = attaining_network(setting, function) if len(function.kinks) <= setting.width else None
    fit = function(setting.x) if theta is None else setting.predictions(theta)
    return ReluMinimum(
        setting=setting,
        value=function_regularizer(setting, function) if theta is None else float(regularizer(setting, theta)),
        theta=theta,
        lower_bound=_bound(x, y, multipliers),
        domain=DOMAIN,
        residual=float(np.max(np.abs(fit - setting.y))),
        function=function,
        facing=_cheaper_facing(setting, function),
        kinks_on_data=np.flatnonzero(np.isin(setting.x, function.kinks)),
        multipliers=multipliers[np.argsort(order)],
    )


def prepare(setting: ReluNetwork) -> Solve:
    """v(f) over networks of any width."""
    order = np.argsort(setting.x)
    x = setting.x[order]
    solve_program = prepare_program(x)

    def solve(predictions):
        y = predictions[order]
        slopes, multipliers = solve_program(y)
        value = function_regularizer(setting, _function(x, y, slopes))
        return LeastRegularizer(value, _bound(x, y, multipliers), DOMAIN)

    return solve


def attaining_network(setting: ReluNetwork, function: PiecewiseLinear) -> NDArray[np.float64]:
    """Parameters of the setting's width with reg = R(f): a balanced neuron a kink, facing the cheaper side.

    Raises
    ------
    ValueError
        If f has more kinks than the setting has neurons.
    """
    check_network_and_function(setting, function)
    kinks, changes, facing = function.kinks, function.slope_changes, _cheaper_facing(setting, function)
    if len(kinks) > setting.width:
        raise ValueError(f"width: expected at least {len(kinks)}, one neuron for each kink, got {setting.width}")
    a, b, c = np.zeros((3, setting.width))
    used = slice(len(kinks))
    a[used], b[used], c[used] = facing, -facing * kinks, changes
    start = float(np.min(setting.x))
    alpha = function.slopes[0] - np.sum((a * c)[a < 0])
    hidden = np.sum(c * np.maximum(a * start + b, 0.0))
    beta = function(start) - alpha * start - hidden
    return balanced(setting, setting.pack(a=a, b=b, c=c, alpha=alpha, beta=beta))


def _cheaper_facing(setting, function):
    right, left = (kink_cost(setting.x, function.kinks, facing=facing) for facing in ("right", "left"))
    return np.where(right <= left, 1, -1)


def _bound(x, y, multipliers):
    """yᵀμ + (1/n) Σ (1 + x²), of y less a straight line, which μ does not see but rounding does."""
    line = y[0] + (y[-1] - y[0]) / (x[-1] - x[0]) * (x - x[0]) if len(x) > 1 else y
    return float((y - line) @ multipliers + np.mean(1 + x**2))


def _function(x, y, slopes):
    """The function with these slopes (2, n − 1) on entering and leaving each interval, where they can meet in it."""
    kinks: list[float] = []
    pieces: list[float] = []
    rounding = 8 * np.finfo(float).eps * np.max(np.abs(y))
    for left, right, chord, (entering, leaving) in zip(x[:-1], x[1:], chords(x, y), slopes.T, strict=True):
        kink = left + (right - left) * (chord - leaving) / (entering - leaving) if entering != leaving else left
        bends = [(left, kink, entering), (kink, right, leaving)] if left < kink < right else [(left, right, chord)]
        for start, end, slope in bends:
            if not pieces or abs(slope - pieces[-1]) * (end - start) > rounding:
                kinks.append(start)
                pieces.append(slope)
    return PiecewiseLinear(np.array(kinks[1:]), np.array(pieces or [0.0]), through=(x[0], y[0]))


def _simplest(setting, x, y, slopes):
    """A function as good, up to NEGLIGIBLE: straight between data, and over a datum, wherever that costs no more."""
    best = _function(x, y, slopes)
    cost = function_regularizer(setting, best)
    most = cost + NEGLIGIBLE * (cost - np.mean(1 + x**2))

    def accept(i, ends, slope, *, for_fewer):
        nonlocal best, slopes
        tried = slopes.copy()
        tried[ends, i] = slope
        function = _function(x, y, tried)
        useful = len(function.kinks) < len(best.kinks) or not for_fewer
        if useful and function_regularizer(setting, function) <= most:
            best, slopes = function, tried

    for i, chord in enumerate(chords(x, y)):
        accept(i, [0, 1], chord, for_fewer=False)
    for i in range(len(x) - 2):
        accept(i + 1, 0, slopes[1, i], for_fewer=True)
        accept(i, 1, slopes[0, i + 1], for_fewer=True)
    return best
