"""A built-in setting against the same model written here as a plain Setting: every verdict, note and number at a point.

The plain one knows nothing but its h: kinks are watched, unseen directions and symmetries found from J and ∇reg.
"""

import warnings
from functools import partial

import numpy as np
import pytest
import strategies
from strategies import written_out

import ouanalysis as ou


def plain(setting):
    """The same model as one function of a user's own."""
    return ou.Setting(written_out(setting), setting.x, setting.y, parts=setting.parts)


def fitted(setting, seed, size=1.0):
    theta = size * np.random.default_rng(seed).standard_normal(setting.dim)
    return setting.with_labels(setting.predictions(theta)), theta


def relu(n, width, seed):
    return fitted(ou.planted_relu_network(n, 1, width=width, rng=seed)[0], seed)


def relu_with_a_kink_on_a_datum():
    setting, theta = relu(5, 4, 3)
    part = setting.unpack(theta)
    b = np.array(part["b"])
    b[1] = -part["a"][1] * setting.x[2]
    theta = setting.pack(**part | {"b": b})
    return setting.with_labels(setting.predictions(theta)), theta


def relu_with_dead_neurons():
    setting = ou.ReluNetwork([-1.0, 0.2, 1.0], np.zeros(3), 5)
    theta = setting.pack(a=[1, 1, -1, 0.5, 0], b=[-3, 0.4, 0.1, 1.2, 0], c=[1, 1, 1, -0.7, 0], alpha=0.2, beta=0)
    return setting.with_labels(setting.predictions(theta)), theta


def at_rest(setting, theta, time=1e4):
    end = ou.regularized_flow(setting, theta, times=[time]).theta[-1]
    return setting, end


def tanh_saddle():
    setting = ou.SigmoidNetwork([[1.0, 2.0]], [0.75], width=3)
    neuron = ou.symbolic.sigmoid_network.stationary_neuron("tanh", 0.375, norm=5**0.5)
    w = np.arctanh(float(neuron.phi)) * np.array([1.0, 2.0]) / 5
    return setting, setting.pack(c=[float(neuron.c)] * 2 + [0.0], W=[w, w, [0.0, 0.0]])


def logistic_minimum():
    setting, _ = ou.planted_sigmoid_network(1, 2, 3, activation="logistic", rng=3)
    return setting, ou.interpolate(setting, ou.minimum(setting).theta)


def balanced_relu():
    setting = ou.ReluNetwork([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0], [0.0, 0.0, 0.0, 1.0, 2.0, 3.0], 2)
    theta = setting.pack(a=[1.0, 0.5], b=[0.0, 0.0], c=[1.0, 0.0], alpha=0.0, beta=0.0)
    return setting, ou.balanced(setting, theta)


CASES = {
    "sensing": lambda: fitted(ou.planted_matrix_sensing(3, 1, 4, rng=0)[0], 0, 0.5),
    "sensing at rest": lambda: at_rest(*fitted(ou.planted_matrix_sensing(3, 1, 2, rng=1)[0], 1, 0.5)),
    "sensing, degenerate": lambda: ou.planted_matrix_sensing(4, 1, 6, rng=5),
    "sensing of a part of the matrix": lambda: fitted(
        ou.MatrixSensing(np.pad(np.random.default_rng(0).standard_normal((2, 2, 2)), ((0, 0), (0, 1), (0, 1))), [0, 0]),
        2,
    ),
    "duplicate sensors": lambda: fitted(ou.MatrixSensing([np.eye(2), np.ones((2, 2)), np.eye(2)], np.zeros(3)), 3),
    "relu": lambda: relu(6, 5, 0),
    "relu, more neurons than data": lambda: relu(4, 12, 1),
    "relu, one datum": lambda: fitted(ou.ReluNetwork([0.7], [0.0], 3), 2),
    "relu, kink on a datum": relu_with_a_kink_on_a_datum,
    "relu, dead neurons": relu_with_dead_neurons,
    "relu, balanced": balanced_relu,
    "tanh": lambda: fitted(ou.planted_sigmoid_network(3, 2, 4, rng=0)[0], 0),
    "tanh at rest": lambda: at_rest(*fitted(ou.planted_sigmoid_network(2, 3, 3, rng=1)[0], 1)),
    "tanh, one datum at rest": lambda: at_rest(*fitted(ou.planted_sigmoid_network(1, 4, 3, rng=2)[0], 2)),
    "tanh, saddle": tanh_saddle,
    "logistic at rest": logistic_minimum,
    "duplicate data": lambda: fitted(ou.SigmoidNetwork([[1.0, 0.3], [1.0, 0.3], [0.2, -1.0]], np.zeros(3), 3), 4),
}
CASES |= {name: partial(fitted, case, 0, 0.5) for name, case in strategies.CASES.items() if written_out(case)}
cases = pytest.mark.parametrize("case", CASES)


@pytest.fixture(scope="module")
def both():
    """The built-in setting, the plain one, and θ, made once each."""
    made = {}

    def get(case):
        if case not in made:
            setting, theta = CASES[case]()
            made[case] = setting, plain(setting), theta
        return made[case]

    return get


def close(found, known, scale=None):
    """To 1e-9 of the largest entry: two ways to compute one h, and at most a few Newton steps."""
    size = np.max(np.abs(known), initial=0.0) if scale is None else scale
    np.testing.assert_allclose(found, known, rtol=0, atol=1e-9 * size)


