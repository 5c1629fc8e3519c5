"""The one call for a setting's closed-form regularizer."""

from functools import singledispatch

from ..settings import MatrixSensing, ReluNetwork, SigmoidNetwork
from . import matrix_sensing, relu_network, sigmoid_network
from .closed_form import ClosedForm
from .trace import trace

__all__ = ["regularizer"]


@singledispatch
def regularizer(setting):
    """reg(θ) = (1/n) Σ_i ‖∇_θ h_i‖² in closed form.

    For the three settings it is typed from the paper, for all sizes; for any other Setting it is traced from h.

    Returns
    -------
    ClosedForm

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.SigmoidNetwork([[3.0]], [0.5], width=1)
    >>> ou.symbolic.regularizer(setting).expr
    9*c_0**2*(1 - tanh(3*W_0_0)**2)**2 + tanh(3*W_0_0)**2
    """
    return ClosedForm(trace(setting).regularizer, setting.parts, {})


regularizer.register(MatrixSensing, matrix_sensing.regularizer)
regularizer.register(ReluNetwork, relu_network.regularizer)
regularizer.register(SigmoidNetwork, sigmoid_network.regularizer)
