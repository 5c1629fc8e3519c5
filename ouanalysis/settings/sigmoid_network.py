"""Two-layer network with sigmoid activations: theory.md, section 4.3."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import autograd.numpy as np
from numpy import intp
from numpy.typing import NDArray
from scipy.linalg import null_space

from ..activations import Activation, Expression
from ..activations import activation as as_activation
from ..arguments import Array, RandomSource, Reals, count, generator, real_array
from .branches import Branches
from .one_datum import OneDatum
from .setting import Setting, parameters, split

__all__ = ["SigmoidNetwork", "planted_sigmoid_network"]

Phi = Literal["tanh", "logistic"] | Activation | Expression


@dataclass(frozen=True, eq=False, init=False, repr=False)
class SigmoidNetwork(Setting):
    """h(x) = Σ_j c_j φ(w_jᵀ x), x ∈ R^d.

    Parameters
    ----------
    x : (n, d) array_like
    y : (n,) array_like
    width : int
        m, the number of neurons; theta holds c (m), then W row-major (m, d): dim = m (d + 1).
    activation : str or sympy.Expr
        φ: "tanh", "logistic", or a smooth SymPy expression of one symbol.

    Examples
    --------
    >>> setting = SigmoidNetwork([[1.0, 0.0]], [0.5], width=1, activation="logistic")
    >>> setting.predictions(setting.pack(c=[1.0], W=[[0.0, 7.0]]))
    array([0.5])
    """

    width: int
    activation: Activation

    def __init__(
        self,
        x: Reals,
        y: Reals,
        width: int,
        activation: Phi = "tanh",
    ) -> None:
        x = real_array("x", x, shape=("n", "d"))
        object.__setattr__(self, "width", count("width", width, least=1))
        object.__setattr__(self, "activation", as_activation(activation))
        parts = {"c": (self.width,), "W": (self.width, x.shape[1])}
        known = Branches() if self.activation.expression is None else None  # a SymPy expression is checked
        super().__init__(partial(_predict, parts=parts, phi=self.activation), x, y, parts=parts, branches=known)

    @property
    def d(self) -> int:
        """The dimension of a datum."""
        return self.x.shape[1]

    def linear_part(self) -> NDArray[intp]:
        return np.arange(self.width)

    def unseen_directions(self, theta: Reals) -> Array:
        """Each neuron's w along directions normal to every datum."""
        parameters(self, theta, leading=False)  # at every θ
        normal = null_space(self.x / (np.max(np.abs(self.x)) or 1.0)).T
        directions = np.zeros((self.width, len(normal), self.dim))
        for j in range(self.width):
            start = self.width + j * self.d
            directions[j, :, start : start + self.d] = normal
        return directions.reshape(-1, self.dim)

    def reduction(self) -> OneDatum | None:
        with np.errstate(over="ignore", under="ignore"):
            length = np.sqrt(np.sum(self.x**2))
        if self.n > 1 or self.d == 1 or type(self) is not SigmoidNetwork or not 1e-150 < length < 1e150:
            return None  # nothing to be gained, an h that may be another, or a length whose square is no good float
        parts = {"c": (self.width,), "W": (self.width, 1)}
        h = partial(_predict, parts=parts, phi=self.activation)
        small = self._with(h=h, x=np.full((1, 1), length), dim=2 * self.width, _parts=parts)
        return OneDatum(small, self.x[0] / length)

    def __repr__(self):
        return f"SigmoidNetwork(n={self.n}, d={self.d}, width={self.width}, activation={self.activation.name!r})"


def planted_sigmoid_network(
    n: int,
    d: int,
    width: int,
    *,
    activation: Phi = "tanh",
    rng: RandomSource,
) -> tuple[SigmoidNetwork, Array]:
    """Random data whose labels a random network of the same width attains.

    Parameters
    ----------
    n, d, width : int
    activation : str or sympy.Expr
    rng : numpy.random.Generator or seed

    Returns
    -------
    setting : SigmoidNetwork
        x_i uniform on the unit sphere of R^d.
    theta_true : (width (d + 1),) array
        c_j and the entries of w_j drawn from N(0, 1).
    """
    n, d, width = count("n", n, least=1), count("d", d, least=1), count("width", width, least=1)
    rng = generator(rng)
    x = rng.standard_normal((n, d))
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    theta = rng.standard_normal(width * (d + 1))
    reachable = SigmoidNetwork(x, np.zeros(n), width, activation).predictions(theta)
    return SigmoidNetwork(x, reachable, width, activation), theta


def _predict(theta, x, *, parts, phi):
    p = split(theta, parts)
    return np.sum(p["c"] * phi(np.sum(p["W"] * x[..., None, :], axis=-1)), axis=-1)
