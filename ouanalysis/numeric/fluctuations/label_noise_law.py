"""The law of the noise on the labels: what it may be, and a draw from it.

Source: theory.md, sections 1 and 6, "Other noises".
"""

from collections.abc import Callable
from typing import Literal, TypeVar

import numpy as np

from ...arguments import Array, Reals, real_array

__all__ = ["LabelNoiseLaw", "check_label_noise_law", "draw_label_noise"]

Size = TypeVar("Size", bound=tuple[int, ...])
LabelNoiseLaw = Literal["gaussian", "rademacher"] | Callable[[np.random.Generator, Size], Reals]


def check_label_noise_law(law: LabelNoiseLaw[Size]) -> LabelNoiseLaw[Size]:
    """The law as it is; a ValueError if it is none."""
    if not callable(law) and not (isinstance(law, str) and law in ("gaussian", "rademacher")):
        raise ValueError(f'noise: expected "gaussian", "rademacher" or a function (rng, size), got {law!r}')
    return law


def draw_label_noise(
    law: LabelNoiseLaw[Size],
    rng: np.random.Generator,
    size: Size,
    *,
    fill: Callable[[np.random.Generator, Array], object] | None = None,
) -> Array:
    """Symmetric noise of unit variance: "gaussian", "rademacher" (±1), or law(rng, size).

    ``fill(rng, out)`` is what draws the same numbers as `rng.standard_normal`, faster.

    Examples
    --------
    >>> draw_label_noise("rademacher", np.random.default_rng(0), (2, 3))
    array([[ 1.,  1.,  1.],
           [-1., -1., -1.]])
    """
    if callable(law):
        return real_array("noise", law(rng, size), shape=size)
    if law == "gaussian":
        if fill is None:
            return rng.standard_normal(size)
        noise = np.empty(size)
        fill(rng, noise)
        return noise
    return np.subtract(2.0 * rng.integers(0, 2, size=size, dtype=np.int64), 1.0, dtype=np.float64)
