"""Two-layer ReLU network on one-dimensional data: theory.md, section 4.2."""

from dataclasses import dataclass
from functools import partial

import autograd.numpy as np
from numpy import intp
from numpy.typing import NDArray

from ..activations import relu
from ..arguments import Array, RandomSource, Reals, count, generator, real_array
from .branches import Branches
from .kinks import Kinks, quotient
from .rotations import rotations
from .setting import Setting, parameters, split

__all__ = ["ReluNetwork", "planted_relu_network"]


@dataclass(frozen=True, eq=False, init=False, repr=False)
class ReluNetwork(Setting):
    """h(x) = Σ_j c_j (a_j x + b_j)₊ + α x + β for data x ∈ R, distinct.

    Parameters
    ----------
    x, y : (n,) array_like
    width : int
        m, the number of neurons; theta holds a (m), b (m), c (m), alpha, beta: dim = 3m + 2.

    Examples
    --------
    >>> setting = ReluNetwork([-1.0, 1.0], [0.0, 2.0], width=1)
    >>> setting.predictions(setting.pack(a=[1.0], b=[0.0], c=[2.0], alpha=0.0, beta=0.0))
    array([0., 2.])
    """

    width: int

    def __init__(self, x: Reals, y: Reals, width: int) -> None:
        x = real_array("x", x, shape=("n",))
        if len(np.unique(x)) < len(x):
            repeated = np.sort(x)[np.flatnonzero(np.diff(np.sort(x)) == 0)[0]]
            raise ValueError(f"x: expected distinct points, got {repeated:g} more than once")
        object.__setattr__(self, "width", count("width", width, least=1))
        parts = {"a": (self.width,), "b": (self.width,), "c": (self.width,), "alpha": (), "beta": ()}
        branches = Branches(shapes=((self.width,),), bends=(True,), rectified=(True,))
        super().__init__(partial(_predict, parts=parts), x, y, parts=parts, branches=branches)

    def preactivations(self, theta: Reals) -> Array:
        """z_ij = a_j x_i + b_j."""
        part = self.unpack(theta)
        return part["a"] * self.x[:, None] + part["b"]

    def kinks(self, theta: Reals) -> Kinks:
        """At k_j = −b_j/a_j, with ∇z_ij = (x_i, 1) in (a_j, b_j)."""
        part, z = self.unpack(theta), self.preactivations(theta)
        slope = np.hypot(1.0, self.x[:, None])
        away = quotient(np.abs(z), np.broadcast_to(np.abs(part["a"]), z.shape), at_rest=0.0)
        return Kinks(
            preactivations=z,
            clearance=np.abs(z) / slope,
            distance=np.where(part["c"] != 0, away, np.inf),
            jump=np.abs(part["c"]) * slope,
            size=np.hypot(part["a"] * np.any(self.x != 0), part["b"]),
            rectified=np.full(self.width, True),
        )

    def linear_part(self) -> NDArray[intp]:
        return np.arange(2 * self.width, self.dim)

    def unseen_directions(self, theta: Reals) -> Array:
        """A neuron active on no datum, and (1, −x) of slope and intercept of anything active on a single datum x."""
        pattern = self.preactivations(theta) > 0
        none = dict.fromkeys("abc", np.zeros(self.width)) | {"alpha": 0.0, "beta": 0.0}
        directions = []
        for j, seen in enumerate(pattern.T):
            unit = np.eye(self.width)[j]
            if not seen.any():
                directions += [self.pack(**none | {name: unit}) for name in "abc"]
            elif seen.sum() == 1:
                directions.append(self.pack(**none | {"a": unit, "b": -self.x[seen] * unit}))
        if self.n == 1:
            directions.append(self.pack(**none | {"alpha": 1.0, "beta": -self.x[0]}))
        return np.array(directions).reshape(-1, self.dim)

    def symmetry_directions(self, theta: Reals) -> Array:
        """Neurons active on the same data rotate into each other: h sees Σ c(a, b), reg the squares of (a, b, c)."""
        theta = parameters(self, theta, leading=False)
        neurons, pattern = theta[: 3 * self.width].reshape(3, -1), self.preactivations(theta) > 0
        _, group = np.unique(pattern, axis=1, return_inverse=True)
        directions = [np.zeros((0, self.dim))]
        for k in range(np.max(group) + 1):
            alike = group.ravel() == k
            if pattern[:, alike].any():
                turned = rotations(neurons[:, alike])
                full = np.zeros((len(turned), self.dim))
                full[:, : 3 * self.width].reshape(-1, 3, self.width)[:, :, alike] = turned
                directions.append(full)
        return np.concatenate(directions)

    def __repr__(self):
        return f"ReluNetwork(n={self.n}, width={self.width})"


def planted_relu_network(
    n: int, convexity_changes: int, *, width: int = 20, rng: RandomSource
) -> tuple[ReluNetwork, Array]:
    """Points that no function can interpolate with fewer changes of convexity than asked for, but one with so many can.

    The slopes between neighbouring points rise or fall in runs: n − 2 changes of slope whose signs switch
    `convexity_changes` times.

    Parameters
    ----------
    n : int
        Number of points, at least 3 + convexity_changes (2 suffice for none).
    convexity_changes : int
    width : int, optional
        Of the network, at least n − 2, which is what theta_true needs.
    rng : numpy.random.Generator or seed

    Returns
    -------
    setting : ReluNetwork
        x ascending in [-1, 1], no two closer than a quarter of the mean spacing.
    theta_true : (3 width + 2,) array
        The piecewise linear interpolant with its kinks at the inner points, each neuron balanced to |a| = |c|.
    """
    convexity_changes = count("convexity_changes", convexity_changes, least=0)
    n = count("n", n, least=max(2, 3 + convexity_changes) if convexity_changes else 2)
    width = count("width", width, least=max(1, n - 2))
    rng = generator(rng)
    gaps = 1 + 3 * rng.dirichlet(np.ones(n - 1)) * (n - 1)
    x = np.concatenate([[0.0], np.cumsum(gaps)])
    x = 2 * x / x[-1] - 1
    bends = n - 2
    switches = np.sort(rng.choice(np.arange(1, bends), size=convexity_changes, replace=False)) if bends > 1 else []
    signs = rng.choice([-1.0, 1.0]) * (-1.0) ** np.searchsorted(switches, np.arange(bends), side="right")
    slope_changes = signs * rng.uniform(1.0, 2.0, size=bends)
    alpha, beta = rng.normal(size=2)
    y = alpha * x + beta + np.maximum(x[:, None] - x[1:-1], 0) @ slope_changes
    setting = ReluNetwork(x, y, width)
    a, b, c = np.zeros((3, width))
    a[:bends] = np.sqrt(np.abs(slope_changes))
    b[:bends] = -a[:bends] * x[1:-1]
    c[:bends] = slope_changes / np.where(a[:bends] > 0, a[:bends], 1)
    return setting, setting.pack(a=a, b=b, c=c, alpha=alpha, beta=beta)


def _predict(theta, x, *, parts):
    p = split(theta, parts)
    return np.sum(p["c"] * relu(p["a"] * x[..., None] + p["b"]), axis=-1) + p["alpha"] * x + p["beta"]
