"""The network behind the sliders, as the few numbers that its exact law needs: K, and what a fluctuation drifts by.

Written to small_network.json, which the page computes from:

    python -m ouanalysis.report.interactive.small_network

Source: theory.md, sections 2 and 3.
"""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ...arguments import Array
from ...numeric import linearized_sgd, max_stable_lr, regularizer, regularizer_gradient
from ...numeric.fluctuations.mean_displacement import mean_displacement
from ...numeric.fluctuations.sampling import BatchSize
from ...numeric.zero_error_set.row_space import RowSpace, row_space
from ...settings import Setting, planted_sigmoid_network

__all__ = ["BATCHES", "WRITTEN", "planted", "small_network"]

BATCHES: tuple[BatchSize, ...] = (1, 2, 4, 6, "full")
WRITTEN = Path(__file__).with_name("small_network.json")
DIGITS = 13  # the page's law is good to about 1e-10 next to the stability limit


def planted() -> tuple[Setting, Array]:
    """A tanh network of four neurons through six data in R³: 16 parameters, 10 directions along the zero-error set."""
    return planted_sigmoid_network(6, 3, 4, rng=2)


def small_network() -> dict[str, Any]:
    """What small_network.json says.

    Returns
    -------
    dict
        n, p; reg; gram (n, n); squares (n,) and modes (n, n), K's eigenvalues, descending, and eigenvectors, as rows;
        pull, ‖N∇reg‖; drift (p − n, n, n), symmetric D_a with η ⟨D_a, Z⟩ the drift a step along the a-th of p − n
        orthonormal tangents, the first along N∇reg, for variances and covariances Z of the fluctuation along the
        eigenvectors of H; batches, and the limit of each.
    """
    setting, theta = planted()
    law = linearized_sgd(setting, theta, lr=1e-3, noise_std=1.0)
    space = _with_signs(row_space(setting, theta))
    downhill = space.tangent(regularizer_gradient(setting, theta))
    drift = _drift(setting, theta, space, _tangents(space.basis, downhill))
    numbers = {
        "n": setting.n,
        "p": setting.dim,
        "reg": float(regularizer(setting, theta)),
        "gram": law.gram,
        "squares": space.squares,
        "modes": space.modes.T,
        "pull": float(np.linalg.norm(downhill)),
        "drift": drift,
        "batches": list(BATCHES),
        "limits": [max_stable_lr(setting, theta, batch_size=batch) for batch in BATCHES],
    }
    return {name: _to_digits(value) for name, value in numbers.items()}


def _with_signs(space: RowSpace) -> RowSpace:
    """The same, the largest entry of each mode positive: an eigenvector's sign is no one's."""
    modes = space.modes
    signs = np.sign(modes[np.argmax(np.abs(modes), axis=0), np.arange(space.rank)])
    return replace(space, modes=modes * signs, basis=space.basis * signs)


def _tangents(basis, first):
    """Orthonormal directions along the zero-error set, (p, p − n): the one given, then axes in turn made normal to it.

    By Gram and Schmidt, as a null space comes in whatever rotation a machine's LAPACK leaves it.
    """
    p, rank = basis.shape
    directions, triangle = np.linalg.qr(np.column_stack([basis, first, np.eye(p)]))
    return (directions * np.sign(np.diag(triangle)))[:, rank:]


def _drift(setting: Setting, theta: Array, space: RowSpace, tangents: Array) -> Array:
    """D (p − n, n, n): the displacement by each entry of Z, whose other triangle says the same."""
    n = space.rank
    drift = np.zeros((tangents.shape[1], n, n))
    for i, j in np.ndindex(n, n):
        moments = np.zeros((n, n))
        moments[i, j] += 0.5
        moments[j, i] += 0.5
        drift[:, i, j] = tangents.T @ mean_displacement(setting, theta, space, moments)
    return drift


def _to_digits(value):
    """The value as JSON holds it, to DIGITS significant digits."""
    if isinstance(value, np.ndarray | list):
        return [_to_digits(entry) for entry in value]
    return float(f"{value:.{DIGITS}g}") if isinstance(value, float) else value


def _main() -> None:
    text = json.dumps(small_network(), indent=1)
    WRITTEN.write_text(re.sub(r"\[[^\[\]]*\]", lambda row: " ".join(row.group().split()), text) + "\n")


if __name__ == "__main__":
    _main()
