"""What is analysed: a model h and the data it interpolates."""

from .matrix_sensing import MatrixSensing, planted_matrix_sensing
from .relu_network import ReluNetwork, planted_relu_network
from .setting import Setting
from .sigmoid_network import SigmoidNetwork, planted_sigmoid_network

__all__ = [
    "MatrixSensing",
    "ReluNetwork",
    "Setting",
    "SigmoidNetwork",
    "planted_matrix_sensing",
    "planted_relu_network",
    "planted_sigmoid_network",
]
