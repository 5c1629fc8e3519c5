"""Random settings and parameters for Hypothesis: the numbers themselves are drawn, not seeds."""

import numpy as np
import sympy
from hypothesis import assume
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import ouanalysis as ou

ACTIVATIONS = ("tanh", "logistic", sympy.sin(sympy.Symbol("t")) + sympy.Symbol("t") / 2)


def numbers(shape, bound=2.0):
    """Arrays of floats in [-bound, bound] with at most five binary places, so that no draw is near a rounding limit."""
    return arrays(np.int64, shape, elements=st.integers(-int(32 * bound), int(32 * bound))).map(lambda a: a / 32)


@st.composite
def matrix_sensing(draw):
    d = draw(st.integers(1, 3))
    n = draw(st.integers(1, 4))
    return ou.MatrixSensing(draw(numbers((n, d, d))), draw(numbers(n)), draw(st.integers(1, d)))


@st.composite
def relu_networks(draw):
    x = draw(st.lists(st.integers(-64, 64), min_size=1, max_size=5, unique=True))
    return ou.ReluNetwork(np.array(x) / 32, draw(numbers(len(x))), draw(st.integers(1, 4)))


@st.composite
def sigmoid_networks(draw):
    n, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return ou.SigmoidNetwork(
        draw(numbers((n, d))), draw(numbers(n)), draw(st.integers(1, 3)), draw(st.sampled_from(ACTIVATIONS))
    )


any_setting = st.one_of(matrix_sensing(), relu_networks(), sigmoid_networks())


@st.composite
def settings_with_theta(draw, settings=any_setting, rows=None):
    """A setting and theta (p,), or (rows, p); no ReLU kink within 1/1000 of a datum."""
    setting = draw(settings)
    theta = draw(numbers(setting.dim if rows is None else (rows, setting.dim)))
    if isinstance(setting, ou.ReluNetwork):
        part = setting.unpack(theta)
        assume(np.min(np.abs(part["a"][..., None] * setting.x + part["b"][..., None])) > 1e-3)
    return setting, theta
