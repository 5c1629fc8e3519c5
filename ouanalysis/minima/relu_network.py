"""The least regularizer of ReLU networks of any width: a second-order cone program over functions, and its dual.

For each interval between neighbouring data, facing and sign of bend there is one kink of slope change s ≥ 0 and moment
q = s k; its cost (2/n) √(Σ (1 + x²)) ‖s x − q‖, over the data x that it faces, is convex in (s, q). The dual has one
multiplier a datum:

    max yᵀμ  s.t.  Σ μ_i = Σ μ_i x_i = 0,  |Σ_{x_i > k} μ_i (x_i − k)| ≤ w₊(k) for all k, and the same to the left.

Source: theory.md, section 4.2.
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np

from ..numeric import regularizer
from .conic import solve_conic
from .kink_costs import balanced, function_regularizer, kink_cost
from .minimum_result import Minimum
from .piecewise_linear import PiecewiseLinear, check_network_and_function

__all__ = ["ReluMinimum", "attaining_network", "least_regularizer", "minimum"]

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
    facing: np.ndarray
    kinks_on_data: np.ndarray
    multipliers: np.ndarray

    @property
    def convexity_changes(self):
        """Of the function, from x_1 to x_n."""
        return self.function.convexity_changes

    def _content(self):
        kinks = len(self.function.kinks)
        return f"{kinks} kinks, {len(self.kinks_on_data)} on data", f"{self.convexity_changes} changes of convexity"


def minimum(setting):
    """The least reg of all networks through the data, of any width; one of the setting's width if that suffices."""
    order = np.argsort(setting.x)
    x, y = setting.x[order], setting.y[order]
    slopes, multipliers = _solve(x, y)
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


def least_regularizer(setting, theta):
    """(value, lower bound, domain) of the program with the predictions of theta (p,) for y."""
    order = np.argsort(setting.x)
    x, y = setting.x[order], setting.predictions(theta)[order]
    slopes, multipliers = _solve(x, y)
    value = function_regularizer(setting, _function(x, y, slopes))
    return value, _bound(x, y, multipliers), DOMAIN


def attaining_network(setting, function):
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


# The program, for ascending data. A function through them is known by its two slopes in each interval between
# neighbours, on entering and on leaving it: where they differ, the kink between is where they meet.


def _solve(x, y):
    """Slopes (2, n − 1) of a nearly optimal function through (x_i, y_i), and a dual feasible μ (n,)."""
    chords = _chords(x, y)
    if len(x) < 3 or np.ptp(chords) == 0:
        return np.stack([chords, chords]), np.zeros(len(x))
    # In units in which neighbours are at a mean distance of 1, and less a straight line: neither changes the problem.
    unit = (x[-1] - x[0]) / (len(x) - 1)
    tilt = (y[-1] - y[0]) / (x[-1] - x[0])
    rises = np.diff(y) - tilt * np.diff(x)
    scale = np.max(np.abs(rises))
    if scale <= 8 * np.finfo(float).eps * np.max(np.abs(y)):  # a straight line but for rounding
        return np.stack([chords, chords]), np.zeros(len(x))
    weights = np.sqrt([[np.sum(1 + x[side] ** 2) for side in _faced(i)] for i in range(len(x) - 1)])
    weight = np.mean(weights)
    entering, multipliers = _solve_scaled(x / unit, rises / scale, weights / weight)
    slopes = tilt + entering * scale / unit
    return np.stack([slopes[:-1], slopes[1:]]), _feasible(x, 2 / len(x) * weight * multipliers)


def _faced(i):
    """The data that a kink between x_i and x_{i+1} faces: to its right, to its left."""
    return slice(i + 1, None), slice(None, i + 1)


def _solve_scaled(u, rises, weights):
    """Slopes (n,) on entering each interval and leaving the last, and the multipliers (n,) of y, of the cone program.

    Variables: the slopes, then for each interval of width d, facing and sign s d, the moment s (k − u_i), and the cost.
    """
    n = len(u)
    rows = 20 * (n - 1)
    solution = solve_conic(
        linear=np.concatenate([np.zeros(n), np.kron(np.repeat(weights.ravel(), 2), [0.0, 0.0, 1.0])]),
        matrix=_constraints(tuple(u)),
        right=np.concatenate([np.zeros(n - 1), rises, np.zeros(rows)]),
        cones=[("zero", 2 * (n - 1)), ("nonnegative", 8 * (n - 1)), *[("second-order", 3)] * (4 * (n - 1))],
        infeasible="x, y: expected data that the solver can scale, got some for which it finds no function",
    )
    of_rises = -solution.multipliers[n - 1 : 2 * (n - 1)]
    return solution.x[:n], -np.diff(of_rises, prepend=0.0, append=0.0)


