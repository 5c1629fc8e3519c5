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
