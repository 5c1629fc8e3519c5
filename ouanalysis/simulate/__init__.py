"""What is run: label-noise SGD, its diffusion, and the linearised process."""

from .provenance import Seed
from .sde import label_noise_sde, ornstein_uhlenbeck
from .sgd import label_noise_sgd
from .trajectory import Trajectory

__all__ = ["Seed", "Trajectory", "label_noise_sde", "label_noise_sgd", "ornstein_uhlenbeck"]
