"""What is measured while a network trains: its loss under label noise, and what the theory says of where it is."""

from .label_noise import LabelNoise
from .measured_floor import MeasuredFloor, noise_floor
from .reading import Reading
from .training_monitor import TrainingMonitor

__all__ = ["LabelNoise", "MeasuredFloor", "Reading", "TrainingMonitor", "noise_floor"]
