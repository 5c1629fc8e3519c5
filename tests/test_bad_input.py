"""Every wrong argument is one line that names what was expected and what came."""

import re

import autograd.numpy as anp
import numpy as np
import pytest
import sympy

import ouanalysis as ou

SENSING, TRUTH = ou.planted_matrix_sensing(2, 1, 3, rng=0)
RELU = ou.ReluNetwork([0.0, 1.0], [0.0, 1.0], 2)
EYE = np.eye(2)[None]
nan, inf = np.nan, np.inf
t, u = sympy.symbols("t u")


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def does_not_broadcast(theta, x):
    return theta[0] * x


def root(theta, x):
    return anp.sqrt(theta[..., 0]) * x


def writes_in_place(theta, x):
    shifted = theta + 0.0
    shifted[..., 0] = 1.0
    return shifted[..., 0] * x


def looks_up_what_is_missing(_theta, _x):
    return {}["missing"]


def has_no_value(theta, _x):
    return theta


def is_an_integer(theta, x):
    return np.zeros(np.broadcast_shapes(theta.shape[:-1], x.shape), dtype=int)


def sgd(**changed):
    run = {"theta": TRUTH, "lr": 0.01, "noise_std": 0.1, "steps": 3, "rng": 0, **changed}
    return ou.label_noise_sgd(SENSING, run.pop("theta"), **run)


