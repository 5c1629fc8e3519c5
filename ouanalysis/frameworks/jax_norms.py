"""Squared norms and factors of the gradients of one datum of a JAX function, those of dense layers never formed.

Source: Goodfellow 2015 (arXiv:1510.01799); over places, Li et al. 2022 (arXiv:2110.05679).
"""

from collections.abc import Callable
from typing import Any

from .jax_layers import inputs_and_values, layers_of
from .jax_library import installed_jax

__all__ = ["factored_rows", "squared_norm"]

Function = Callable[..., Any]  # of leaves, a datum and a factor, (k,)


def squared_norm(function: Function, leaves: list[Any], *args: Any) -> Any:
    """‖∇h‖² over the outputs, by all leaves."""
    rows, layers = _split(function, leaves, args)
    return sum((row**2).sum() for row in rows) + sum(_squared_norm(*layer) for layer in layers)


def factored_rows(function: Function, leaves: list[Any], *args: Any) -> tuple[list[Any], list[tuple[Any, Any]]]:
    """Rows (k, ·) by some leaves; and a (in,), b (k, out) of each layer that is at one place."""
    rows, layers = _split(function, leaves, args)
    rows += [_rows(a, b) for layer, a, b in layers if layer.places > 1]
    return [row.reshape(len(row), -1) for row in rows], [(a[0], b[:, 0]) for layer, a, b in layers if layer.places == 1]


def _split(function, leaves, args):
    """The derivatives by leaves of no layer (k, *shape); and (layer, a (places, in), b (k, places, out)) of each."""
    jax = installed_jax()
    program = jax.make_jaxpr(function)(leaves, *args)
    layers = layers_of(program, len(leaves))

    def moved(rest, shifts):
        every = [rest.get(leaf, value) for leaf, value in enumerate(leaves)]
        inputs, (values,) = inputs_and_values(program, [*every, *args], shifts)
        return values, inputs

    rest = {leaf: value for leaf, value in enumerate(leaves) if leaf not in layers}
    still = {leaf: jax.numpy.zeros((layer.places, layer.outputs)) for leaf, layer in layers.items()}
    (rows, derivatives), inputs = jax.jacrev(moved, argnums=(0, 1), has_aux=True)(rest, still)
    return list(rows.values()), [(layer, inputs[leaf], derivatives[leaf]) for leaf, layer in layers.items()]


def _squared_norm(layer, a, b):
    if layer.is_formed:
        return (_rows(a, b) ** 2).sum()
    einsum = installed_jax().numpy.einsum
    return (einsum("ti,si->ts", a, a) * einsum("kto,kso->ts", b, b)).sum()


def _rows(a, b):
    return installed_jax().numpy.einsum("ti,kto->kio", a, b)
