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


def bounded(theta, x):
    return anp.tanh(theta[..., 0]) * x


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


CASES = [
    # settings
    pytest.param(
        lambda: ou.MatrixSensing(np.eye(2), [1.0, 1.0]),
        "sensors: expected shape (n, d, d), got (2, 2)",
        id="sensors-two-axes",
    ),
    pytest.param(
        lambda: ou.MatrixSensing(np.ones((1, 2, 3)), [1.0]),
        "sensors: expected shape (n, d, d), got (1, 2, 3)",
        id="sensors-not-square",
    ),
    pytest.param(
        lambda: ou.MatrixSensing(np.ones((0, 2, 2)), []),
        "sensors: expected shape (n, d, d), got (0, 2, 2)",
        id="sensors-none",
    ),
    pytest.param(
        lambda: ou.MatrixSensing([[[1, 2], [nan, 1]]], [1.0]),
        "sensors: expected finite numbers, got nan at [0, 1, 0]",
        id="sensors-nan",
    ),
    pytest.param(
        lambda: ou.MatrixSensing(1j * EYE, [1.0]),
        "sensors: expected real numbers, got complex numbers",
        id="sensors-complex",
    ),
    pytest.param(
        lambda: ou.MatrixSensing([[[1], [1, 2]]], [1.0]),
        "sensors: expected an array of real numbers, got rows of different lengths",
        id="sensors-ragged",
    ),
    pytest.param(lambda: ou.MatrixSensing(EYE, [1.0, 2.0]), "y: expected shape (1,), got (2,)", id="labels-too-many"),
    pytest.param(
        lambda: ou.MatrixSensing(EYE, [inf]), "y: expected finite numbers, got inf at [0]", id="labels-infinite"
    ),
    pytest.param(
        lambda: ou.MatrixSensing(EYE, [1.0], rank=3), "rank: expected an integer from 1 to 2, got 3", id="rank-above-d"
    ),
    pytest.param(
        lambda: ou.MatrixSensing(EYE, [1.0], rank=1.0),
        "rank: expected an integer from 1 to 2, got 1.0",
        id="rank-float",
    ),
    pytest.param(lambda: ou.ReluNetwork([], [], 2), "x: expected shape (n,), got (0,)", id="points-none"),
    pytest.param(
        lambda: ou.ReluNetwork([[1.0, 2.0]], [1.0], 2), "x: expected shape (n,), got (1, 2)", id="points-two-axes"
    ),
    pytest.param(
        lambda: ou.ReluNetwork([1.0, 0.0, 1.0], [0, 0, 0], 2),
        "x: expected distinct points, got 1 more than once",
        id="points-repeated",
    ),
    pytest.param(
        lambda: ou.ReluNetwork(["a"], [1.0], 2), "x: expected real numbers, got 'a' of type str", id="points-text"
    ),
    pytest.param(
        lambda: ou.ReluNetwork([1.0], [1.0], 0), "width: expected an integer at least 1, got 0", id="width-zero"
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2.5),
        "width: expected an integer at least 1, got 2.5",
        id="width-fraction",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], True),
        "width: expected an integer at least 1, got True",
        id="width-bool",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, "relu"),
        "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got 'relu'",
        id="activation-unknown-name",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, t + u),
        "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got t + u with 2 symbols",
        id="activation-two-symbols",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, 3),
        "activation: expected 'tanh' or 'logistic' or a SymPy expression of one symbol, got 3",
        id="activation-number",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.zeta(t)),
        "activation: expected a smooth real function that autograd and NumPy know, got zeta(t): name 'zeta' is",
        id="activation-unknown-function",
    ),
    pytest.param(
        lambda: ou.Setting("tanh", [1.0], [1.0], 2), "h: expected a function of (theta, x), got 'tanh'", id="h-text"
    ),
    pytest.param(
        lambda: ou.Setting(linear, [[1.0]], [1.0], 0), "dim: expected an integer at least 1, got 0", id="dim-zero"
    ),
    pytest.param(
        lambda: ou.Setting(linear, np.ones((0, 2)), [], 2),
        "x: expected shape (n, *feature) with n at least 1, got (0, 2)",
        id="data-none",
    ),
    pytest.param(
        lambda: ou.Setting(lambda theta, x: theta[..., 0, :1] * x, [1.0, 2.0], [1.0, 1.0], 2),
        "h: expected floats of shape () for theta (2,) and x (), got IndexError: too many",
        id="h-indexes-too-deep",
    ),
    pytest.param(
        lambda: ou.Setting(does_not_broadcast, [1.0], [1.0], 4),
        "h: expected floats of shape (2, 3) for theta (2, 3, 4) and x (2, 3), got ValueError: operands",
        id="h-does-not-broadcast",
    ),
    pytest.param(
        lambda: ou.Setting(has_no_value, [1.0], [1.0], 2),
        "h: expected floats of shape () for theta (2,) and x (), got float64 of shape (2,)",
        id="h-keeps-the-parameters",
    ),
    pytest.param(
        lambda: ou.Setting(is_an_integer, [1.0], [1.0], 2),
        "h: expected floats of shape () for theta (2,) and x (), got int64 of shape ()",
        id="h-gives-integers",
    ),
    pytest.param(
        lambda: RELU.pack(a=[1.0, 1.0]), "pack: expected the arrays a, b, c, alpha, beta, got a", id="pack-misses-parts"
    ),
    pytest.param(
        lambda: RELU.pack(a=[1, 1], b=[1, 1, 1], c=[1, 1], alpha=0, beta=0),
        "b: expected shape (..., 2), got (3,)",
        id="pack-part-of-another-shape",
    ),
    pytest.param(
        lambda: ou.planted_relu_network(4, 2, rng=0),
        "n: expected an integer at least 5, got 4",
        id="planted-relu-too-few-data",
    ),
    pytest.param(
        lambda: ou.planted_relu_network(5, 2, width=2, rng=0),
        "width: expected an integer at least 3, got 2",
        id="planted-relu-too-narrow",
    ),
    pytest.param(
        lambda: ou.planted_matrix_sensing(2, 1, 3, rng=None),
        "rng: expected a numpy.random.Generator or a seed, got None",
        id="planted-without-rng",
    ),
    # quantities at theta
    pytest.param(
        lambda: ou.regularizer(SENSING, np.ones(3)),
        "theta: expected shape (..., 4), got (3,)",
        id="regularizer-theta-short",
    ),
    pytest.param(
        lambda: ou.jacobian(SENSING, 1.0), "theta: expected shape (..., 4), got ()", id="jacobian-theta-number"
    ),
    pytest.param(
        lambda: ou.interpolate(SENSING, np.ones((2, 4))),
        "theta: expected shape (4,), got (2, 4)",
        id="interpolate-theta-stacked",
    ),
    pytest.param(
        lambda: ou.loss(SENSING, [1, 1, nan, 1]), "theta: expected finite numbers, got nan at [2]", id="loss-theta-nan"
    ),
    pytest.param(
        lambda: ou.gram(SENSING, 1j * TRUTH),
        "theta: expected real numbers, got complex numbers",
        id="gram-theta-complex",
    ),
    pytest.param(
        lambda: ou.local_ou(SENSING, TRUTH + 1, lr=0.1, noise_std=0.1),
        "theta: expected a point of the zero-error set",
        id="local-ou-off-the-zero-error-set",
    ),
    pytest.param(
        lambda: ou.local_ou(SENSING, TRUTH, lr=100, noise_std=0.1),
        "lr: expected less than the stability limit",
        id="local-ou-past-the-stability-limit",
    ),
    pytest.param(
        lambda: ou.symbolic.regularizer(SENSING)(np.ones(5)),
        "theta: expected shape (..., 4), got (5,)",
        id="closed-form-theta-long",
    ),
    # runs
    pytest.param(
        lambda: sgd(theta=[inf, 0, 0, 0]), "theta: expected finite numbers, got inf at [0]", id="start-infinite"
    ),
    pytest.param(
        lambda: sgd(theta=np.ones((3, 4))),
        "theta: expected shape (4,) or (chains, 4) = (1, 4), got (3, 4)",
        id="start-for-other-chains",
    ),
    pytest.param(lambda: sgd(lr=0), "lr: expected a finite number above 0, got 0", id="lr-zero"),
    pytest.param(lambda: sgd(lr=-0.1), "lr: expected a finite number above 0, got -0.1", id="lr-negative"),
    pytest.param(lambda: sgd(lr=nan), "lr: expected a finite number above 0, got nan", id="lr-nan"),
    pytest.param(lambda: sgd(lr="0.1"), "lr: expected a finite number above 0, got '0.1'", id="lr-text"),
    pytest.param(lambda: sgd(lr=[0.1, 0.2]), "lr: expected a finite number above 0, got [0.1, 0.2]", id="lr-list"),
    pytest.param(
        lambda: sgd(noise_std=-1), "noise_std: expected a finite number at least 0, got -1", id="noise-std-negative"
    ),
    pytest.param(
        lambda: sgd(noise_std=1j), "noise_std: expected a finite number at least 0, got 1j", id="noise-std-complex"
    ),
    pytest.param(lambda: sgd(steps=-1), "steps: expected an integer at least 0, got -1", id="steps-negative"),
    pytest.param(lambda: sgd(steps=1e6), "steps: expected an integer at least 0, got 1000000.0", id="steps-float"),
    pytest.param(lambda: sgd(chains=0), "chains: expected an integer at least 1, got 0", id="chains-zero"),
    pytest.param(lambda: sgd(batch_size=0), "batch_size: expected an integer at least 1, got 0", id="batch-size-zero"),
    pytest.param(
        lambda: sgd(batch_size="all"),
        "batch_size: expected an integer at least 1 or \"full\", got 'all'",
        id="batch-size-unknown-word",
    ),
    pytest.param(
        lambda: sgd(momentum=1), "momentum: expected a finite number at least 0 and below 1, got 1", id="momentum-one"
    ),
    pytest.param(
        lambda: sgd(noise="cauchy"),
        'noise: expected "gaussian", "rademacher" or a function (rng, size), got \'cauchy\'',
        id="noise-unknown-law",
    ),
    pytest.param(
        lambda: sgd(noise=lambda rng, size: rng.normal(size=size[0])),
        "noise: expected shape (3, 1), got (3,)",
        id="noise-of-another-shape",
    ),
    pytest.param(
        lambda: sgd(noise=lambda _rng, size: np.full(size, nan)),
        "noise: expected finite numbers, got nan at [0, 0]",
        id="noise-nan",
    ),
    pytest.param(
        lambda: sgd(rng=-3), "rng: expected a numpy.random.Generator or a seed, got -3", id="rng-negative-seed"
    ),
    pytest.param(lambda: sgd(record=0), "record: expected an integer at least 1, got 0", id="record-zero"),
    pytest.param(
        lambda: sgd(record=[2, 1]), "record: expected increasing integers from 0 to 3, got [2 1]", id="record-falls"
    ),
    pytest.param(
        lambda: sgd(record=[1, 4]),
        "record: expected increasing integers from 0 to 3, got [1 4]",
        id="record-past-the-end",
    ),
    pytest.param(
        lambda: sgd(record=[1.5]), "record: expected increasing integers from 0 to 3, got 1.5", id="record-fraction"
    ),
    pytest.param(lambda: sgd(record=[]), "record: expected shape (records,), got (0,)", id="record-empty"),
    pytest.param(
        lambda: ou.label_noise_sde(SENSING, TRUTH, lr=0.1, noise_std=0.1, steps=1, rng=0, substeps=0),
        "substeps: expected an integer at least 1, got 0",
        id="substeps-zero",
    ),
    pytest.param(
        lambda: sgd(gradient_noise_std=-0.1),
        "gradient_noise_std: expected a finite number at least 0, got -0.1",
        id="gradient-noise-negative",
    ),
    pytest.param(
        lambda: sgd(gradient_noise_std=[0.1, 0.2]),
        "gradient_noise_std: expected a finite number at least 0, got [0.1, 0.2]",
        id="gradient-noise-list",
    ),
    pytest.param(lambda: sgd(replacement=0), "replacement: expected True or False, got 0", id="replacement-number"),
    pytest.param(
        lambda: sgd(batch_size=SENSING.n + 1, replacement=False),
        f"batch_size: expected at most n = {SENSING.n} without replacement, got {SENSING.n + 1}",
        id="batch-size-beyond-the-data",
    ),
    pytest.param(
        lambda: sgd(noise_std=np.ones(SENSING.n + 1)),
        f"noise_std: expected shape ({SENSING.n},), got ({SENSING.n + 1},)",
        id="noise-std-of-too-many-data",
    ),
    pytest.param(
        lambda: ou.ornstein_uhlenbeck(SENSING, TRUTH + 1, lr=0.1, noise_std=0.1, steps=1, rng=0),
        "theta: expected a point of the zero-error set",
        id="linear-process-off-the-zero-error-set",
    ),
    pytest.param(
        lambda: sgd(noise=np.array([1.0, 2.0])),
        'noise: expected "gaussian", "rademacher" or a function (rng, size), got array([1., 2.])',
        id="noise-array",
    ),
    pytest.param(lambda: sgd(lr=10**400), "lr: expected a finite number above 0, got 1000", id="lr-beyond-floats"),
    pytest.param(
        lambda: sgd(rng=np.random.RandomState(0)),
        "rng: expected a numpy.random.Generator or a seed, got RandomState",
        id="rng-legacy",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.Heaviside(t)),
        "activation: expected a smooth real function that autograd and NumPy know, got Heaviside(t): ",
        id="activation-not-smooth",
    ),
    pytest.param(lambda: ou.regularizer("tanh", TRUTH), "setting: expected a Setting, got str", id="setting-text"),
    pytest.param(
        lambda: ou.local_ou(TRUTH, SENSING, lr=0.1, noise_std=0.1),
        "setting: expected a Setting, got ndarray",
        id="setting-and-theta-swapped",
    ),
    pytest.param(
        lambda: sgd(steps=10**30),
        "steps: expected an integer of at most 62 bits, got 1000000000000000000000000000000",
        id="steps-beyond-integers",
    ),
    pytest.param(
        lambda: RELU.pack(a=np.ones((2, 2)), b=np.ones((3, 2)), c=[1, 1], alpha=0, beta=0),
        "pack: expected leading axes that broadcast, got a (2,), b (3,), c (), alpha (), beta ()",
        id="pack-axes-do-not-broadcast",
    ),
    pytest.param(
        lambda: ou.Setting(writes_in_place, [1.0], [1.0], 2),
        "h: expected a model that autograd differentiates, written with",
        id="h-writes-in-place",
    ),
    pytest.param(
        lambda: ou.Setting(looks_up_what_is_missing, [1.0], [1.0], 2),
        "h: expected floats of shape () for theta (2,) and x (), got KeyError: 'missing'",
        id="h-raises",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.floor(t)),
        "activation: expected a smooth real function that autograd and NumPy know, got floor(t): ",
        id="activation-floor",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.log(t)),
        "activation: expected a smooth real function that autograd and NumPy know, got log(t): φ or φ' is",
        id="activation-with-a-pole",
    ),
    pytest.param(
        lambda: ou.SigmoidNetwork([[1.0]], [1.0], 2, sympy.Integral(sympy.exp(-(u**2) * t), (u, 0, 1))),
        "activation: expected a smooth real function that autograd and NumPy know, got Integral(",
        id="activation-integral",
    ),
    pytest.param(
        lambda: ou.Setting(
            lambda theta, x: theta[..., 0] * (x.T[0] if x.ndim < 3 else x[..., 1]), np.eye(3, 2), np.zeros(3), 1
        ),
        "h: expected the same values on stacked theta and x as on one at a time, got others",
        id="h-transposes-the-data",
    ),
    pytest.param(
        lambda: ou.ReluNetwork([0.0, 1.0], np.ma.array([1.0, 99.0], mask=[0, 1]), 1),
        "y: expected numbers everywhere, got a masked array",
        id="labels-masked",
    ),
    pytest.param(lambda: ou.symbolic.trace(3), "setting: expected a Setting, got int", id="trace-number"),
    pytest.param(
        lambda: ou.interpolate(ou.Setting(bounded, [1.0], [2.0], 1), [-1.0]),
        "interpolate: expected to reach a largest residual of",
        id="interpolate-out-of-reach",
    ),
    pytest.param(
        lambda: ou.interpolate(ou.Setting(root, [1.0], [2.0], 1), [-1.0]),
        "theta: expected finite derivatives of h, got nan in that of h_0 (x_0 = 1.) by theta[0]",
        id="interpolate-no-derivative",
    ),
    pytest.param(
        lambda: ou.local_ou(ou.MatrixSensing([[[1.0]]], [-1.0]), [1e200], lr=0.1, noise_std=1),
        "theta: expected a point of the zero-error set (largest",
        id="local-ou-where-h-is-huge",
    ),
    pytest.param(
        lambda: ou.symbolic.compile(sympy.I * t, [t])([2.0]),
        "expression: expected real values, got complex ones of I*t",
        id="expression-complex",
    ),
    pytest.param(
        lambda: ou.symbolic.ou.stationary_covariance(sympy.eye(1), lr=nan, noise_std=1),
        "lr: expected a symbol or a number above 0 (n for a full batch), got nan",
        id="symbolic-lr-nan",
    ),
    pytest.param(
        lambda: ou.symbolic.ou.drift_matrix(np.array([[nan]])),
        "jacobian: expected finite real entries, got others",
        id="symbolic-jacobian-nan",
    ),
    pytest.param(
        lambda: ou.Setting(
            lambda theta, x: (1.0 if anp.all(theta[..., 0] > 0) else 10.0) * theta[..., 0] * x, [1.0], [1.0], 1
        ),
        "h: expected the same values on stacked theta and x as on one at a time",
        id="h-depends-on-the-stack",
    ),
    # symbolic
    pytest.param(
        lambda: ou.symbolic.ou.covariance(sympy.Matrix([[1, 0], [0, 0]]), t, lr=1, noise_std=1),
        "jacobian: expected rank 2, got a zero eigenvalue of J Jᵀ",
        id="symbolic-rank-by-eigenvalue",
    ),
    pytest.param(
        lambda: ou.symbolic.ou.stationary_covariance(np.array([[1.1, 2.2], [3.3, 6.6]]), lr=1, noise_std=1),
        "jacobian: expected rank 2, got det(J Jᵀ) = 0",
        id="symbolic-rank-by-determinant",
    ),
    pytest.param(
        lambda: ou.symbolic.ou.covariance(sympy.Matrix([[1, 0]]), t, lr=1, noise_std=1, modes=2 * sympy.eye(1)),
        "modes: expected an orthogonal matrix, got",
        id="modes-not-orthogonal",
    ),
    pytest.param(
        lambda: ou.symbolic.ou.stationary_covariance(sympy.eye(1), lr=1, noise_std=1, batch_size="full"),
        "batch_size: expected a symbol or a number above 0 (n for a full batch), got 'full'",
        id="symbolic-batch-size-word",
    ),
    pytest.param(
        lambda: ou.symbolic.sigmoid_network.stationary_neuron("tanh", 0, norm=1),
        "share, norm: expected a share other than 0 and a norm above 0, got 0 and 1",
        id="share-zero",
    ),
    pytest.param(
        lambda: ou.symbolic.relu_network.kink_cost([], 0, facing="right"),
        "x, kink: expected numbers, and at least one datum, got [] and 0",
        id="kink-cost-no-data",
    ),
    pytest.param(
        lambda: ou.symbolic.sigmoid_network.stationary_neuron("relu", 1, norm=1),
        'activation: expected "tanh" or "logistic", got \'relu\'',
        id="neuron-unknown-activation",
    ),
    pytest.param(
        lambda: ou.symbolic.relu_network.kink_cost([1], 0, facing="up"),
        'facing: expected "right" or "left", got \'up\'',
        id="kink-cost-unknown-facing",
    ),
]


