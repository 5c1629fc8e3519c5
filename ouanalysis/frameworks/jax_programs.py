"""A model's values and derivatives on one block of data, compiled by JAX.

Everywhere θ is (p,) or points (m, p), x a block (b, *feature), `factor` what the model is multiplied by, and rows are
(b, k, p). Second derivatives in given directions are ∇⟨∇h_r, v_r⟩ = ∇(∂h_r/∂v_r): forward first, so that the reverse
pass adds up over the data, and rows are held once.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..arguments import cut
from .jax_library import installed_jax
from .jaxprs import floats_of

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


def programs(values: Program, shapes: tuple[tuple[int, ...], ...]) -> Programs:
    """Those of values(leaves, x, factor), (b, k), of the arrays of these shapes that θ holds."""
    jax = installed_jax()

    def on_block(theta, x, factor):
        return values(cut(theta, shapes), x, factor)

    def one(leaves, datum, factor):
        return values(leaves, datum[None], factor)[0]

    def leaf_rows(theta, x, factor):  # by leaves, as those of θ would be filled up with 0 for each leaf and added
        return jax.vmap(lambda datum: jax.jacrev(one)(cut(theta, shapes), datum, factor))(x)

    def pulled(theta, weights, x, factor):
        return jax.vjp(lambda theta: on_block(theta, x, factor), theta)[1](weights)[0]

    def norms(theta, x, factor):
        return sum((leaf**2).reshape(len(leaf), -1).sum(axis=1) for leaf in leaf_rows(theta, x, factor))

    return Programs(
        values=_over_points(jax, on_block),
        own_values=jax.jit(jax.vmap(on_block, (0, 0, None))),
        pulled=jax.jit(jax.vmap(pulled, (0, 0, None, None))),
        own_pulled=jax.jit(jax.vmap(pulled, (0, 0, 0, None))),
        norms=_over_points(jax, norms),
        forward=jax.jit(lambda theta, v, x, factor: jax.jvp(lambda at: on_block(at, x, factor), (theta,), (v,))[1]),
        lagrangian=_lagrangian(jax, norms, pulled),
        **_of_rows(jax, leaf_rows),
        **_hessians(jax, one, leaf_rows, shapes),
    )


def _of_rows(jax, leaf_rows):
    """Rows of J, and their derivatives in a direction."""

    def rows(theta, x, factor):
        leaves = leaf_rows(theta, x, factor)
        return jax.numpy.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)

    def row_hessians(theta, v, x, factor):
        return jax.jvp(lambda at: rows(at, x, factor), (theta,), (v,))[1]

    return {"rows": _over_points(jax, rows), "row_hessians": jax.jit(row_hessians)}


def _hessians(jax, one, leaf_rows, shapes):
    """Sums of ∇²h_r v_r, for given v_r and for those that are ∇h_r."""

    def leaf_hessian(theta, vectors, x, factor):
        def slope(leaves, vector, datum, output):
            return jax.jvp(lambda at: one(at, datum, factor)[output], (leaves,), (vector,))[1]

        def slopes(at):
            of_outputs = jax.vmap(slope, (None, 0, None, 0))
            outputs = np.arange(vectors[0].shape[1])
            return jax.numpy.sum(jax.vmap(of_outputs, (None, 0, 0, None))(cut(at, shapes), vectors, x, outputs))

        return jax.grad(slopes)(theta)

    def hessian(theta, vectors, x, factor):
        return leaf_hessian(theta, cut(vectors, shapes), x, factor)

    def norms_gradient(theta, weights, x, factor):
        weighted = [jax.vmap(jax.numpy.multiply)(weights, leaf) for leaf in leaf_rows(theta, x, factor)]
        return 2 * leaf_hessian(theta, weighted, x, factor)

    over_points = jax.jit(jax.vmap(norms_gradient, (0, None, None, None)))
    return {"hessian": jax.jit(hessian), "norms_gradient": over_points}


def _lagrangian(jax, norms, pulled):
    """The Hessian of weighted norms less multipliers times h, in some directions."""

    def lagrangian(theta, weights, multipliers, directions, x, factor):
        def gradient(at):
            of_norms = jax.grad(lambda theta: weights @ norms(theta, x, factor))(at)
            return of_norms - pulled(at, multipliers, x, factor)

        return jax.vmap(lambda v: jax.jvp(gradient, (theta,), (v,))[1])(directions)

    return jax.jit(lagrangian)


def _over_points(jax, program):
    return jax.jit(jax.vmap(program, (0, None, None)))


def floats_per_datum(
    values: Program, shapes: tuple[tuple[int, ...], ...], feature: tuple[int, ...], kind: np.dtype[Any]
) -> int:
    """How many more floats two data are computed by than one, at least 1."""
    jax = installed_jax()

    def floats(data):
        leaves = [jax.ShapeDtypeStruct(shape, np.float64) for shape in shapes]
        return floats_of(jax.make_jaxpr(values)(leaves, jax.ShapeDtypeStruct((data, *feature), kind), 1.0))

    return max(1, floats(2) - floats(1))
