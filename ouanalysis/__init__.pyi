"""The public names, as type checkers and editors read them, and as `__init__.py` loads them when first used."""

from . import activations as activations
from . import derivations as derivations  # type: ignore[attr-defined]  # in a checkout it stands beside the package
from . import experiments as experiments
from . import figures as figures
from . import minima as minima
from . import symbolic as symbolic
from .minima import Certificate as Certificate
from .minima import Minimum as Minimum
from .minima import PiecewiseLinear as PiecewiseLinear
from .minima import attaining_network as attaining_network
from .minima import balanced as balanced
from .minima import certify as certify
from .minima import function_regularizer as function_regularizer
from .minima import kink_cost as kink_cost
from .minima import minimum as minimum
from .minima import network_function as network_function
from .numeric import Flow as Flow
from .numeric import InterpolationError as InterpolationError
from .numeric import LinearizedSGD as LinearizedSGD
from .numeric import LocalOU as LocalOU
from .numeric import Sampling as Sampling
from .numeric import Stability as Stability
from .numeric import flow_time as flow_time
from .numeric import gram as gram
from .numeric import interpolate as interpolate
from .numeric import jacobian as jacobian
from .numeric import kink_distance as kink_distance
from .numeric import linearized_sgd as linearized_sgd
from .numeric import local_ou as local_ou
from .numeric import loss as loss
from .numeric import max_stable_lr as max_stable_lr
from .numeric import regularized_flow as regularized_flow
from .numeric import regularizer as regularizer
from .numeric import regularizer_gradient as regularizer_gradient
from .numeric import stability as stability
from .numeric import step_size as step_size
from .numeric import tangent_drift as tangent_drift
from .settings import MatrixSensing as MatrixSensing
from .settings import QuadraticParametrisation as QuadraticParametrisation
from .settings import ReluNetwork as ReluNetwork
from .settings import Setting as Setting
from .settings import SigmoidNetwork as SigmoidNetwork
from .settings import planted_matrix_sensing as planted_matrix_sensing
from .settings import planted_quadratic_parametrisation as planted_quadratic_parametrisation
from .settings import planted_relu_network as planted_relu_network
from .settings import planted_sigmoid_network as planted_sigmoid_network
from .simulate import Averages as Averages
from .simulate import Averaging as Averaging
from .simulate import Trajectory as Trajectory
from .simulate import label_noise_sde as label_noise_sde
from .simulate import label_noise_sgd as label_noise_sgd
from .simulate import ornstein_uhlenbeck as ornstein_uhlenbeck
from .simulate import resume as resume

__version__: str
