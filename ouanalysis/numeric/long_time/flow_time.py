"""Steps of label-noise SGD as time of the flow that they follow: theory.md, section 3, "Long times", and section 6."""

import numpy as np

from ...arguments import nonnegative_number, positive_number, whole_numbers
from ..fluctuations.sampling import effective_batch_size

__all__ = ["flow_time"]


def flow_time(setting, steps=1, *, lr, noise_std, batch_size=1, momentum=0.0):
    """s = η²σ²k/(B̃(1 − β)²), the flow time of k steps: steps (...) gives (...).

    In units of θ⁴/y²; infinite where it is no float. Flow times s are s / flow_time(setting, ...) steps; `Flow.steps`
    gives them for a flow.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> round(float(ou.flow_time(setting, 1000, lr=0.01, noise_std=0.1)), 12)
    0.001
    """
    batch = effective_batch_size(setting, batch_size)
    still = 1 - nonnegative_number("momentum", momentum, below=1)
    lr, noise_std = positive_number("lr", lr), nonnegative_number("noise_std", noise_std)
    steps = whole_numbers("steps", steps)
    with np.errstate(all="ignore"):
        each = np.float64(lr) * noise_std / still
        return np.where(steps == 0, 0.0, each * each / batch * steps)[()]
