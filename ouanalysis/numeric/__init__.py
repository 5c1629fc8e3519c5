"""What holds at a θ: derivatives, the zero-error set, the local process, its drift, the flow and stability."""

from .derivatives import gram, jacobian, loss, regularizer, regularizer_gradient
from .drift import tangent_drift
from .flow import regularized_flow
from .flow_path import Flow
from .flow_time import flow_time
from .kinks import kink_distance
from .manifold import InterpolationError, interpolate
from .ou import LocalOU, local_ou
from .stability import Stability, stability
from .stability_limit import max_stable_lr

__all__ = [
    "Flow",
    "InterpolationError",
    "LocalOU",
    "Stability",
    "flow_time",
    "gram",
    "interpolate",
    "jacobian",
    "kink_distance",
    "local_ou",
    "loss",
    "max_stable_lr",
    "regularized_flow",
    "regularizer",
    "regularizer_gradient",
    "stability",
    "tangent_drift",
]
