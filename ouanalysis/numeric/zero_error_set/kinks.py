"""How far the kinks of a model are from the data: `Setting.kinks` in numbers and in errors.

Source: theory.md, section 4.2.
"""

import numpy as np

from ...arguments import Reals, in_one_line
from ...settings import Setting
from ...settings.setting import parameters

__all__ = ["kink_distance", "kink_on_datum", "refuse_kink"]


def kink_distance(setting: Setting, theta: Reals) -> float:
    """The least distance of a kink that h sees from a datum, to first order, in units of x; infinite if h is smooth.

    At 0 a kink sits on a datum, where reg jumps and derivatives are one-sided. For a ReLU network on x ∈ R it is the
    least |x_i + b_j/a_j| over data and neurons with c_j ≠ 0. NaN where the kinks of h are not known: it branches by
    other means than `ouanalysis.activations`.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width=1)
    >>> kink_distance(setting, setting.pack(a=[2.0], b=[-0.5], c=[1.0], alpha=0, beta=0))
    0.25
    """
    theta = parameters(setting, theta, leading=False)
    if setting.branches.unknown:
        return np.nan
    return float(np.min(setting.kinks(theta).distance, initial=np.inf)) if setting.branches.count else np.inf


def kink_on_datum(setting: Setting, theta: Reals) -> tuple[int, int] | None:
    """(datum, neuron) of a kink on a datum, as `Kinks.on_data`; None if there is none that is known."""
    if not setting.branches.count:
        return None
    found = setting.kinks(theta).on_data
    return (int(found[0][0]), int(found[0][1])) if len(found) else None


def refuse_kink(setting: Setting, theta: Reals) -> None:
    """A ValueError if a kink is on a datum: reg jumps there, and nothing has a derivative."""
    found = kink_on_datum(setting, theta)
    if found:
        datum, neuron = found
        raise ValueError(
            "theta: expected no kink on a datum, where h has no derivative and reg jumps,"
            f" got that of neuron {neuron} on x_{datum} = {in_one_line(setting.x[datum])}"
        )
