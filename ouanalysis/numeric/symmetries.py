"""Directions at θ in which neither h nor reg changes: continuous symmetries, and parameters that h does not see.

Source: theory.md, section 3; every setting's own generators.
"""

from functools import singledispatch
from itertools import combinations

import numpy as np

from ..settings import MatrixSensing, ReluNetwork, SigmoidNetwork
from .kinks import active

__all__ = ["symmetry_directions", "unseen_directions"]


@singledispatch
def symmetry_directions(setting, _theta):
    """Generators (k, p) of the symmetries of h and reg at theta; none are known of a Setting of the user's own."""
    return np.zeros((0, setting.dim))


@symmetry_directions.register
def _(setting: MatrixSensing, theta):
    """U → UQ, Q a rotation."""
    factor = setting.unpack(theta)["U"]
    directions = []
    for j, k in combinations(range(setting.rank), 2):
        turned = np.zeros_like(factor)
        turned[:, j], turned[:, k] = -factor[:, k], factor[:, j]
        directions.append(turned.ravel())
    return np.array(directions).reshape(-1, setting.dim)


@symmetry_directions.register
def _(setting: ReluNetwork, theta):
    """Neurons active on the same data rotate into each other: h sees Σ c(a, b), reg the Gram matrix of (a, b, c)."""
    part, pattern = setting.unpack(theta), active(setting, theta)
    directions = []
    for j, k in combinations(range(setting.width), 2):
        if pattern[:, j].any() and np.array_equal(pattern[:, j], pattern[:, k]):
            turned = {name: np.zeros_like(array) for name, array in part.items()}
            for name in "abc":
                turned[name][[j, k]] = -part[name][k], part[name][j]
            directions.append(setting.pack(**turned))
    return np.array(directions).reshape(-1, setting.dim)


@singledispatch
def unseen_directions(setting, _theta):
    """Directions (k, p) of parameters that no datum's prediction depends on; none are known of a user's own Setting."""
    return np.zeros((0, setting.dim))


@unseen_directions.register
def _(setting: MatrixSensing, _theta):
    """u in a row of U where S_i u = 0 for every sensor."""
    symmetric = (setting.x + np.swapaxes(setting.x, -1, -2)).reshape(-1, setting.d)
    return np.kron(_null_space(symmetric), np.eye(setting.rank))


@unseen_directions.register
def _(setting: ReluNetwork, theta):
    """A neuron active on no datum, and the part of (a, b) that a neuron active on one datum x does not see: (1, −x)."""
    pattern = active(setting, theta)
    none = dict.fromkeys("abc", np.zeros(setting.width)) | {"alpha": 0.0, "beta": 0.0}
    directions = []
    for j, seen in enumerate(pattern.T):
        unit = np.eye(setting.width)[j]
        if not seen.any():
            directions += [setting.pack(**none | {name: unit}) for name in "abc"]
        elif seen.sum() == 1:
            directions.append(setting.pack(**none | {"a": unit, "b": -setting.x[seen] * unit}))
    return np.array(directions).reshape(-1, setting.dim)


@unseen_directions.register
def _(setting: SigmoidNetwork, _theta):
    """Each neuron's w along directions normal to every datum."""
    normal = _null_space(setting.x)
    directions = np.zeros((setting.width, len(normal), setting.dim))
    for j in range(setting.width):
        start = setting.width + j * setting.d
        directions[j, :, start : start + setting.d] = normal
    return directions.reshape(-1, setting.dim)


def _null_space(matrix):
    """Orthonormal rows v with matrix v = 0."""
    _, singular, rows = np.linalg.svd(matrix)
    return rows[np.sum(singular > max(matrix.shape) * np.finfo(float).eps * np.max(singular)) :]
