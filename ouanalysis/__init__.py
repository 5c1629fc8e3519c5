"""ouanalysis: label-noise SGD near zero training error.

A *Setting* is a model and the data it interpolates; everything else is a function of (setting, theta, ...).

Source: Blanc, Gupta, Valiant & Valiant, *Implicit regularization for deep neural networks driven by an
Ornstein-Uhlenbeck like process*, COLT 2020 (arXiv:1904.09080).
"""

import os
from importlib import import_module

__version__ = "0.1.0"

# In a checkout the arguments stand beside the package, where setup.cfg takes them from, not inside it.
_here = os.path.dirname(__file__)
if os.path.isfile(os.path.join(os.path.dirname(_here), "derivations", "derivation.py")):
    __path__.append(os.path.dirname(_here))

# Each public name and the room it comes from: loaded when first used, so that importing the package is fast.
_ROOMS = {
    "settings": (
        "MatrixSensing",
        "QuadraticParametrisation",
        "ReluNetwork",
        "Setting",
        "SigmoidNetwork",
        "planted_matrix_sensing",
        "planted_quadratic_parametrisation",
        "planted_relu_network",
        "planted_sigmoid_network",
    ),
    "numeric": (
        "Flow",
        "InterpolationError",
        "LinearizedSGD",
        "LocalOU",
        "Sampling",
        "Stability",
        "flow_time",
        "gram",
        "interpolate",
        "jacobian",
        "kink_distance",
        "linearized_sgd",
        "local_ou",
        "loss",
        "max_stable_lr",
        "regularized_flow",
        "regularizer",
        "regularizer_gradient",
        "stability",
        "step_size",
        "tangent_drift",
    ),
    "minima": (
        "Certificate",
        "Minimum",
        "PiecewiseLinear",
        "attaining_network",
        "balanced",
        "certify",
        "function_regularizer",
        "kink_cost",
        "minimum",
        "network_function",
    ),
    "simulate": ("Trajectory", "label_noise_sde", "label_noise_sgd", "ornstein_uhlenbeck"),
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names}
_MODULES = ("activations", "derivations", "experiments", "figures", "minima", "symbolic")

__all__ = sorted([*_ROOM_OF, *_MODULES])


def __getattr__(name):
    if name in _ROOM_OF:
        return getattr(import_module(f".{_ROOM_OF[name]}", __name__), name)
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
