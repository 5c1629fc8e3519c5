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
from .jax_norms import factored_rows, squared_norm

__all__ = ["Programs", "programs", "traced"]

Program = Callable[..., Any]


class Programs(NamedTuple):
    """Each takes arrays of NumPy, and is compiled for their shapes."""

    values: Program  # (points, x, factor) -> (m, b, k)
    own_values: Program  # (points, x (m, b, *feature), factor), each θ on data of its own -> (m, b, k)
    pulled: Program  # (points, weights (m, b, k), x, factor) -> (m, p), Σ weight ∇h
    own_pulled: Program  # the same, each θ on data of its own
    rows: Program  # (points, x, factor) -> (m, b, k, p)
    factors: Program  # (θ, x, factor) -> rows (b, k, ·) and, of each dense layer, a (b, in) and b (b, k, out)
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
        return _joined(jax, jax.vjp(lambda leaves: values(leaves, x, factor), cut(theta, shapes))[1](weights)[0])

    def factors(theta, x, factor):
        return jax.vmap(lambda datum: factored_rows(one, cut(theta, shapes), datum, factor))(x)

    return Programs(
        values=_over_points(jax, on_block),
        own_values=jax.jit(jax.vmap(on_block, (0, 0, None))),
        pulled=jax.jit(jax.vmap(pulled, (0, 0, None, None))),
        own_pulled=jax.jit(jax.vmap(pulled, (0, 0, 0, None))),
        factors=jax.jit(factors),
        forward=jax.jit(lambda theta, v, x, factor: jax.jvp(lambda at: on_block(at, x, factor), (theta,), (v,))[1]),
        **_of_rows(jax, leaf_rows),
        **_hessians(jax, one, shapes),
        **_norms(jax, one, pulled, shapes),
    )


def _of_rows(jax, leaf_rows):
    """Rows of J, and their derivatives in a direction."""

    def rows(theta, x, factor):
        leaves = leaf_rows(theta, x, factor)
        return jax.numpy.concatenate([leaf.reshape(*leaf.shape[:2], -1) for leaf in leaves], axis=-1)

    def row_hessians(theta, v, x, factor):
        return jax.jvp(lambda at: rows(at, x, factor), (theta,), (v,))[1]

    return {"rows": _over_points(jax, rows), "row_hessians": jax.jit(row_hessians)}


def _hessians(jax, one, shapes):
    """Sums of ∇²h_r v_r for given v_r."""

    def slope(leaves, vector, datum, factor, output):
        return jax.jvp(lambda at: one(at, datum, factor)[output], (leaves,), (vector,))[1]

    def hessian(theta, vectors, x, factor):
        def slopes(at):
            of_outputs = jax.vmap(slope, (None, 0, None, None, 0))
            of_data = jax.vmap(of_outputs, (None, 0, 0, None, None))
            outputs = np.arange(vectors.shape[1])
            return jax.numpy.sum(of_data(cut(at, shapes), cut(vectors, shapes), x, factor, outputs))

        return jax.grad(slopes)(theta)

    return {"hessian": jax.jit(hessian)}


def _norms(jax, one, pulled, shapes):
    """Norms, the gradient of their weighted sum, and the Hessian of that less multipliers times h, in directions."""

    def of_leaves(leaves, x, factor):
        return jax.vmap(lambda datum: squared_norm(one, leaves, datum, factor))(x)

    def norms(theta, x, factor):
        return of_leaves(cut(theta, shapes), x, factor)

    def gradient(theta, weights, x, factor):
        return _joined(jax, jax.grad(lambda leaves: weights @ of_leaves(leaves, x, factor))(cut(theta, shapes)))

    def lagrangian(theta, weights, multipliers, directions, x, factor):
        def of_both(at):
            return gradient(at, weights, x, factor) - pulled(at, multipliers, x, factor)

        return jax.vmap(lambda v: jax.jvp(of_both, (theta,), (v,))[1])(directions)

    return {
        "norms": _over_points(jax, norms),
        "norms_gradient": jax.jit(jax.vmap(gradient, (0, None, None, None))),
        "lagrangian": jax.jit(lagrangian),
    }


def _joined(jax, leaves):
    """A gradient by θ from those by its leaves: by θ itself each would be filled up with 0, and all be added."""
    return jax.numpy.concatenate([leaf.ravel() for leaf in leaves])


def _over_points(jax, program):
    return jax.jit(jax.vmap(program, (0, None, None)))


def traced(values: Program, shapes: tuple[tuple[int, ...], ...], feature: tuple[int, ...], kind: np.dtype[Any]) -> Any:
    """The jaxprs of values on one datum and on two."""
    jax = installed_jax()
    leaves = [jax.ShapeDtypeStruct(shape, np.float64) for shape in shapes]
    data = [jax.ShapeDtypeStruct((count, *feature), kind) for count in (1, 2)]
    return [jax.make_jaxpr(values)(leaves, x, 1.0) for x in data]
