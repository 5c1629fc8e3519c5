"""A function of JAX as the model."""

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ..arguments import Array, Reals, positive_number
from ..frameworks.jax_checks import check_function, flattened, model_of
from ..frameworks.jax_model import JaxModel
from ..frameworks.jax_products import JaxProducts
from .branches import Branches
from .products import OfBatch
from .setting import Setting, parameters

__all__ = ["JaxFunction"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class JaxFunction(Setting):
    """h(x) of a function of JAX, which differentiates it; theta holds its parameters, leaf after leaf.

    All is computed in float64, within a context of JAX: its configuration stays what it is.

    Parameters
    ----------
    f : callable
        ``f(params, x)`` of a batch x (b, *feature), b any number of data, gives predictions (b,) or (b, 1), or (b, k)
        where y is (n, k): what the `apply` of a Flax or Haiku module does in evaluation, and the `jax.vmap` of a
        function of one datum. Those of a datum depend on no other, and are the same each time. It computes in the
        precision that it is given, which `jax.nn.dot_product_attention` does not, and has derivatives in forward mode,
        which `jax.custom_vjp` has not and `jax.custom_jvp` has. Define it at module level to pickle the setting.
    params : pytree
        Of arrays of real floats, which are taken in float64, exactly. What is no parameter is no leaf of it.
    x : (n, *feature) array_like
        f is given floats in float64, integers and booleans as they are here.
    y : (n,) or (n, k) array_like

    Raises
    ------
    ImportError
        Without JAX.
    TypeError, ValueError
        For a leaf of params that is no real float, named by its path; for predictions of another shape, in fewer bits,
        that differ when asked for again, that depend on other data, or that JAX does not differentiate; for data of the
        wrong shape or kind.

    Examples
    --------
    >>> import jax.numpy as jnp
    >>> import numpy as np
    >>> def network(params, x):
    ...     return jnp.tanh(x @ params["W"].T) @ params["c"]
    >>> params = {"W": np.array([[0.0, 7.0]]), "c": np.array([1.0])}
    >>> setting = JaxFunction(network, params, x=[[1.0, 0.0]], y=[2.0])
    >>> setting
    JaxFunction(n=1, dim=3)
    >>> setting.pack(params)
    array([0., 7., 1.])
    >>> setting.predictions([0.0, 7.0, 1.0])
    array([0.])
    """

    h: JaxModel
    several_outputs: ClassVar[bool] = True

    def __init__(self, f: OfBatch, params: object, x: Reals, y: Reals) -> None:
        theta, template = flattened(params)
        model = model_of(f, template, x, y)
        super().__init__(model, x, y, dim=theta.size, branches=Branches(unknown="JAX differentiates h"))
        check_function(model, theta, self.x)

    def pack(self, params: Any) -> Array:  # type: ignore[override]  # a tree, not named arrays
        """The flat theta (p,) of parameters shaped as those that the setting was made with."""
        return flattened(params, like=self.h)[0]

    def unpack(self, theta: Reals) -> Any:
        """The parameters as f takes them, of NumPy arrays that keep theta's leading axes (..., p)."""
        return self.h.unpack(parameters(self, theta))

    def products(self) -> JaxProducts:
        return JaxProducts(self.h, self.x)

    def rescaled(self, factor: float) -> Self:
        factor = positive_number("factor", factor)
        return self._with(h=self.h.scaled(factor), y=factor * self.y)
