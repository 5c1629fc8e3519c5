"""Where the regularizer is least among parameters of zero error, one file a setting, and the proof of it.

What is known of a setting stands in the file of its name, as two functions of it:

    minimum(setting) -> Minimum     the least reg at its own labels, and parameters that attain it; raises where none do
    prepare(setting) -> solve       all that does not depend on the predictions, once
    solve(predictions) -> LeastRegularizer      v(f) and its lower bound for finite predictions f (n,), as often as
                                                asked; what it finds does not depend on what it was asked before

A file that knows nothing better for some of its settings than a local search returns None from both for these, and
`ouanalysis.minimum` and `certify` search, as they do where there is no file. `solve` does not raise where rounding
leaves it without an answer: its value is then infinite, and its bound 0.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from .certificate import Certificate, certify
from .kink_costs import balanced, function_regularizer, kink_cost
from .least_regularizer import minimum
from .matrix_sensing import MatrixSensingMinimum
from .minimum_result import LeastRegularizer, Minimum
from .piecewise_linear import PiecewiseLinear, network_function
from .quadratic_parametrisation import QuadraticMinimum
from .relu_network import ReluMinimum, attaining_network
from .search import LocalMinimum, local_search
from .sigmoid_network import SigmoidMinimum
from .stationary_networks import StationaryNetwork

__all__ = [
    "Certificate",
    "LeastRegularizer",
    "LocalMinimum",
    "MatrixSensingMinimum",
    "Minimum",
    "PiecewiseLinear",
    "QuadraticMinimum",
    "ReluMinimum",
    "Roots",
    "SigmoidMinimum",
    "StationaryNetwork",
    "attaining_network",
    "balanced",
    "certify",
    "function_regularizer",
    "kink_cost",
    "local_search",
    "minimum",
    "network_function",
    "real_roots",
    "stationary_preactivations",
]

if TYPE_CHECKING:
    from .certified_roots import Roots, real_roots
    from .stationary_roots import stationary_preactivations
else:
    # What needs SymPy is loaded when first used.
    _MODULE_OF = {
        "Roots": "certified_roots",
        "real_roots": "certified_roots",
        "stationary_preactivations": "stationary_roots",
    }

    def __getattr__(name):
        if name in _MODULE_OF:
            return getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
