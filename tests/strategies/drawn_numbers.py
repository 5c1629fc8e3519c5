"""Arrays of numbers that are easy on rounding."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def numbers(shape, bound=2.0):
    """Arrays of floats in [-bound, bound] with at most five binary places, so that no draw is near a rounding limit."""
    return arrays(np.int64, shape, elements=st.integers(-int(32 * bound), int(32 * bound))).map(lambda a: a / 32)
