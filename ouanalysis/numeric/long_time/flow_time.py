"""Steps of label-noise SGD as time of the flow that they follow: theory.md, section 3, "Long times", and section 6."""

import numpy as np

from ...arguments import Array, Reals, whole_numbers
from ...settings import Setting
from ..fluctuations.sampling import BatchSize, sampling_of

__all__ = ["flow_time"]


def flow_time(
    setting: Setting,
    steps: Reals = 1,
    *,
    lr: float,
    noise_std: Reals,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: float = 0.0,
) -> Array:
    """s = η²σ²k/(B̃(1 − β)²), the flow time of k steps: steps (...) gives (...); of σ_i, with the mean of σ_i².

    In units of θ⁴/y²; infinite where it is no float. Flow times s are s / flow_time(setting, ...) steps; `Flow.steps`
    gives them for a flow. How the batch is drawn makes no difference to the leading order.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> round(float(ou.flow_time(setting, 1000, lr=0.01, noise_std=0.1)), 12)
    0.001
    """
    sampling = sampling_of(
        setting, lr=lr, noise_std=noise_std, batch_size=batch_size, replacement=replacement, momentum=momentum
    )
    counts = whole_numbers("steps", steps)
    with np.errstate(all="ignore"):
        each = np.float64(sampling.lr) * sampling.label_noise_rms / (1 - sampling.momentum)
        return np.where(counts == 0, 0.0, each * each / sampling.batch_size * counts)[()]