@cases
def test_stability_is_the_same(both, case):
    setting, own, theta = both(case)
    known, found = ou.stability(setting, theta), ou.stability(own, theta)
    counts = ("verdict", "rank", "symmetries", "unseen", "negative", "zero")
    assert [getattr(found, name) for name in counts] == [getattr(known, name) for name in counts]
    close(found.reg, known.reg)
    close(found.gradient_norm, known.gradient_norm, 1 + known.reg)
    close(found.multipliers, known.multipliers)
    close(found.eigenvalues, known.eigenvalues)
    # Of a Newton step, whose Hessian cancels: half the digits.
    assert found.distance == pytest.approx(known.distance, rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("law", [ou.local_ou, ou.linearized_sgd])
@cases
def test_the_law_and_its_notes_are_the_same(both, case, law):
    setting, own, theta = both(case)
    lr = 0.3 * ou.max_stable_lr(setting, theta)
    known, found = (law(each, theta, lr=lr, noise_std=1e-3) for each in (setting, own))
    assert found.notes == known.notes
    assert repr(found) == repr(known)
    assert found.kink_distance == pytest.approx(known.kink_distance, rel=1e-12)
    own_radius = ("stability_radius",) if law is ou.linearized_sgd else ()
    for name in ("eigenvalues", "max_stable_lr", "relaxation_steps", *own_radius):
        close(getattr(found, name), getattr(known, name))
    for steps in (None, [3, 1000]):
        close(found.covariance(steps), known.covariance(steps))
        close(found.expected_loss(steps), known.expected_loss(steps))
    close(found.mean_residual(), known.mean_residual())


def outcome(compute):
    """What is computed, or the error, and what was warned of."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            value = compute()
        except ValueError as error:
            value = str(error)
    return value, [str(warning.message) for warning in warned]


@cases
def test_the_drift_is_the_same_or_refused_alike(both, case):
    setting, own, theta = both(case)
    lr = 0.3 * ou.max_stable_lr(setting, theta)
    run = {"lr": lr, "noise_std": 1e-3, "steps": [10, 10**5], "momentum": 0.5}
    known, found = (outcome(lambda each=each: ou.tangent_drift(each, theta, **run)) for each in (setting, own))
    assert found[1] == known[1]
    if isinstance(known[0], str):
        assert found[0] == known[0]
    else:
        # Against what ∇reg alone would move θ by in as many steps: at rest the drift itself is rounding.
        pushed = (lr * 1e-3) ** 2 / (1 - 0.5) ** 2 * np.linalg.norm(ou.regularizer_gradient(setting, theta))
        for steps, row, expected in zip(run["steps"], found[0], known[0], strict=True):
            close(row, expected, steps * pushed)


@cases
def test_the_flow_takes_the_same_path_to_the_same_end(both, case):
    setting, own, theta = both(case)
    known, found = (
        outcome(lambda each=each: ou.regularized_flow(each, theta, times=[0.0, 0.01, 0.1])) for each in (setting, own)
    )
    assert len(found[1]) == len(known[1])
    known, found = known[0], found[0]
    if isinstance(known, str):
        assert found == known
        return
    assert found.status == known.status
    # Two integrations, each to rtol = 1e-8 a step.
    np.testing.assert_allclose(found.times, known.times, rtol=1e-5)
    np.testing.assert_allclose(found.theta, known.theta, rtol=0, atol=1e-5 * np.max(np.abs(theta)))
    np.testing.assert_allclose(found.reg, known.reg, rtol=1e-5)


@cases
def test_interpolation_from_beside_ends_at_the_same_point(both, case):
    setting, own, theta = both(case)
    start = theta + 0.05 * np.random.default_rng(0).standard_normal(setting.dim)
    known, found = (outcome(lambda each=each: ou.interpolate(each, start))[0] for each in (setting, own))
    if isinstance(known, str):
        assert found == known
    else:  # where J loses rank on the way, half the digits are lost
        lost = 1e3 if "degenerate" in case else 1.0
        close(found, known, lost * np.max(np.abs(known)))


@cases
def test_what_is_unseen_spans_the_same_space(both, case):
    setting, own, theta = both(case)
    known, found = setting.unseen_directions(theta), own.unseen_directions(theta)
    assert len(found) == np.linalg.matrix_rank(known) if len(known) else len(found) == 0
    if len(known):
        inside = np.linalg.lstsq(found.T, known.T, rcond=None)[0]
        np.testing.assert_allclose(found.T @ inside, known.T, rtol=0, atol=1e-9)


@cases
def test_the_symmetries_that_a_setting_knows_are_all_that_its_flat_directions_show(both, case, monkeypatch):
    setting, _, theta = both(case)
    known = ou.stability(setting, theta)
    monkeypatch.setattr(type(setting), "symmetry_directions", lambda _self, _theta: None)
    found = ou.stability(setting, theta)
    assert (found.verdict, found.symmetries) == (known.verdict, known.symmetries)


def times(theta, x, h, factor):
    return factor * h(theta, x)


@cases
@pytest.mark.parametrize("scale", [1e-100, 1e-9, 1e8, 1e100])
def test_units_of_h_and_y_change_no_verdict(both, case, scale):
    _, own, theta = both(case)
    scaled = ou.Setting(partial(times, h=own.h, factor=scale), own.x, scale * own.y, parts=own.parts)
    known, found = ou.stability(own, theta), ou.stability(scaled, theta)
    counts = ("verdict", "rank", "symmetries", "unseen", "negative", "zero")
    assert [getattr(found, name) for name in counts] == [getattr(known, name) for name in counts]
    assert ou.kink_distance(scaled, theta) == pytest.approx(ou.kink_distance(own, theta), rel=1e-12)
    close(found.reg / scale / scale, known.reg)
    close(found.eigenvalues / scale / scale, known.eigenvalues)
    close(found.multipliers / scale, known.multipliers)
