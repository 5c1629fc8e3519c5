"""The one call for the least regularizer of a setting."""

from functools import singledispatch

from ..settings import MatrixSensing, ReluNetwork, SigmoidNetwork
from . import matrix_sensing, relu_network, sigmoid_network
from .local_search import local_search

__all__ = ["minimum"]


@singledispatch
def minimum(setting):
    """The least regularizer over the parameters of zero error, and parameters that attain it.

    MatrixSensing: over any rank, by a semidefinite program. ReluNetwork: over any width, by a second-order cone
    program. SigmoidNetwork on one datum, tanh or logistic: in closed form. Any other Setting: the best end of gradient
    flows from some starts (`ouanalysis.minima.local_search`, which takes their number and seed), without a certificate.

    Parameters
    ----------
    setting : Setting

    Returns
    -------
    Minimum
        With what is special to its kind: `MatrixSensingMinimum`, `ReluMinimum`, `SigmoidMinimum`, `LocalMinimum`.

    Raises
    ------
    ValueError
        If no parameters fit the data; for a sigmoid network on the datum 0.
    ArithmeticError
        If the solver fails.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> least = minimum(ou.ReluNetwork([0, 1, 2, 3, 4], [1, 1, 1, 0, -1], width=2))
    >>> least
    ReluMinimum(8.5491933 over any width, gap ..., residual ..., 1 kinks, 1 on data, 0 changes of convexity)
    >>> least.function.kinks, least.function.slopes
    (array([2.]), array([ 0., -1.]))
    """
    return local_search(setting)


minimum.register(MatrixSensing, matrix_sensing.minimum)
minimum.register(ReluNetwork, relu_network.minimum)
minimum.register(SigmoidNetwork, sigmoid_network.minimum)
