"""The paper's theorem on one datum: stationary neurons take one value (tanh) or at most two (logistic).

Blanc et al. 2020 (arXiv:1904.09080), section 4.3; theory.md, section 4.3. Random networks are brought to stationarity
by the flow of reg on the zero-error set, and by label-noise SGD itself.
"""

import numpy as np
import pytest
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis.minima import stationary_preactivations

RTOL = {"tanh": 1e-7, "logistic": 1e-6}
LONG = 1e5  # flow time, in which all of these come to rest

# width, dimension, label, seed. Labels of the logistic such that both kinds of end occur: after a look, 0.4 ≤ W/m ≤ 0.7
# keeps φ' of the smaller neurons from being so small that the flow takes 10⁶ units of time.
NETWORKS = [
    ("tanh", 2, 3, 0.6, 0),
    ("tanh", 3, 2, -1.5, 1),
    ("tanh", 4, 1, 2.5, 2),
    ("tanh", 5, 2, 1.0, 8),
    ("logistic", 2, 2, 1.0, 0),
    ("logistic", 2, 3, -1.4, 1),
    ("logistic", 3, 1, 1.65, 2),
    ("logistic", 3, 2, 1.2, 4),
]


@pytest.fixture(scope="module", params=NETWORKS, ids=str)
def stationary(request):
    """A random network of a random datum where its flow came to rest."""
    activation, width, d, label, seed = request.param
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(1, d))
    setting = ou.SigmoidNetwork(x / np.linalg.norm(x), [label], width, activation)
    start = ou.interpolate(setting, rng.normal(size=setting.dim))
    flow = ou.regularized_flow(setting, start, times=[LONG], method="LSODA", rtol=RTOL[activation])
    assert flow.status == "stationary"
    theta = flow.theta[-1]
    part = setting.unpack(theta)
    # It stops within about 10 rtol of a stationary point; ten times that for what values make of it.
    return setting, theta, part["W"] @ setting.x[0], part["c"], 1e2 * RTOL[activation]


def multiplier(setting, theta):
    """λ of ∇reg = λ ∇h, by least squares."""
    gradient, (slope,) = ou.regularizer_gradient(setting, theta), ou.jacobian(setting, theta)
    return gradient @ slope / (slope @ slope)


def clusters(values, tolerance):
    """The distinct values, to within a tolerance."""
    ordered = np.sort(values)
    return np.split(ordered, np.flatnonzero(np.diff(ordered) > tolerance) + 1)


def test_neurons_take_one_value_of_tanh_and_at_most_two_of_the_logistic(stationary):
    setting, _, z, c, tolerance = stationary
    if setting.activation.name == "tanh":
        active = np.abs(np.tanh(z)) > tolerance
        assert np.all(np.abs(c[~active]) < tolerance)  # the others carry nothing
        assert len(clusters(np.abs(z[active]), tolerance)) == 1
        assert len(clusters(np.abs(c[active]), tolerance)) == 1
        assert np.all(np.sign(c[active] * z[active]) == np.sign(setting.y[0]))
    else:
        assert 1 <= len(clusters(z, tolerance)) <= 2
        assert len(clusters(c, tolerance)) == len(clusters(z, tolerance))
        assert np.all(np.sign(c) == np.sign(setting.y[0]))


def test_these_values_solve_the_stationarity_equation_of_the_multiplier_of_the_network(stationary):
    setting, theta, z, _, tolerance = stationary
    strength = multiplier(setting, theta)
    interval = (1e-2, 6) if setting.activation.name == "tanh" else (-5, 3)
    roots = stationary_preactivations(setting, interval, multiplier=strength)
    assert roots.certified
    assert len(roots.values) == (1 if setting.activation.name == "tanh" else 2)
    if setting.activation.name == "tanh":
        z = np.abs(z[np.abs(np.tanh(z)) > tolerance])
    for value in z:
        assert np.min(np.abs(roots.values - value)) < tolerance


def test_its_end_is_one_of_the_listed_stationary_networks_and_a_minimum(stationary):
    setting, theta, *_, tolerance = stationary
    minima = [network.reg for network in ou.minimum(setting).stationary if network.negative == 0]
    reg = ou.regularizer(setting, theta)
    # reg is above that of the stationary point by the square of the distance to it.
    assert np.min(np.abs(np.array(minima) / reg - 1)) < tolerance**2


def test_two_values_of_the_logistic_do_occur(stationary):
    setting, _, z, _, tolerance = stationary
    if setting.activation.name == "logistic":
        # Equal shares are a minimum while |y|/m < 1/√3, which for the pair of label 1.4 they are not.
        two = len(clusters(z, tolerance)) == 2
        assert two or abs(setting.y[0]) / setting.width < 1 / np.sqrt(3)


def test_from_equal_neurons_the_flow_keeps_them_equal_and_ends_at_a_saddle_of_one_value():
    setting = ou.SigmoidNetwork([[0.6, 0.8]], [1.2], 3)
    start = ou.interpolate(setting, setting.pack(c=[0.8, 0.8, 0.0], W=[[0.5, 0.4], [0.5, 0.4], [0.0, 0.0]]))
    flow = ou.regularized_flow(setting, start, times=[100.0], method="LSODA", rtol=1e-6)
    part = setting.unpack(flow.theta[-1])
    z = part["W"] @ setting.x[0]
    assert flow.status == "stationary"
    w = 1.2 / 2
    # It stops within 10 rtol; ten times that for what values make of it, squared in reg. What is 0 and equal stays so.
    np.testing.assert_allclose(np.tanh(z[:2]) ** 2, w / np.sqrt(1 + w**2), rtol=1e-4)
    assert z[2] == 0
    reg = 2 * 2 * w * (np.sqrt(1 + w**2) - w)
    assert ou.regularizer(setting, flow.theta[-1]) == pytest.approx(reg, rel=1e-8)
    saddle = next(network for network in ou.minimum(setting).stationary if network.active == 2)
    assert saddle.negative == 1
    assert saddle.reg == pytest.approx(reg, rel=FORMULA)


def test_label_noise_leaves_one_tanh_neuron_and_closes_the_gap():
    setting = ou.SigmoidNetwork([[0.6, 0.8]], [1.5], 4)
    start = ou.interpolate(setting, np.abs(np.random.default_rng(0).normal(size=setting.dim)))
    run = {"lr": 0.05, "noise_std": 0.1, "steps": 2_000_000, "rng": 1, "chains": 4, "record": 500_000}
    path = ou.label_noise_sgd(setting, start, **run)
    found = ou.certify(setting, path.theta)
    assert found.relative_gap[0, 0] > 0.3  # it starts well above: 1.5
    # ησ² = 5e-4 is the variance of the noise about the end; after a look, 1e-8 to 1e-5.
    assert np.all(found.relative_gap[:, -1] < 5e-4)
    part = setting.unpack(path.theta[:, -1])
    shares = np.sort(np.abs(part["c"] * np.tanh(part["W"] @ setting.x[0])), axis=-1)
    assert np.all(shares[:, -1] > 1.4)  # of 1.5
    # Noise on a neuron is a multiple of the neuron: those that reg presses down die away.
    assert np.all(shares[:, -2] < 1e-6)
