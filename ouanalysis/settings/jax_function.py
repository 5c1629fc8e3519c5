"""A model that is a function of JAX: `Setting.from_jax`."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from ..arguments import Array, Reals, positive_number
from ..frameworks.jax_checks import check_function, flattened, model_of
from ..frameworks.jax_model import JaxModel
from ..frameworks.jax_products import JaxProducts
from .branches import Branches
from .setting import Setting, parameters

__all__ = ["JaxFunction"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class JaxFunction(Setting):
    """h(θ, x) = f(params, x), differentiated by JAX; theta is the flat vector of the parameters, in float64.

    `Setting.from_jax` makes it, and says what f must be.
    """

    h: JaxModel
    several_outputs: ClassVar[bool] = True

    def __init__(self, f: Callable[[Any, Any], Any], params: Any, x: Reals, y: Reals) -> None:
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
