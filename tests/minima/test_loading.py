"""What finding a least regularizer loads: no SymPy and no FLINT but for the roots of an activation of one's own."""

import subprocess
import sys

import pytest

SETTINGS = {
    "MatrixSensing": "ou.planted_matrix_sensing(3, 1, 4, rng=0)",
    "ReluNetwork": "ou.planted_relu_network(4, 1, width=3, rng=0)",
    "Setting": "ou.Setting(product, [1.0], [2.0], dim=2), [1.0, 2.0]",
    "tanh": "ou.planted_sigmoid_network(1, 2, 2, rng=0)",
    "logistic": 'ou.planted_sigmoid_network(1, 2, 2, activation="logistic", rng=0)',
    "two data": "ou.planted_sigmoid_network(2, 2, 2, rng=0)",
}
SCRIPT = """
import sys
import ouanalysis as ou
def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x
setting, theta = {}
repr(ou.minimum(setting)), repr(ou.certify(setting, theta))
print(*sorted(set(sys.modules) & {{"sympy", "flint", "numba", "matplotlib"}}))
"""


@pytest.mark.parametrize("made", SETTINGS.values(), ids=SETTINGS)
def test_the_least_regularizer_needs_no_symbolic_mathematics(made):
    command = [sys.executable, "-c", SCRIPT.format(made)]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "\n"
