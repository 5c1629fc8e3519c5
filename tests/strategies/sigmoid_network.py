import autograd.numpy as anp
import sympy
from hypothesis import strategies as st

import ouanalysis as ou

from .drawn_numbers import numbers

T = sympy.Symbol("t")
ACTIVATIONS = ("tanh", "logistic", sympy.sin(T) + T / 2)


@st.composite
def settings(draw):
    n, d = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    return ou.SigmoidNetwork(
        draw(numbers((n, d))), draw(numbers(n)), draw(st.integers(1, 3)), draw(st.sampled_from(ACTIVATIONS))
    )


CASES = {
    name: ou.planted_sigmoid_network(3, 2, 4, rng=0, activation=activation)[0]
    for name, activation in {
        "tanh": "tanh",
        "expression": sympy.erf(T) / 2 + sympy.sin(T),
        "softsign": T / (1 + sympy.Abs(T)),
        "logistic": "logistic",
    }.items()
}


def sigmoid_network(theta, x, phi):
    d = x.shape[-1]
    width = theta.shape[-1] // (d + 1)
    W = anp.reshape(theta[..., width:], (*theta.shape[:-1], width, d))
    return anp.sum(theta[..., :width] * phi(anp.sum(W * x[..., None, :], axis=-1)), axis=-1)


def tanh_network(theta, x):
    return sigmoid_network(theta, x, anp.tanh)


def logistic_network(theta, x):
    return sigmoid_network(theta, x, lambda z: 0.5 + 0.5 * anp.tanh(z / 2))


def written_out(setting):
    return {"tanh": tanh_network, "logistic": logistic_network}.get(setting.activation.name)
