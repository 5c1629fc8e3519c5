"""Where the regularizer is least among parameters of zero error, one file a setting, and the proof of it."""

from .certificate import Certificate, certify
from .certified_roots import Roots, real_roots
from .kink_costs import balanced, function_regularizer, kink_cost
from .local_search import LocalMinimum, local_search
from .matrix_sensing import MatrixSensingMinimum
from .minimum import minimum
from .minimum_result import Minimum
from .piecewise_linear import PiecewiseLinear, network_function
from .relu_network import ReluMinimum, attaining_network
from .sigmoid_network import SigmoidMinimum, StationaryNetwork, stationary_preactivations

__all__ = [
    "Certificate",
    "LocalMinimum",
    "MatrixSensingMinimum",
    "Minimum",
    "PiecewiseLinear",
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