@pytest.mark.parametrize(("call", "message"), CASES)
def test_bad_input_is_one_line_that_names_expected_and_got(call, message):
    with pytest.raises((ValueError, TypeError), match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)


RAGGED = [[1], [2, 3]]


@pytest.mark.parametrize(
    ("name", "call"),
    {
        "theta": lambda: ou.certify(SENSING, RAGGED),
        "noise_std": lambda: ou.local_ou(SENSING, TRUTH, lr=0.01, noise_std=RAGGED),
        "gradient_noise_std": lambda: ou.local_ou(SENSING, TRUTH, lr=0.01, noise_std=0, gradient_noise_std=RAGGED),
        "lr": lambda: sgd(lr=RAGGED),
        "record": lambda: sgd(record=RAGGED),
        "steps": lambda: ou.local_ou(SENSING, TRUTH, lr=0.01, noise_std=0.1).covariance(RAGGED),
        "lag": lambda: ou.local_ou(SENSING, TRUTH, lr=0.01, noise_std=0.1).covariance(lag=RAGGED),
        "times": lambda: ou.regularized_flow(SENSING, TRUTH, times=RAGGED),
    }.items(),
)
def test_rows_of_different_lengths_are_said_to_be_so_whatever_they_are_given_for(name, call):
    with pytest.raises(ValueError, match=f"^{name}: expected an array of real numbers, got rows of different lengths$"):
        call()


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="No ouanalysis attribute regulariser"):
        ou.regulariser  # noqa: B018
