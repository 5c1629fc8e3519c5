"""Steps of label-noise SGD as time of the flow that they follow: theory.md, section 3, "Long times", and section 6."""

import numpy as np

from ...arguments import Array, Reals, whole_numbers
from ...settings import Setting
from ..fluctuations.sampling import BatchSize
from ..fluctuations.schedule import Rates, Schedule, Scheduled, schedule_of
from .clock import Clock

__all__ = ["flow_clock", "flow_time"]


def flow_time(
    setting: Setting,
    steps: Reals = 1,
    *,
    lr: Scheduled,
    noise_std: Scheduled,
    batch_size: BatchSize = 1,
    replacement: bool = True,
    momentum: Scheduled = 0.0,
) -> Array:
    """s = Σ η²σ²/(B̃(1 − β)²) over k steps, their flow time: steps (...) gives (...); of σ_i, with the mean of σ_i².

    In units of θ⁴/y²; infinite where it is no float. Without schedules flow times s are s / flow_time(setting, ...)
    steps; `Flow.steps` gives them for a flow. How the batch is drawn makes no difference to the leading order.

    `lr`, `noise_std` and `momentum` may be stages or functions of the step as in `label_noise_sgd`. The sum over stages
    is in closed form, that of functions goes step by step in bounded memory. SGD follows it where it has time to relax
    between changes.

    Examples
    --------
    >>> import ouanalysis as ou
    >>> setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    >>> round(float(ou.flow_time(setting, 1000, lr=0.01, noise_std=0.1)), 12)
    0.001
    >>> lowered = [(0, 0.1), (1000, 0.05)]  # half the noise from step 1000 on
    >>> ou.flow_time(setting, [1000, 2000], lr=0.01, noise_std=lowered).round(12)
    array([0.001  , 0.00125])
    """
    schedule = schedule_of(
        setting, lr=lr, noise_std=noise_std, batch_size=batch_size, replacement=replacement, momentum=momentum
    )
    return flow_clock(schedule, setting.n).times(whole_numbers("steps", steps))[()]


def flow_clock(schedule: Schedule, n: int) -> Clock:
    """The flow time of the steps of a schedule."""

    def of_a_step(rates: Rates) -> Array:
        largest = np.max(rates.noise_std, axis=1, keepdims=True)
        spread = np.sqrt(np.mean((rates.noise_std / np.where(largest > 0, largest, 1.0)) ** 2, axis=1))
        each = rates.lr * (largest[:, 0] * spread) / (1 - rates.momentum)
        return each * each / schedule.sampling.batch_size

    return Clock(schedule, n, of_a_step)
