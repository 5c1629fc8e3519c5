"""What is analysed: a model h and the data it interpolates."""

from .matrix_sensing import MatrixSensing, planted_matrix_sensing
from .quadratic_parametrisation import QuadraticParametrisation, planted_quadratic_parametrisation
from .relu_network import ReluNetwork, planted_relu_network
from .setting import Setting
from .sigmoid_network import SigmoidNetwork, planted_sigmoid_network

__all__ = [
    "MatrixSensing",
    "QuadraticParametrisation",
    "ReluNetwork",
    "Setting",
    "SigmoidNetwork",
    "planted_matrix_sensing",
    "planted_quadratic_parametrisation",
    "planted_relu_network",
    "planted_sigmoid_network",
]
