"""The cone program of least weighted total variation of f': prepared once for the data's places, solved for any values.

A function through (x_i, y_i), x ascending, is known by its two slopes in each interval between neighbours, on entering
and on leaving it: where they differ, the kink between is where they meet. For each interval, facing and sign of bend
there is one kink of slope change s ≥ 0 and moment q = s k; its cost (2/n) √(Σ (1 + x²)) ‖s x − q‖, over the data x that
it faces, is convex in (s, q). The dual has one multiplier a datum:

    max yᵀμ  s.t.  Σ μ_i = Σ μ_i x_i = 0,  |Σ_{x_i > k} μ_i (x_i − k)| ≤ w₊(k) for all k, and the same to the left.

Source: theory.md, section 4.2.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .conic import Cone, prepare_conic
from .piecewise_linear import chords

__all__ = ["LeastBends", "prepare_program"]

Array = NDArray[np.float64]

EPS = np.finfo(float).eps
SIGNS = np.array([1.0, -1.0, 1.0, -1.0])  # of the four bends of an interval: two that face right, two that face left


class LeastBends(NamedTuple):
    """Slopes (2, n − 1) of a nearly optimal function, and a dual feasible μ (n,)."""

    slopes: Array
    multipliers: Array


def prepare_program(x: Array) -> Callable[[Array], LeastBends]:
    """solve(y), for ascending x (n,).

    In units in which neighbours are at a mean distance of 1 and y, less a straight line, rises by 1 at most: neither
    changes the problem.
    """
    if len(x) < 3:
        return lambda y: _straight(x, y)
    unit = (x[-1] - x[0]) / (len(x) - 1)
    weights = np.sqrt([[np.sum(1 + x[side] ** 2) for side in _faced(i)] for i in range(len(x) - 1)])
    weight = np.mean(weights)
    solve_scaled, feasible = _prepare_scaled(x / unit, weights / weight), _prepare_dual(x)

    def solve(y):
        tilt = (y[-1] - y[0]) / (x[-1] - x[0])
        rises = np.diff(y) - tilt * np.diff(x)
        scale = np.max(np.abs(rises))
        if scale <= 8 * EPS * np.max(np.abs(y)):  # a straight line but for rounding
            return _straight(x, y)
        entering, multipliers = solve_scaled(rises / scale)
        slopes = tilt + entering * scale / unit
        return LeastBends(np.stack([slopes[:-1], slopes[1:]]), feasible(2 / len(x) * weight * multipliers))

    return solve


def _straight(x, y):
    """The polygon, with the bound of every straight line."""
    return LeastBends(np.stack([chords(x, y)] * 2), np.zeros(len(x)))


def _faced(i):
    """The data that a kink between x_i and x_{i+1} faces: to its right, to its left."""
    return slice(i + 1, None), slice(None, i + 1)


def _prepare_scaled(u, weights):
    """solve(rises): slopes (n,) on entering each interval and leaving the last, and the multipliers (n,) of y.

    Variables: the slopes, then for each interval of width d, facing and sign s d, the moment s (k − u_i), and the cost.
    """
    from scipy.sparse import hstack

    n = len(u)
    rows, norms = 20 * (n - 1), 4 * (n - 1)
    cost: Cone = ("second-order", 3)
    cones: list[Cone] = [("zero", 2 * (n - 1)), ("nonnegative", 2 * norms), *norms * [cost]]
    solve = prepare_conic(
        linear=np.concatenate([np.zeros(n), np.kron(np.repeat(weights.ravel(), 2), [0.0, 0.0, 1.0])]),
        matrix=hstack([_of_slopes(np.diff(u), rows), _of_bends(u)]),
        right=np.zeros(rows + 2 * (n - 1)),
        cones=cones,
        infeasible="x, y: expected data that the solver can scale, got some for which it finds no function",
    )

    def solve_scaled(rises):
        solution = solve(right=np.concatenate([np.zeros(n - 1), rises, np.zeros(rows)]))
        of_rises = -solution.multipliers[n - 1 : 2 * (n - 1)]
        return solution.x[:n], -np.diff(of_rises, prepend=0.0, append=0.0)

    return solve_scaled


def _of_slopes(widths, rows):
    """The slopes' columns: by how much they turn in each interval, and what f would rise by without."""
    from scipy.sparse import csc_array, diags_array, vstack

    shape = (len(widths), len(widths) + 1)
    turns = diags_array([widths, -widths], offsets=[0, 1], shape=shape)
    return vstack([turns, diags_array(widths, shape=shape), csc_array((rows, shape[1]))])


def _of_bends(u):
    """The bends' columns: what they turn and lift, that their kinks are between neighbours, and what they cost."""
    from scipy.sparse import block_diag, eye_array, kron, vstack

    each = eye_array(len(u) - 1)
    turns, lifts = (kron(each, np.kron(SIGNS, bend)[None]) for bend in ([1.0, 0.0, 0.0], [1.0, -1.0, 0.0]))
    between = kron(eye_array(4 * (len(u) - 1)), [[0.0, -1.0, 0.0], [-1.0, 1.0, 0.0]])
    costs = [_cost_cone(u, i, side) for i in range(len(u) - 1) for side in _faced(i)]
    return vstack([turns, lifts, between, block_diag(np.repeat(costs, 2, axis=0))])


def _cost_cone(u, i, side):
    """(3, 3): cost ≥ ‖s x − q‖ over the data faced, by the triangular factor of its two columns."""
    cone, v = np.zeros((3, 3)), (u[side] - u[i]) / (u[i + 1] - u[i])
    root = np.asarray(np.linalg.qr(np.stack([v, -np.ones_like(v)], axis=1), mode="r"))
    cone[0, 2], cone[1 : 1 + len(root), :2] = -1.0, -root
    return cone


def _prepare_dual(x):
    """feasible(μ): made orthogonal to lines, then scaled by the largest t ≤ 1 with |Σ μ_i (x_i − k)| ≤ w±(k)."""
    lines = np.linalg.qr(np.stack([np.ones(len(x)), x - np.mean(x)], axis=1))[0]
    faced = [(side, x[side] - x[i], width) for i, width in enumerate(np.diff(x)) for side in _faced(i)]
    prices = [2 / len(x) * np.sqrt(np.sum(1 + x[side] ** 2)) for side, _, _ in faced]

    def feasible(multipliers):
        multipliers = multipliers - lines @ (lines.T @ multipliers)
        largest = 1.0
        for (side, v, width), price in zip(faced, prices, strict=True):
            largest = max(largest, _largest_moment(multipliers[side], v, width) / price)
        return multipliers / (largest * (1 + len(x) * EPS))

    return feasible


def _largest_moment(mu, v, width):
    """The largest |Σ μ_i (v_i − k)|/‖v − k‖ for k between 0 and the width.

    It is |A − B k|/√(C − 2 D k + m k²), with A = Σ μ v, B = Σ μ, C = Σ v², D = Σ v over m data: largest at an end or at
    k = (B C − A D)/(B D − A m).
    """
    if len(v) == 1:
        return abs(mu[0])
    a, b, c, d = mu @ v, np.sum(mu), v @ v, np.sum(v)
    turning = b * d - a * len(v)
    between = min(max((b * c - a * d) / turning, 0.0), width) if turning else 0.0
    away = v - np.array([[0.0], [between], [width]])
    return np.max(np.abs(away @ mu) / np.sqrt(np.sum(away**2, axis=1)))
