import autograd.numpy as anp
import numpy as np
from hypothesis import strategies as st

import ouanalysis as ou

from .drawn_numbers import numbers


@st.composite
def settings(draw):
    d = draw(st.integers(1, 3))
    n = draw(st.integers(1, 4))
    return ou.MatrixSensing(draw(numbers((n, d, d))), draw(numbers(n)), draw(st.integers(1, d)))


CASES = {
    "planted": ou.planted_matrix_sensing(4, 1, 6, rng=0)[0],
    "low rank": ou.MatrixSensing(np.random.default_rng(1).normal(size=(5, 4, 4)) / 2, np.ones(5), 2),
}


def sensing(theta, sensor):
    d = sensor.shape[-1]
    factor = anp.reshape(theta, (*theta.shape[:-1], d, -1))
    return anp.einsum("...ij,...ik,...jk->...", sensor, factor, factor)


def written_out(_setting):
    return sensing
