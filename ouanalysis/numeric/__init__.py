"""What holds at a θ: derivatives, the zero-error set, the local process, its drift, the flow and stability."""

from .fluctuations.linearized_sgd import LinearizedSGD, linearized_sgd
from .fluctuations.local_ou import LocalOU, local_ou
from .fluctuations.sampling import Sampling
from .fluctuations.stability_limit import max_stable_lr
from .fluctuations.step_size import step_size
from .fluctuations.tangent_drift import tangent_drift
from .long_time.flow_path import Flow
from .long_time.flow_time import flow_time
from .long_time.regularized_flow import regularized_flow
from .long_time.stability import Stability, stability
from .zero_error_set.derivatives import gram, jacobian, loss, regularizer, regularizer_gradient
from .zero_error_set.interpolate import InterpolationError, interpolate
from .zero_error_set.kinks import kink_distance

__all__ = [
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
]
