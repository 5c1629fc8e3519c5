"""What is run: label-noise SGD, its diffusion, and the linearised process."""

from collections.abc import Callable

from .averages import Averages, Averaging
from .compiling import compiled
from .linear_process import ornstein_uhlenbeck
from .provenance import Seed
from .resumption import resume
from .sde import label_noise_sde
from .sgd import label_noise_sgd
from .sweeping import Sweep, sweep
from .trajectory import Trajectory

SIMULATORS: dict[str, Callable[..., Trajectory]] = {
    simulator.__name__: simulator for simulator in (label_noise_sgd, label_noise_sde, ornstein_uhlenbeck)
}

__all__ = [
    "Averages",
    "Averaging",
    "Seed",
    "Sweep",
    "Trajectory",
    "compiled",
    "label_noise_sde",
    "label_noise_sgd",
    "ornstein_uhlenbeck",
    "resume",
    "sweep",
]
