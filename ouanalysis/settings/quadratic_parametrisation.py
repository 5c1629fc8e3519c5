"""Linear regression with a quadratic parametrisation, also called a diagonal linear network: theory.md, section 6.

Source: HaoChen, Wei, Lee & Ma 2021 (arXiv:2006.08680); Pillaud-Vivien, Reygner & Flammarion 2022 (arXiv:2206.09841).
"""

from dataclasses import dataclass
from functools import partial

import autograd.numpy as np
from numpy import intp
from numpy.typing import NDArray

from ..arguments import Array, RandomSource, Reals, count, generator, real_array
from .branches import Branches
from .rotations import rotations
from .setting import Setting, parameters, split

__all__ = ["QuadraticParametrisation", "planted_quadratic_parametrisation"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class QuadraticParametrisation(Setting):
    """h(x) = ⟨u∘u − v∘v, x⟩, x ∈ R^d: a linear function of x whose coefficients are differences of squares.

    Parameters
    ----------
    x : (n, d) array_like
    y : (n,) array_like
        theta holds u (d), then v (d): dim = 2 d.

    Examples
    --------
    >>> setting = QuadraticParametrisation([[1.0, 2.0]], [0.0])
    >>> theta = setting.pack(u=[3.0, 0.0], v=[0.0, 2.0])
    >>> setting.predictor(theta), setting.predictions(theta)
    (array([ 9., -4.]), array([1.]))
    """

    def __init__(self, x: Reals, y: Reals) -> None:
        data = real_array("x", x, shape=("n", "d"))
        parts = {"u": data.shape[1:], "v": data.shape[1:]}
        super().__init__(partial(_predict, parts=parts), data, y, parts=parts, branches=Branches())

    @property
    def d(self) -> int:
        """The dimension of a datum."""
        return int(self.x.shape[1])

    def predictor(self, theta: Reals) -> Array:
        """The linear predictor β = u∘u − v∘v of theta (..., 2 d), (..., d)."""
        with np.errstate(all="ignore"):
            return _predictor(self.unpack(theta))

    def linear_part(self) -> NDArray[intp]:
        """None but the parameters of features that are 0 in every datum, in which h is constant."""
        return np.flatnonzero(~np.any(self._seen_as(), axis=0))

    def unseen_directions(self, theta: Reals) -> Array:
        """u_j and v_j of the features j that are 0 in every datum."""
        parameters(self, theta, leading=False)  # at every θ
        return np.eye(self.dim)[self.linear_part()]

    def symmetry_directions(self, theta: Reals) -> Array:
        """Parameters whose squares have the same coefficient in every h_i rotate into each other.

        Those are u_j and u_k, v_j and v_k of equal features, u_j and v_k of opposite ones; in general there are none:
        hyperbolic turns of (u_j, v_j) preserve h but not reg.
        """
        at = parameters(self, theta, leading=False)
        _, group = np.unique(self._seen_as(), axis=1, return_inverse=True)
        directions = [np.zeros((0, self.dim))]
        for k in set(group.ravel()) - set(group.ravel()[self.linear_part()]):
            alike = np.flatnonzero(group.ravel() == k)
            directions.append(rotations(at[None, alike])[:, 0] @ np.eye(self.dim)[alike])
        return np.concatenate(directions)

    def _seen_as(self):
        """The coefficients (n, 2 d) of the squared parameters in h: x for u, −x for v."""
        return np.concatenate([self.x, -self.x], axis=1) + 0.0  # + 0.0: a zero has no sign

    def __repr__(self) -> str:
        return f"QuadraticParametrisation(n={self.n}, d={self.d})"


def planted_quadratic_parametrisation(
    d: int, n: int, sparsity: int, *, rng: RandomSource
) -> tuple[QuadraticParametrisation, Array]:
    """Labels of a sparse linear function of Gaussian data, to be found among all that fit.

    Parameters
    ----------
    d, n : int
        The numbers of features and of data: x_ij from N(0, 1).
    sparsity : int
        How many coefficients of the planted predictor are not 0: 1 or −1, at random places.
    rng : numpy.random.Generator or seed

    Returns
    -------
    setting : QuadraticParametrisation
    theta_true : (2 d,) array
        u and v with u∘u − v∘v the planted predictor and as little reg as it can have: u_j v_j = 0.
    """
    d, n = count("d", d, least=1), count("n", n, least=1)
    sparsity = count("sparsity", sparsity, least=1, most=d)
    source = generator(rng)
    x = source.standard_normal((n, d))
    planted = np.zeros(d)
    planted[source.choice(d, size=sparsity, replace=False)] = source.choice([-1.0, 1.0], size=sparsity)
    theta = np.sqrt(np.concatenate([np.maximum(planted, 0.0), np.maximum(-planted, 0.0)]))
    return QuadraticParametrisation(x, x @ planted), theta


def _predictor(part):
    return part["u"] ** 2 - part["v"] ** 2


def _predict(theta, x, *, parts):
    return np.sum(_predictor(split(theta, parts)) * x, axis=-1)
