"""What SymPy derives and what the paper states: each in its own file, so that either can check the other.

`trace` follows a setting's own h; `regularizer` gives the closed form typed from the paper; `ou` the local process.
"""

from . import matrix_sensing, ou, quadratic_parametrisation, relu_network, sigmoid_network
from .closed_form import ClosedForm
from .closed_regularizer import regularizer
from .compiling import compile
from .tracing import Trace, trace

__all__ = [
    "ClosedForm",
    "Trace",
    "compile",
    "matrix_sensing",
    "ou",
    "quadratic_parametrisation",
    "regularizer",
    "relu_network",
    "sigmoid_network",
    "trace",
]
