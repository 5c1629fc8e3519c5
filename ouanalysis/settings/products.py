"""What the numeric rooms ask of a model, whatever differentiates it: autograd, PyTorch or JAX."""

from collections.abc import Callable
from typing import Any, Protocol, runtime_checkable

from ..arguments import Array

__all__ = ["OfBatch", "Products", "WithBackward"]


class OfBatch(Protocol):
    """A function of parameters and a batch of data, in another library's arrays."""

    def __call__(self, params: Any, x: Any, /) -> Any: ...


class Products(Protocol):
    """Derivatives of h on all data, whose memory is bounded but for what is given back.

    Row i·k + j of J is the gradient of output j on datum i, for k outputs; `rows` is their number n·k.
    """

    def predictions(self, points: Array) -> Array:
        """h(θ) at each of some θ, points (m, p): (m, rows)."""

    def jacobian(self, points: Array) -> Array:
        """J at each: (m, rows, p)."""

    def gram(self, points: Array) -> Array:
        """K = J Jᵀ at each: (m, rows, rows)."""

    def squared_norms(self, points: Array) -> Array:
        """‖∇h_r‖² at each, summed over the outputs of a datum: (m, n)."""

    def squared_norms_gradient(self, points: Array) -> Array:
        """∇ of the sum of the squared norms, 2 Σ_r ∇²h_r ∇h_r, at each: (m, p)."""

    def forward(self, theta: Array, direction: Array) -> Array:
        """J v: theta and v (p,) give (rows,)."""

    def backward(self, theta: Array, weights: Array) -> Array:
        """Jᵀ u: theta (p,) and u (rows,) give (p,)."""

    def hessian_products(self, theta: Array, vectors: Array) -> Array:
        """Σ_r ∇²h_r v_r: theta (p,) and v (rows, p) give (p,)."""

    def data_hessian_products(self, theta: Array, direction: Array) -> Array:
        """∇²h_r v of each row: theta and v (p,) give (rows, p)."""

    def lagrangian_hessian_products(self, theta: Array, multipliers: Array, directions: Array) -> Array:
        """(∇²reg − Σ_r μ_r ∇²h_r) v: theta (p,), μ (rows,) and directions v (k, p) give (k, p)."""


@runtime_checkable
class WithBackward(Protocol):
    """An h that autograd does not differentiate, and that does so itself on whatever data."""

    def with_backward(self, theta: Array, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """h of chains theta (m, p) on x (..., b, *feature), (m, b) or (m, b, k), and the function of weights of that
        shape that gives Σ_b weight_b ∇h_b of each chain, (m, p).
        """
