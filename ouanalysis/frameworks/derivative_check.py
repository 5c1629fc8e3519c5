"""Whether another library's derivatives of a model are those of its values: what is detached is a constant to it.

`settings.derivative_check` asks that of autograd, up to the third order, on all data and at all steps in one call of h.
Here each evaluation is a call of the other library: few data, and what looks wrong is asked once more.
"""

from collections.abc import Callable
from typing import Protocol

import numpy as np

from ..arguments import Array
from .refusals import alike, error_in_one_line

__all__ = ["DATA", "MIXED", "check_derivatives", "mixing"]

DATA = 3  # on which it is checked
OUTPUTS = 32  # of all data, past which norms are not held against those of J, row by row
MIXED = 3  # outputs instead of many, each of which takes a backward pass
STEPS = 10.0 ** -np.arange(4, 8)  # of the differences, against parameters of their own size
POINTS = 3  # random θ; what is wrong is so at two of them
DIRECTIONS = {"first": 2, "second": 1, "third": 1}
MORE = 20  # random θ at which a model that does not move is tried
RTOL = 1e-5
STRUCTURE = 1e-8  # of sums that are exact but for rounding


class Differentiated(Protocol):
    """What is checked of a model's `Products`."""

    def predictions(self, points: Array) -> Array: ...

    def forward(self, theta: Array, direction: Array) -> Array: ...

    def gram(self, points: Array) -> Array: ...

    def squared_norms(self, points: Array) -> Array: ...

    def squared_norms_gradient(self, points: Array) -> Array: ...

    def backward(self, theta: Array, weights: Array) -> Array: ...

    def lagrangian_hessian_products(self, theta: Array, multipliers: Array, directions: Array) -> Array: ...


def check_derivatives(
    products: Differentiated,
    point: Callable[[np.random.Generator], Array],
    free: Array,
    *,
    name: str,
    causes: str,
    orders: int = 3,
) -> None:
    """A ValueError, a line that begins with `name`, if derivatives on few data are not those of the values.

    At a random `point`(rng) and along directions v that leave alone what is not `free` (p,), rows of embeddings that
    stand for nothing, up to so many orders: J v is held against differences of h; ∇Σ_i ‖∇h_i‖² against those of the
    norms; products of ∇²(Σ_i ‖∇h_i‖² / n - Σ_r μ_r h_r) against those of that gradient.

    Raises
    ------
    ValueError
        If they disagree, or norms and inner products that are not formed with those of J; if the library has no such
        derivative of something; if no parameter moves a prediction.
    """
    rng = np.random.default_rng(0)
    points = [point(rng) for _ in range(POINTS)]
    _check_moves(products, points, point, rng, name, causes)

    def first(theta, along):
        return products.forward(theta, along)

    def second(theta, along):
        return products.squared_norms_gradient(theta[None])[0] @ along

    def values(theta):
        return products.predictions(theta[None])[0]

    def norms(theta):
        return np.sum(products.squared_norms(theta[None])[0])

    multipliers, seen = rng.standard_normal(len(values(points[0]))), rng.standard_normal(len(free))

    def slopes(theta):
        norms = products.squared_norms_gradient(theta[None])[0] / len(products.squared_norms(theta[None])[0])
        return seen @ (norms - products.backward(theta, multipliers))

    def third(theta, along):
        return seen @ products.lagrangian_hessian_products(theta, multipliers, along[None])[0]

    pairs = [
        ("first", "J v", values, first),
        ("second", "the slope of the squared norms of J", norms, second),
        ("third", "the slope of their gradient", slopes, third),
    ]
    for order, what, function, slope in pairs[:orders]:
        called = f"{name}: expected {order} derivatives that are those of its values, got"
        draws = (_directions(theta, free, rng, DIRECTIONS[order]) for theta in points)
        found = _at_two(draws, function, slope, called, order, causes)
        if found:
            raise ValueError(
                f"{called} {what} = {found[0]:.4g} where differences give {found[1]:.4g} (at random parameters):"
                f" look for {causes}"
            )
        if order == "first" and len(multipliers) <= OUTPUTS:
            _check_structure(products, points[0], name, causes, of_pairs=orders > 1)


