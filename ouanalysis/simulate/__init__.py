"""What is run: label-noise SGD, its diffusion, and the linearised process."""

from .linear_process import ornstein_uhlenbeck
from .provenance import Seed
from .sde import label_noise_sde
from .sgd import label_noise_sgd
from .trajectory import Trajectory

__all__ = ["Seed", "Trajectory", "label_noise_sde", "label_noise_sgd", "ornstein_uhlenbeck"]
