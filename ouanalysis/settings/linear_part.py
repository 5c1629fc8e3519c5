"""In which parameters a model is linear, found from its values alone."""

import numpy as np

__all__ = ["linear_part"]

FAR = np.array([1.0, -1e3, 1e6])  # moves, in parameters of size 1, of which some should cross any kink


def linear_part(setting):
    """Indices of parameters in which h is linear together, at two random θ; a parameter that clashes with an earlier
    one is left out, and so are those that h does not depend on.
    """
    rng = np.random.default_rng(0)
    theta = rng.standard_normal((2, setting.dim))
    with np.errstate(all="ignore"):
        alone = [k for k in range(setting.dim) if _straight(setting, theta, np.zeros(setting.dim), k)]
        chosen = np.zeros(setting.dim)
        for k in alone:
            if _straight(setting, theta, chosen, k):
                chosen[k] = rng.standard_normal()
    return np.flatnonzero(chosen)


def _straight(setting, theta, chosen, k):
    """Whether h moves by the same along θ_k from θ and from θ + (what was chosen), and in proportion."""
    bases = np.stack([theta, theta + chosen])
    rows = np.repeat(bases[None], 1 + len(FAR), axis=0)
    rows[1:, ..., k] += FAR[:, None, None]
    values = setting.h(rows[..., None, :], setting.x)
    far = FAR[:, None, None, None]
    moves = (values[1:] - values[0]) / far
    rounding = 1e-12 * (np.abs(values[1:]) + np.abs(values[0])) / np.abs(far)
    alike = np.abs(moves - moves[0, :1]) <= 1e-9 * np.abs(moves[0, :1]) + rounding
    return bool(np.all(alike) and np.any(np.abs(moves[0]) > rounding[0]))
