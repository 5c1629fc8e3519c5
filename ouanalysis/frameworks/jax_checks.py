"""What a function of JAX, its parameters and its data must be: each check says in one line what it expected and got."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..arguments import Array, Reals, as_array, real_array, shortened
from .derivative_check import DATA, MIXED, check_derivatives, mixing
from .jax_library import double_precision, installed_jax
from .jax_model import JaxModel, Leaf
from .jax_products import JaxProducts
from .jaxprs import rounding_operation
from .refusals import alike, error_in_one_line, evenly

__all__ = ["check_function", "flattened", "model_of"]

LARGE = 100_000  # parameters, past which later derivatives take long to compile, and are not held against differences
FEW = 16  # data on which f is tried
RTOL = 1e-6  # of predictions of the same datum, compiled or not
CALLED = "f: expected a function of (params, x) that JAX traces with float64 parameters and a batch of x"
VECTORISED = "f: expected a function that JAX compiles, for several parameters at once by vmap"
DIFFERENTIATED = "f: expected a function that JAX differentiates three times, forwards and backwards"
CAUSES = "stop_gradient, a custom derivative that is another, parameters that f does not read but closes over"


def flattened(params: Any, like: JaxModel | None = None) -> tuple[Array, Any]:
    """The flat θ of a tree of real floats, and the tree with a `Leaf` for each; it must be shaped as that of `like`."""
    tree_util = installed_jax().tree_util
    entries, tree = tree_util.tree_flatten_with_path(params)
    leaves = [_real_leaf(tree_util.keystr(path), leaf) for path, leaf in entries]
    if like is not None:
        _check_tree(like, tree, [(tree_util.keystr(path), leaf) for path, leaf in entries])
    if not sum(leaf.size for leaf in leaves):
        raise ValueError(f"params: expected at least one parameter, got {_short(params)}")
    theta = np.concatenate([leaf.ravel() for leaf in leaves])
    theta.flags.writeable = False
    return theta, tree.unflatten([Leaf(leaf.shape) for leaf in leaves])


def model_of(f: Callable[[Any, Any], Any], template: Any, x: Reals, y: Reals) -> JaxModel:
    """The model that gives what y is shaped as; integers and bools in x stay what they are."""
    if not callable(f):
        raise TypeError(f"f: expected a function of (params, x), got {f!r}")
    data, labels = as_array("x", x), as_array("y", y)
    kind = data.dtype if data.dtype.kind in "iub" else np.dtype(float)
    return JaxModel(f, template, data.shape[1:], kind, labels.shape[1:] if labels.ndim == 2 else ())


def check_function(model: JaxModel, theta: Array, x: Array) -> None:
    """A ValueError if f gives other shapes or precisions, another value again, or is not a model of each datum."""
    jax = installed_jax()
    few = model.typed(evenly(x, FEW))
    with double_precision():
        for data in (few[:1], few):
            _check_shape(jax, model, theta, data)
        _check_precision(jax, model, theta, few)
        _check_repeatable(jax, model, theta, few)
        _check_differentiable(jax, model, theta, few[:1])
    _check_each_datum(model, theta, few)
    mixed = model if model.k <= MIXED else _mixed(jax, model)
    for asked, orders in [(model, 1)] * (mixed is not model) + [(mixed, 3 if theta.size <= LARGE else 1)]:
        check_derivatives(
            JaxProducts(asked, evenly(x, DATA)),
            lambda rng: _beside(theta, rng),
            np.ones(theta.shape, dtype=bool),
            name="f",
            causes=CAUSES,
            orders=orders,
        )


def _mixed(jax, model):
    """f with few outputs, each a sum of all of them."""

    def f(params, x):
        return jax.numpy.reshape(model.f(params, x), (len(x), -1)) @ mixing(model.k)

    return replace(model, f=f, outputs=(MIXED,))


def _real_leaf(place, leaf):
    """A leaf in float64; whatever of JAX or NumPy it is, its type is known without looking at its values."""
    what = f"params{place}"
    kind = getattr(leaf, "dtype", None)
    if kind is None and isinstance(leaf, float):
        kind = np.dtype(float)
    if not isinstance(kind, np.dtype) or not installed_jax().dtypes.issubdtype(kind, np.floating):
        got = kind if kind is not None else f"{type(leaf).__name__} {_short(leaf)}"
        raise TypeError(
            f"{what}: expected real floats of NumPy or JAX, got {got}; keep what is no parameter out of params (a"
            " closure, or equinox.partition)"
        )
    return real_array(what, np.asarray(leaf).astype(np.float64))


def _check_tree(model, tree, entries):
    if tree != model.tree:
        raise ValueError(f"params: expected the tree {_short(model.tree)}, got {_short(tree)}")
    for (place, leaf), shape in zip(entries, model.shapes, strict=True):
        if np.shape(leaf) != shape:
            raise ValueError(f"params{place}: expected shape {shape}, got {np.shape(leaf)}")


def _check_shape(jax, model, theta, x):
    got = _tried(lambda: jax.eval_shape(model.f, model.unpack(theta), x), CALLED)
    wanted = [(len(x), *model.outputs)] + ([(len(x), 1)] if model.outputs == () else [])
    wanted += [(len(x),)] if model.outputs == (1,) else []
    called = f"f: expected {' or '.join(map(str, wanted))} floats for a batch x {x.shape}"
    if not hasattr(got, "shape"):
        raise TypeError(f"{called}, got {_short(got)}")
    if got.shape not in wanted:
        raise ValueError(f"{called} (y has shape (n,{' k' if model.outputs else ''})), got {got.shape}")
    if got.dtype != np.float64:
        raise ValueError(f"f: expected float64 for parameters in float64, got {got.dtype}: compute in their precision")


def _check_precision(jax, model, theta, x):
    rounded = rounding_operation(jax.make_jaxpr(model.f)(model.unpack(theta), x))
    if rounded:
        raise ValueError(
            f"f: expected float64 throughout for parameters in float64, got {rounded}: compute in their precision"
        )


def _check_repeatable(jax, model, theta, x):
    params = jax.tree_util.tree_map(jax.numpy.asarray, model.unpack(theta))
    values = [_tried(lambda: np.asarray(model.f(params, jax.numpy.asarray(x))), CALLED) for _ in range(2)]
    values.append(_tried(lambda: np.asarray(model.programs.values(theta[None], x, model.factor)), VECTORISED))
    for again in values[1:]:
        if not alike(again.reshape(values[0].shape), values[0], rtol=RTOL):
            raise ValueError(
                "f: expected the same predictions each time it is called, got others: fix its random numbers, leave"
                " dropout out, and keep no state"
            )


def _check_differentiable(jax, model, theta, x):
    k, dim = model.k, theta.size
    _tried(
        lambda: (
            jax.eval_shape(model.programs.hessian, theta, np.zeros((1, k, dim)), x, 1.0),
            jax.eval_shape(model.programs.lagrangian, theta, np.ones(1), np.ones((1, k)), theta[None], x, 1.0),
        ),
        DIFFERENTIATED,
    )


def _check_each_datum(model, theta, x):
    rng = np.random.default_rng(0)
    for at in (theta, _beside(theta, rng)):
        together = model(at, x)
        alone = np.concatenate([model(at, x[i : i + 1]) for i in range(len(x))])
        if not alike(together, alone, rtol=RTOL):
            i = int(np.argmax(np.abs(together - alone).reshape(len(x), -1).max(axis=1)))
            raise ValueError(
                f"f: expected of each datum a prediction of its own, got {_number(together[i])} within a batch and"
                f" {_number(alone[i])} alone: it depends on other data of the batch (batch normalisation in training?)"
            )


def _beside(theta, rng):
    size = np.sqrt(np.mean(theta**2)) or 1.0
    return theta + 0.3 * size * rng.standard_normal(theta.shape)


def _number(values):
    return f"{np.ravel(values)[0]:.6g}"


def _tried(compute, called):
    """What is computed; any error becomes one line that begins with `called`."""
    try:
        return compute()
    except Exception as error:
        raise ValueError(f"{called}, got {error_in_one_line(error)}") from error


def _short(thing):
    return shortened(repr(thing), 120)
