"""In which parameters a model is linear, found from its values alone."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .setting import Setting

__all__ = ["FEW", "linear_part"]

FEW = 1000  # parameters up to which another library's h is evaluated for each
FAR = np.array([1.0, -1e3, 1e6])  # moves, in parameters of size 1, of which some should cross any kink
FLOATS = 1 << 20  # in the parameters of one evaluation


def linear_part(setting: "Setting") -> NDArray[np.intp]:
    """Indices of parameters in which h is linear together; of those that clash (a and b in h = ab) the first ones."""
    rng = np.random.default_rng(0)
    theta, moves = rng.standard_normal((2, 2, setting.dim))
    block = max(1, FLOATS // (2 * len(FAR) * setting.rows * setting.dim))
    units = np.eye(setting.dim)
    with np.errstate(all="ignore"):
        straight = [_straight(setting, theta, units[k : k + block]) for k in range(0, setting.dim, block)]
        alone = np.flatnonzero(np.concatenate(straight))
        if _straight(setting, theta, _only(moves[0], alone)).all():
            return alone
        chosen: list = []
        for k in alone:
            if _straight(setting, theta, _only(moves[0], [*chosen, k])).all():
                chosen.append(k)
    return np.array(chosen, dtype=int)


def _only(move, entries):
    kept = np.zeros((1, len(move)))
    kept[0, entries] = move[entries]
    return kept


def _straight(setting, theta, directions):
    """Whether h is linear along each of the directions (k, p) from the random θ (2, p), (k,) bools."""
    still = _by_row(setting, theta)
    far = FAR[:, None, None]
    moved = _by_row(setting, theta + (far * directions[:, None, None, :]))
    slopes = (moved - still) / far
    rounding = 1e-12 * (np.abs(moved) + np.abs(still)) / np.abs(far)
    alike = np.abs(slopes - slopes[:, :1]) <= 1e-9 * np.abs(slopes[:, :1]) + rounding
    return np.all(alike, axis=(1, 2, 3))


def _by_row(setting, theta):
    return setting.predictions(theta).reshape(*theta.shape[:-1], setting.rows)
