import autograd.numpy as anp
import numpy as np
from hypothesis import strategies as st

import ouanalysis as ou

from .drawn_numbers import numbers


@st.composite
def settings(draw):
    x = draw(st.lists(st.integers(-64, 64), min_size=1, max_size=5, unique=True))
    return ou.ReluNetwork(np.array(x) / 32, draw(numbers(len(x))), draw(st.integers(1, 4)))


CASES = {"four data": ou.ReluNetwork([-1.0, -0.3, 0.4, 1.0], [0.3, -0.2, 0.1, 0.5], 8)}


def relu_network(theta, x):
    width = (theta.shape[-1] - 2) // 3
    a, b, c = theta[..., :width], theta[..., width : 2 * width], theta[..., 2 * width : 3 * width]
    hidden = ou.activations.relu(a * x[..., None] + b)
    return anp.sum(c * hidden, axis=-1) + theta[..., 3 * width] * x + theta[..., 3 * width + 1]


def written_out(_setting):
    return relu_network
