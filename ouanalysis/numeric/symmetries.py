"""Directions at θ in which neither h nor reg changes: continuous symmetries, and parameters that h does not see.

Source: theory.md, section 3; every setting's own generators.
"""

from functools import singledispatch

import numpy as np

from ..settings import MatrixSensing, ReluNetwork, SigmoidNetwork
from .kinks import preactivations

__all__ = ["symmetry_directions", "unseen_directions"]


@singledispatch
def symmetry_directions(setting, _theta):
    """Generators (k, p) of the symmetries of h and reg at theta; none are known of a Setting of the user's own."""
    return np.zeros((0, setting.dim))


@symmetry_directions.register
def _(setting: MatrixSensing, theta):
    """U → UQ, Q a rotation."""
    return _rotations(setting.unpack(theta)["U"]).reshape(-1, setting.dim)


@symmetry_directions.register
def _(setting: ReluNetwork, theta):
    """Neurons active on the same data rotate into each other: h sees Σ c(a, b), reg the Gram matrix of (a, b, c)."""
    neurons, pattern = theta[: 3 * setting.width].reshape(3, -1), preactivations(setting, theta) > 0
    _, group = np.unique(pattern, axis=1, return_inverse=True)
    directions = []
    for k in range(np.max(group) + 1):
        alike = group.ravel() == k
        if pattern[:, alike].any():
            turned = _rotations(neurons[:, alike])
            full = np.zeros((len(turned), setting.dim))
            full[:, : 3 * setting.width].reshape(-1, 3, setting.width)[:, :, alike] = turned
            directions.append(full)
    return np.concatenate(directions) if directions else np.zeros((0, setting.dim))


def _rotations(factor):
    """Generators of F → FQ for F (d, r), mutually orthogonal: s_i u_i v_jᵀ − s_j u_j v_iᵀ of F = Σ s_i u_i v_iᵀ."""
    left, singular, right = np.linalg.svd(factor)
    rank = np.count_nonzero(singular > max(factor.shape) * np.finfo(float).eps * np.max(singular))
    scaled = np.zeros((factor.shape[1], factor.shape[0]))
    scaled[:rank] = singular[:rank, None] * left.T[:rank]
    pairs = [(i, j) for i in range(rank) for j in range(i + 1, factor.shape[1])]
    turned = [np.outer(scaled[i], right[j]) - np.outer(scaled[j], right[i]) for i, j in pairs]
    return np.array(turned).reshape(-1, *factor.shape)


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
    """A neuron active on no datum, and (1, −x) of the slope and intercept of anything active on a single datum x."""
    pattern = preactivations(setting, theta) > 0
    none = dict.fromkeys("abc", np.zeros(setting.width)) | {"alpha": 0.0, "beta": 0.0}
    directions = []
    for j, seen in enumerate(pattern.T):
        unit = np.eye(setting.width)[j]
        if not seen.any():
            directions += [setting.pack(**none | {name: unit}) for name in "abc"]
        elif seen.sum() == 1:
            directions.append(setting.pack(**none | {"a": unit, "b": -setting.x[seen] * unit}))
    if setting.n == 1:
        directions.append(setting.pack(**none | {"alpha": 1.0, "beta": -setting.x[0]}))
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
