"""Where a neuron of a stationary sigmoid network on one datum can be, for any smooth activation: certified roots.

Source: theory.md, section 4.3.
"""

import sympy

from ..arguments import Reals, real_array
from ..settings import SigmoidNetwork
from ..symbolic.sigmoid_network import stationarity, with_slope
from .certified_roots import Roots, real_roots
from .sigmoid_shares import COSTS, datum_norm

__all__ = ["stationary_preactivations"]


def stationary_preactivations(
    setting: SigmoidNetwork,
    interval: Reals,
    *,
    multiplier: float | None = None,
    share: float | None = None,
) -> Roots:
    """All z = wᵀx in an interval that a neuron of a stationary network on one datum can have, if φ(z) ≠ 0.

    For a multiplier λ ≠ 0 of ∇reg = λ ∇h the roots of 4‖x‖² φ'⁴/λ² = φ'² − φ φ''; for a share v = c φ(z) of the
    label, y/k of k equal neurons, those of φ' (φ⁴ − ‖x‖² v² (φ'² − φ φ'')) = 0, where c and λ are eliminated: λ = 0
    where φ' = 0.

    Parameters
    ----------
    setting : SigmoidNetwork
        With one datum; any smooth activation.
    interval : (float, float)
    multiplier, share : float
        One of the two, not 0.

    Returns
    -------
    Roots
        `certified` where ball arithmetic proves that these are all.

    Raises
    ------
    ValueError, TypeError
        For more than one datum, the datum 0, or a multiplier or share that is 0 or missing.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> t = sympy.Symbol("t")
    >>> setting = ou.SigmoidNetwork([[1.0]], [1.0], width=1, activation=sympy.erf(t))
    >>> stationary_preactivations(setting, (0.1, 5), share=1.0)
    Roots(1 in [0.1, 5], certified)
    """
    if not isinstance(setting, SigmoidNetwork):
        raise TypeError(f"setting: expected a SigmoidNetwork, got {type(setting).__name__}")
    if (multiplier is None) == (share is None):
        raise TypeError(f"multiplier, share: expected one of them, got {multiplier} and {share}")
    norm, z = sympy.Rational(datum_norm(setting)), sympy.Symbol("z", real=True)
    phi, slope = with_slope(setting.activation, z)
    if share is None:
        equation = stationarity(phi, z, norm=norm, multiplier=_nonzero("multiplier", multiplier))
    else:
        weight = (norm * _nonzero("share", share)) ** 2
        equation = phi**4 - weight * (slope**2 - phi * phi.diff(z, 2))
        if setting.activation.name not in COSTS:  # of those φ' > 0
            equation *= slope
    # In factors, as a difference of large terms keeps balls wide: φ'² − φφ'' of the logistic is φ²φ'.
    return real_roots(sympy.factor(equation), z, interval)


def _nonzero(name, value):
    number = float(real_array(name, value, shape=()))
    if number == 0:
        raise ValueError(f"{name}: expected a number other than 0, got 0")
    return sympy.Rational(number)
