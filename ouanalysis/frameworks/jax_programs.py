"""A model's values and derivatives on one block of data, compiled by JAX.

Everywhere θ is (p,) or points (m, p), x a block (b, *feature), `factor` what the model is multiplied by, and rows are
(b, k, p). Second derivatives in given directions are ∇⟨∇h_r, v_r⟩ = ∇(∂h_r/∂v_r): forward first, so that the reverse
pass adds up over the data, and rows are held once.
"""

from collections.abc import Callable
from math import prod
from typing import Any, NamedTuple

import numpy as np

from .jax_library import installed_jax

__all__ = ["Programs", "floats_per_datum", "programs"]

Program = Callable[..., Any]


class Programs(NamedTuple):
    """Each takes arrays of NumPy, and is compiled for their shapes."""

    values: Program  # (points, x, factor) -> (m, b, k)
    own_values: Program  # (points, x (m, b, *feature), factor), each θ on data of its own -> (m, b, k)
    pulled: Program  # (points, weights (m, b, k), x, factor) -> (m, p), Σ weight ∇h
    own_pulled: Program  # the same, each θ on data of its own
    rows: Program  # (points, x, factor) -> (m, b, k, p)
    norms: Program  # (points, x, factor) -> (m, b), summed over the outputs
    norms_gradient: Program  # (points, weights (b,), x, factor) -> (m, p), of the weighted sum of norms
    forward: Program  # (θ, v, x, factor) -> (b, k)
    hessian: Program  # (θ, vectors (b, k, p), x, factor) -> (p,)
    row_hessians: Program  # (θ, v, x, factor) -> (b, k, p)
    lagrangian: Program  # (θ, weights (b,), multipliers (b, k), directions (d, p), x, factor) -> (d, p)


def programs(values: Program) -> Programs:
    """Those of values(θ, x, factor), (b, k)."""
    jax = installed_jax()

    def one(theta, datum, factor):
        return values(theta, datum[None], factor)[0]

    def rows(theta, x, factor):
        return jax.vmap(lambda datum: jax.jacrev(one)(theta, datum, factor))(x)

    def norms(theta, x, factor):
        return jax.numpy.sum(rows(theta, x, factor) ** 2, axis=(-2, -1))

    def hessian(theta, vectors, x, factor):
        def slope(at, vector, datum, output):
            return jax.jvp(lambda theta: one(theta, datum, factor)[output], (at,), (vector,))[1]

        def slopes(at):
            of_outputs = jax.vmap(slope, (None, 0, None, 0))
            outputs = np.arange(vectors.shape[1])
            return jax.numpy.sum(jax.vmap(of_outputs, (None, 0, 0, None))(at, vectors, x, outputs))

        return jax.grad(slopes)(theta)

    def norms_gradient(theta, weights, x, factor):
        return 2 * hessian(theta, weights[:, None, None] * rows(theta, x, factor), x, factor)

    def pulled(theta, weights, x, factor):
        return jax.vjp(lambda theta: values(theta, x, factor), theta)[1](weights)[0]

    def lagrangian(theta, weights, multipliers, directions, x, factor):
        def gradient(at):
            of_norms = jax.grad(lambda theta: weights @ norms(theta, x, factor))(at)
            return of_norms - pulled(at, multipliers, x, factor)

        return jax.vmap(lambda v: jax.jvp(gradient, (theta,), (v,))[1])(directions)

    return Programs(
        values=_over_points(jax, values),
        own_values=jax.jit(jax.vmap(values, (0, 0, None))),
        pulled=jax.jit(jax.vmap(pulled, (0, 0, None, None))),
        own_pulled=jax.jit(jax.vmap(pulled, (0, 0, 0, None))),
        rows=_over_points(jax, rows),
        norms=_over_points(jax, norms),
        norms_gradient=jax.jit(jax.vmap(norms_gradient, (0, None, None, None))),
        forward=jax.jit(lambda theta, v, x, factor: jax.jvp(lambda at: values(at, x, factor), (theta,), (v,))[1]),
        hessian=jax.jit(hessian),
        row_hessians=jax.jit(lambda theta, v, x, factor: jax.jvp(lambda at: rows(at, x, factor), (theta,), (v,))[1]),
        lagrangian=jax.jit(lagrangian),
    )


def _over_points(jax, program):
    return jax.jit(jax.vmap(program, (0, None, None)))


def floats_per_datum(values: Program, dim: int, feature: tuple[int, ...], kind: np.dtype[Any]) -> int:
    """How many more floats two data are computed by than one, at least 1."""
    jax = installed_jax()

    def floats(data):
        shapes = jax.ShapeDtypeStruct((dim,), np.float64), jax.ShapeDtypeStruct((data, *feature), kind)
        return _floats(jax.make_jaxpr(values)(*shapes, 1.0))

    return max(1, floats(2) - floats(1))


def _floats(jaxpr):
    """In all that a jaxpr writes, and those inside of it; of a loop once for each round, as a reverse pass keeps it."""
    total = 0
    for equation in getattr(jaxpr, "jaxpr", jaxpr).eqns:
        total += sum(prod(getattr(variable.aval, "shape", ())) for variable in equation.outvars)
        rounds = equation.params.get("length", 1) if equation.primitive.name == "scan" else 1
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, tuple | list) else (parameter,):
                if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                    total += rounds * _floats(inner)
    return total