CASES = {
    # settings
    "sensors: expected shape (n, d, d), got (2, 2)": lambda: ou.MatrixSensing(np.eye(2), [1.0, 1.0]),
    "sensors: expected shape (n, d, d), got (1, 2, 3)": lambda: ou.MatrixSensing(np.ones((1, 2, 3)), [1.0]),
    "sensors: expected shape (n, d, d), got (0, 2, 2)": lambda: ou.MatrixSensing(np.ones((0, 2, 2)), []),
    "sensors: expected finite numbers, got nan at [0, 1, 0]": lambda: ou.MatrixSensing([[[1, 2], [nan, 1]]], [1.0]),
    "sensors: expected real numbers, got complex numbers": lambda: ou.MatrixSensing(1j * EYE, [1.0]),
    "sensors: expected an array of real numbers, got rows of different lengths": lambda: ou.MatrixSensing(
        [[[1], [1, 2]]], [1.0]
    ),
    "y: expected shape (1,), got (2,)": lambda: ou.MatrixSensing(EYE, [1.0, 2.0]),
    "y: expected finite numbers, got inf at [0]": lambda: ou.MatrixSensing(EYE, [inf]),
    "rank: expected an integer from 1 to 2, got 3": lambda: ou.MatrixSensing(EYE, [1.0], rank=3),
    "rank: expected an integer from 1 to 2, got 1.0": lambda: ou.MatrixSensing(EYE, [1.0], rank=1.0),
    "x: expected shape (n,), got (0,)": lambda: ou.ReluNetwork([], [], 2),
    "x: expected shape (n,), got (1, 2)": lambda: ou.ReluNetwork([[1.0, 2.0]], [1.0], 2),
    "x: expected distinct points, got 1 more than once": lambda: ou.ReluNetwork([1.0, 0.0, 1.0], [0, 0, 0], 2),
    "x: expected real numbers, got 'a' of type str": lambda: ou.ReluNetwork(["a"], [1.0], 2),
    "width: expected an integer at least 1, got 0": lambda: ou.ReluNetwork([1.0], [1.0], 0),
    "width: expected an integer at least 1, got 2.5": lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2.5),
    "width: expected an integer at least 1, got True": lambda: ou.SigmoidNetwork([[1.0]], [1.0], True),
    "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got 'relu'": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, "relu")
    ),
    "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got t + u with 2 symbols": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, t + u)
    ),
    "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got 3": lambda: ou.SigmoidNetwork(
        [[1.0]], [1.0], 2, 3
    ),
    "activation: expected a smooth real function that autograd and NumPy know, got zeta(t): name 'zeta' is": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.zeta(t))
    ),
    "h: expected a function of (theta, x), got 'tanh'": lambda: ou.Setting("tanh", [1.0], [1.0], 2),
    "dim: expected an integer at least 1, got 0": lambda: ou.Setting(linear, [[1.0]], [1.0], 0),
    "x: expected shape (n, *feature) with n at least 1, got (0, 2)": lambda: ou.Setting(linear, np.ones((0, 2)), [], 2),
    "h: expected floats of shape () for theta (2,) and x (), got IndexError: too many": lambda: ou.Setting(
        lambda theta, x: theta[..., 0, :1] * x, [1.0, 2.0], [1.0, 1.0], 2
    ),
    "h: expected floats of shape (2, 3) for theta (2, 3, 4) and x (2, 3), got ValueError: operands": lambda: ou.Setting(
        does_not_broadcast, [1.0], [1.0], 4
    ),
    "h: expected floats of shape () for theta (2,) and x (), got float64 of shape (2,)": lambda: ou.Setting(
        has_no_value, [1.0], [1.0], 2
    ),
    "h: expected floats of shape () for theta (2,) and x (), got int64 of shape ()": lambda: ou.Setting(
        is_an_integer, [1.0], [1.0], 2
    ),
    "pack: expected the arrays a, b, c, alpha, beta, got a": lambda: RELU.pack(a=[1.0, 1.0]),
    "b: expected shape (..., 2), got (3,)": lambda: RELU.pack(a=[1, 1], b=[1, 1, 1], c=[1, 1], alpha=0, beta=0),
    "n: expected an integer at least 5, got 4": lambda: ou.planted_relu_network(4, 2, rng=0),
    "width: expected an integer at least 3, got 2": lambda: ou.planted_relu_network(5, 2, width=2, rng=0),
    "rng: expected a numpy.random.Generator or a seed, got None": lambda: ou.planted_matrix_sensing(2, 1, 3, rng=None),
    # quantities at theta
    "theta: expected shape (..., 4), got (3,)": lambda: ou.regularizer(SENSING, np.ones(3)),
    "theta: expected shape (..., 4), got ()": lambda: ou.jacobian(SENSING, 1.0),
    "theta: expected shape (4,), got (2, 4)": lambda: ou.interpolate(SENSING, np.ones((2, 4))),
    "theta: expected finite numbers, got nan at [2]": lambda: ou.loss(SENSING, [1, 1, nan, 1]),
    "theta: expected real numbers, got complex numbers ": lambda: ou.gram(SENSING, 1j * TRUTH),
    "theta: expected a point of the zero-error set": lambda: ou.local_ou(SENSING, TRUTH + 1, lr=0.1, noise_std=0.1),
    "lr: expected less than the stability limit": lambda: ou.local_ou(SENSING, TRUTH, lr=100, noise_std=0.1),
    "theta: expected shape (..., 4), got (5,)": lambda: ou.symbolic.regularizer(SENSING)(np.ones(5)),
    # runs
    "theta: expected finite numbers, got inf at [0]": lambda: sgd(theta=[inf, 0, 0, 0]),
    "theta: expected shape (4,) or (chains, 4) = (1, 4), got (3, 4)": lambda: sgd(theta=np.ones((3, 4))),
    "lr: expected a finite number above 0, got 0": lambda: sgd(lr=0),
    "lr: expected a finite number above 0, got -0.1": lambda: sgd(lr=-0.1),
    "lr: expected a finite number above 0, got nan": lambda: sgd(lr=nan),
    "lr: expected a finite number above 0, got '0.1'": lambda: sgd(lr="0.1"),
    "lr: expected a finite number above 0, got [0.1, 0.2]": lambda: sgd(lr=[0.1, 0.2]),
    "noise_std: expected a finite number at least 0, got -1": lambda: sgd(noise_std=-1),
    "noise_std: expected a finite number at least 0, got 1j": lambda: sgd(noise_std=1j),
    "steps: expected an integer at least 0, got -1": lambda: sgd(steps=-1),
    "steps: expected an integer at least 0, got 1000000.0": lambda: sgd(steps=1e6),
    "chains: expected an integer at least 1, got 0": lambda: sgd(chains=0),
    "batch_size: expected an integer at least 1, got 0": lambda: sgd(batch_size=0),
    "batch_size: expected an integer at least 1 or \"full\", got 'all'": lambda: sgd(batch_size="all"),
    "momentum: expected a finite number at least 0 and below 1, got 1": lambda: sgd(momentum=1),
    'noise: expected "gaussian", "rademacher" or a function (rng, size), got \'cauchy\'': lambda: sgd(noise="cauchy"),
    "noise: expected shape (3, 1), got (3,)": lambda: sgd(noise=lambda rng, size: rng.normal(size=size[0])),
    "noise: expected finite numbers, got nan at [0, 0]": lambda: sgd(noise=lambda _rng, size: np.full(size, nan)),
    "rng: expected a numpy.random.Generator or a seed, got -3": lambda: sgd(rng=-3),
    "record: expected an integer at least 1, got 0": lambda: sgd(record=0),
    "record: expected increasing integers from 0 to 3, got [2. 1.]": lambda: sgd(record=[2, 1]),
    "record: expected increasing integers from 0 to 3, got [1. 4.]": lambda: sgd(record=[1, 4]),
    "record: expected increasing integers from 0 to 3, got 1.5": lambda: sgd(record=[1.5]),
    "record: expected shape (records,), got (0,)": lambda: sgd(record=[]),
    "substeps: expected an integer at least 1, got 0": lambda: ou.label_noise_sde(
        SENSING, TRUTH, lr=0.1, noise_std=0.1, steps=1, rng=0, substeps=0
    ),
    "theta: expected a point of the zero-error set ": lambda: ou.ornstein_uhlenbeck(
        SENSING, TRUTH + 1, lr=0.1, noise_std=0.1, steps=1, rng=0
    ),
    'noise: expected "gaussian", "rademacher" or a function (rng, size), got array([1., 2.])': lambda: sgd(
        noise=np.array([1.0, 2.0])
    ),
    "lr: expected a finite number above 0, got 1000": lambda: sgd(lr=10**400),
    "rng: expected a numpy.random.Generator or a seed, got RandomState": lambda: sgd(rng=np.random.RandomState(0)),
    "activation: expected a smooth real function that autograd and NumPy know, got Heaviside(t): ": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.Heaviside(t))
    ),
    "setting: expected a Setting, got str": lambda: ou.regularizer("tanh", TRUTH),
    "setting: expected a Setting, got ndarray": lambda: ou.local_ou(TRUTH, SENSING, lr=0.1, noise_std=0.1),
    "steps: expected an integer of at most 62 bits, got 1000000000000000000000000000000": lambda: sgd(steps=10**30),
    "pack: expected leading axes that broadcast, got a (2,), b (3,), c (), alpha (), beta ()": lambda: RELU.pack(
        a=np.ones((2, 2)), b=np.ones((3, 2)), c=[1, 1], alpha=0, beta=0
    ),
    "h: expected a model that autograd differentiates, got": lambda: ou.Setting(writes_in_place, [1.0], [1.0], 2),
    "h: expected floats of shape () for theta (2,) and x (), got KeyError: 'missing'": lambda: ou.Setting(
        looks_up_what_is_missing, [1.0], [1.0], 2
    ),
    "activation: expected a smooth real function that autograd and NumPy know, got floor(t): ": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.floor(t))
    ),
    "activation: expected a smooth real function that autograd and NumPy know, got log(t): φ or φ' is": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.log(t))
    ),
    "activation: expected a smooth real function that autograd and NumPy know, got Integral(": lambda: (
        ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.Integral(sympy.exp(-(u**2) * t), (u, 0, 1)))
    ),
    "h: expected the same values on stacked theta and x as on one at a time, got others": lambda: ou.Setting(
        lambda theta, x: theta[..., 0] * (x.T[0] if x.ndim < 3 else x[..., 1]), np.eye(3, 2), np.zeros(3), 1
    ),
    "y: expected numbers everywhere, got a masked array": lambda: ou.ReluNetwork(
        [0.0, 1.0], np.ma.array([1.0, 99.0], mask=[0, 1]), 1
    ),
    "setting: expected a Setting, got int": lambda: ou.symbolic.trace(3),
    "interpolate: expected to reach a largest residual of": lambda: ou.interpolate(
        ou.Setting(root, [1.0], [2.0], 1), [-1.0]
    ),
    "theta: expected a point of the zero-error set (largest": lambda: ou.local_ou(
        ou.MatrixSensing([[[1.0]]], [-1.0]), [1e200], lr=0.1, noise_std=1
    ),
    "expression: expected real values, got complex ones of I*t": lambda: ou.symbolic.compile(sympy.I * t, [t])([2.0]),
    "lr: expected a symbol or a number above 0 (n for a full batch), got nan": lambda: (
        ou.symbolic.ou.stationary_covariance(sympy.eye(1), lr=nan, noise_std=1)
    ),
    "jacobian: expected finite real entries, got others": lambda: ou.symbolic.ou.drift_matrix(np.array([[nan]])),
    "h: expected the same values on stacked theta and x as on one at a time": lambda: ou.Setting(
        lambda theta, x: (1.0 if anp.all(theta[..., 0] > 0) else 10.0) * theta[..., 0] * x, [1.0], [1.0], 1
    ),
    # symbolic
    "jacobian: expected rank 2, got a zero eigenvalue of J Jᵀ": lambda: ou.symbolic.ou.covariance(
        sympy.Matrix([[1, 0], [0, 0]]), t, lr=1, noise_std=1
    ),
    "jacobian: expected rank 2, got det(J Jᵀ) = 0": lambda: ou.symbolic.ou.stationary_covariance(
        np.array([[1.1, 2.2], [3.3, 6.6]]), lr=1, noise_std=1
    ),
    "modes: expected an orthogonal matrix, got": lambda: ou.symbolic.ou.covariance(
        sympy.Matrix([[1, 0]]), t, lr=1, noise_std=1, modes=2 * sympy.eye(1)
    ),
    "batch_size: expected a symbol or a number above 0 (n for a full batch), got 'full'": lambda: (
        ou.symbolic.ou.stationary_covariance(sympy.eye(1), lr=1, noise_std=1, batch_size="full")
    ),
    "share, norm: expected a share other than 0 and a norm above 0, got 0 and 1": lambda: (
        ou.symbolic.sigmoid_network.stationary_neuron("tanh", 0, norm=1)
    ),
    "x, kink: expected numbers, and at least one datum, got [] and 0": lambda: ou.symbolic.relu_network.kink_cost(
        [], 0, facing="right"
    ),
    'activation: expected "tanh" or "logistic", got \'relu\'': lambda: ou.symbolic.sigmoid_network.stationary_neuron(
        "relu", 1, norm=1
    ),
    'facing: expected "right" or "left", got \'up\'': lambda: ou.symbolic.relu_network.kink_cost([1], 0, facing="up"),
}


@pytest.mark.parametrize("message", CASES)
def test_bad_input_is_one_line_that_names_expected_and_got(message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message.strip())) as caught:
        CASES[message]()
    assert "\n" not in str(caught.value)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'ouanalysis' has no attribute 'regulariser'"):
        ou.regulariser  # noqa: B018