@lru_cache(maxsize=16)
def _constraints(u):
    """The matrix of the program, which knows of the data only their places: one for a whole trajectory."""
    from scipy.sparse import block_diag, csc_array, diags_array, hstack, vstack

    u = np.array(u)
    n, widths = len(u), np.diff(u)
    turns, lifts, inside, norms = [], [], [], []
    for i, width in enumerate(widths):
        signs = np.array([1.0, -1.0, 1.0, -1.0])  # facing right twice, then left twice
        turns.append(np.kron(signs, [1.0, 0.0, 0.0])[None])
        lifts.append(np.kron(signs, [1.0, -1.0, 0.0])[None])
        inside.append(np.kron(np.eye(4), [[0.0, -1.0, 0.0], [-1.0, 1.0, 0.0]]))
        for side in _faced(i):
            norm = np.zeros((3, 3))
            root = np.asarray(
                np.linalg.qr(np.stack([(u[side] - u[i]) / width, -np.ones(len(u[side]))], axis=1), mode="r")
            )
            norm[0, 2], norm[1 : 1 + len(root), :2] = -1.0, -root
            norms += [norm, norm]
    differences = diags_array([widths, -widths], offsets=[0, 1], shape=(n - 1, n))
    entering = diags_array(widths, shape=(n - 1, n))
    of_bends = vstack([block_diag(blocks) for blocks in (turns, lifts, inside, norms)])
    of_slopes = vstack([differences, entering, csc_array((20 * (n - 1), n))])
    return csc_array(hstack([of_slopes, of_bends]))


def _feasible(x, multipliers):
    """μ made orthogonal to straight lines, then scaled by the largest t ≤ 1 with |Σ μ_i (x_i − k)| ≤ w±(k) for all k.

    Between data that sum is A − B k and w± a constant times √(C − 2 D k + m k²), with A = Σ μ x, B = Σ μ, C = Σ x²,
    D = Σ x over the m data faced: their ratio is largest at an end or at k = (B C − A D)/(B D − A m).
    """
    lines = np.linalg.qr(np.stack([np.ones(len(x)), x - np.mean(x)], axis=1))[0]
    multipliers = multipliers - lines @ (lines.T @ multipliers)
    largest = 1.0
    for i, width in enumerate(np.diff(x)):
        for side in _faced(i):
            v, mu = x[side] - x[i], multipliers[side]
            bound = 2 / len(x) * np.sqrt(np.sum(1 + x[side] ** 2))
            if len(v) == 1:
                largest = max(largest, abs(mu[0]) / bound)
                continue
            a, b, c, d = mu @ v, np.sum(mu), v @ v, np.sum(v)
            turning = b * d - a * len(v)
            between = np.clip((b * c - a * d) / turning, 0.0, width) if turning else 0.0
            for k in (0.0, between, width):
                largest = max(largest, abs(mu @ (v - k)) / (bound * np.linalg.norm(v - k)))
    return multipliers / (largest * (1 + len(x) * np.finfo(float).eps))


def _bound(x, y, multipliers):
    """yᵀμ + (1/n) Σ (1 + x²), of y less a straight line, which μ does not see but rounding does."""
    line = y[0] + (y[-1] - y[0]) / (x[-1] - x[0]) * (x - x[0]) if len(x) > 1 else y
    return float((y - line) @ multipliers + np.mean(1 + x**2))


def _chords(x, y):
    """The slopes between neighbours, correctly rounded: equal where the data are collinear."""
    x, y = (np.array([Fraction(entry) for entry in data]) for data in (x, y))
    return (np.diff(y) / np.diff(x)).astype(float)


def _function(x, y, slopes):
    """The function with these slopes (2, n − 1) on entering and leaving each interval, where they can meet in it."""
    kinks: list = []
    pieces: list = []
    rounding = 8 * np.finfo(float).eps * np.max(np.abs(y))
    for left, right, chord, (entering, leaving) in zip(x[:-1], x[1:], _chords(x, y), slopes.T, strict=True):
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

    for i, chord in enumerate(_chords(x, y)):
        accept(i, [0, 1], chord, for_fewer=False)
    for i in range(len(x) - 2):
        accept(i + 1, 0, slopes[1, i], for_fewer=True)
        accept(i, 1, slopes[0, i + 1], for_fewer=True)
    return best