def _check_moves(products, points, point, rng, name, causes):
    before = None
    for i in range(MORE):
        theta = points[i] if i < len(points) else point(rng)
        values = products.predictions(theta[None])[0]
        if not np.isfinite(values).all() or (before is not None and not np.array_equal(values, before)):
            return
        before = values
    raise ValueError(
        f"{name}: expected predictions that move with its parameters, got the same at {MORE} random ones: look for"
        f" {causes}"
    )


def _check_structure(products, theta, name, causes, *, of_pairs):
    """A ValueError if norms and inner products of gradients that are not formed are not those of the gradients."""
    rows = products.predictions(theta[None]).size
    with np.errstate(all="ignore"):
        norms = products.squared_norms(theta[None])[0]
        alone = np.array([np.sum(products.backward(theta, unit) ** 2) for unit in np.eye(rows)])
        pairs = {"squared norms": (norms, alone.reshape(len(norms), -1).sum(axis=1))}
        if of_pairs:
            weights = np.random.default_rng(1).standard_normal(rows)
            wanted = products.forward(theta, products.backward(theta, weights))
            pairs["inner products"] = products.gram(theta[None])[0] @ weights, wanted
    for what, (got, wanted) in pairs.items():
        if np.all(np.isfinite(wanted)) and not alike(got, wanted, rtol=STRUCTURE):
            raise ValueError(
                f"{name}: expected {what} that are those of its gradients, {wanted[0]:.6g}, got {got[0]:.6g}: look"
                f" for {causes}, or report it: it may be ours"
            )


def mixing(outputs: int) -> Array:
    """Random weights (outputs, few), whose sums of all outputs stand for them where each costs a backward pass."""
    return np.random.default_rng(2).standard_normal((outputs, MIXED)) / outputs**0.5


def _directions(theta, free, rng, count):
    for _ in range(count):
        yield theta, np.where(free, np.sqrt(np.mean(theta**2)) * rng.standard_normal(theta.shape), 0.0)


def _at_two(draws, function, slope, called, order, causes):
    """What disagrees at a second random θ after the first, or a third; None where nothing does."""
    wrong = 0
    for directions in draws:
        found = _disagreement(function, slope, directions, called, order, causes)
        wrong += found is not None
        if not wrong:
            return None
        if found and wrong == 2:
            return found
    return None


def _disagreement(function, slope, directions, called, order, causes):
    """(derivative, differences) along the first direction where the two certainly differ; None where there is none."""
    for theta, along in directions:
        try:
            derivative = np.atleast_1d(slope(theta, along))
        except Exception as error:
            raise ValueError(
                f"{called} {error_in_one_line(error)}: look for operations without {order} derivatives, {causes}"
            ) from error
        with np.errstate(all="ignore"):
            ends = np.array([[function(theta + step * along), function(theta - step * along)] for step in STEPS])
            found = _apart(ends.reshape(len(STEPS), 2, -1), derivative)
        if found is not None:
            return found
    return None


def _apart(ends, derivative):
    """Where three steps agree with each other to 1 %, and much better than with the derivative.

    Then neither a kink speaks, which is between the ends of the longer steps alone, nor rounding. A derivative that is
    no number where the differences are differs from them.
    """
    missing = ~np.isfinite(derivative)
    steps = STEPS[:, None]
    slopes = (ends[:, 0] - ends[:, 1]) / (2 * steps)
    spread = np.abs(np.diff(slopes, axis=0))
    spread, middle = spread[:-1] + spread[1:], slopes[1:-1]
    noise = 256 * np.finfo(float).eps * np.max(np.abs(ends), axis=(0, 1)) / steps[2:]
    size = np.max(np.abs(derivative), initial=0.0, where=~missing) + np.max(np.abs(middle), axis=1, keepdims=True)
    apart = (np.abs(middle - derivative) > 10 * spread + RTOL * size + noise) | missing
    apart &= (spread <= 1e-2 * np.abs(middle) + noise) & np.isfinite(spread + noise + size)
    if not apart.any():
        return None
    row, column = np.argwhere(apart)[0]
    return derivative[column], middle[row, column]
