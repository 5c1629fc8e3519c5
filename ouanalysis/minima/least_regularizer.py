"""The one call for the least regularizer of a setting."""

from typing import overload

from ..settings import MatrixSensing, QuadraticParametrisation, ReluNetwork, Setting, SigmoidNetwork
from ..settings.by_file_name import module_in
from .matrix_sensing import MatrixSensingMinimum
from .minimum_result import Minimum
from .quadratic_parametrisation import QuadraticMinimum
from .relu_network import ReluMinimum
from .search import LocalMinimum, local_search
from .sigmoid_network import SigmoidMinimum

__all__ = ["minimum"]


@overload
def minimum(setting: MatrixSensing, *, progress: bool = False) -> MatrixSensingMinimum: ...
@overload
def minimum(setting: QuadraticParametrisation, *, progress: bool = False) -> QuadraticMinimum: ...
@overload
def minimum(setting: ReluNetwork, *, progress: bool = False) -> ReluMinimum: ...
@overload
def minimum(setting: SigmoidNetwork, *, progress: bool = False) -> SigmoidMinimum | LocalMinimum: ...
@overload
def minimum(setting: Setting, *, progress: bool = False) -> Minimum: ...
def minimum(setting: Setting, *, progress: bool = False) -> Minimum:
    """The least regularizer over the parameters of zero error, and parameters that attain it.

    By what the file in `ouanalysis.minima` named as the setting's own says: a semidefinite, second-order cone or linear
    program, or a closed form. Without one, the best end of descents from some starts (`ouanalysis.minima.local_search`,
    which takes their number and seed), without a certificate.

    Parameters
    ----------
    setting : Setting
    progress : bool
        Show a bar of the starts of a local search.

    Returns
    -------
    Minimum
        With what is special to its kind: the class of that file, or `LocalMinimum`. Its `domain` says what is varied.

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
    known = module_in(__package__, setting)
    least: Minimum | None = known.minimum(setting) if known else None
    return least or local_search(setting, progress=progress)
