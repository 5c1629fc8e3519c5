import autograd.numpy as anp
from hypothesis import strategies as st

import ouanalysis as ou

from .drawn_numbers import numbers


@st.composite
def settings(draw):
    n, d = draw(st.integers(1, 3)), draw(st.integers(1, 4))
    return ou.QuadraticParametrisation(draw(numbers((n, d))), draw(numbers(n)))


CASES = {"planted": ou.planted_quadratic_parametrisation(6, 3, 2, rng=0)[0]}


def regression(theta, x):
    d = x.shape[-1]
    u, v = theta[..., :d], theta[..., d:]
    return anp.sum((u - v) * (u + v) * x, axis=-1)


def written_out(_setting):
    return regression
