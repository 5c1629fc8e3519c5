"""Where a model bends: found by watching any model that is written with ouanalysis.activations."""

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from rounding import FORMULA
from strategies import numbers, relu_networks, settings_with_theta

import ouanalysis as ou
from ouanalysis import activations as act

FIELDS = ("preactivations", "clearance", "distance", "jump", "size", "rectified", "dead", "on_data")
ROUNDING = 8 * FORMULA  # of sums of products of up to three numbers up to 2, in all up to 60


def plain(setting):
    return ou.Setting(setting.h, setting.x, setting.y, parts=setting.parts)


def same_kinks(setting, theta):
    known, found = setting.kinks(theta), plain(setting).kinks(theta)
    for name in FIELDS:
        np.testing.assert_allclose(getattr(found, name), getattr(known, name), rtol=FORMULA, atol=FORMULA, err_msg=name)
    assert ou.kink_distance(plain(setting), theta) == pytest.approx(ou.kink_distance(setting, theta), rel=FORMULA)


@given(settings_with_theta(relu_networks()))
def test_the_kinks_of_a_relu_network_are_those_found_by_watching(drawn):
    same_kinks(*drawn)


@given(relu_networks(), numbers(30))
def test_they_are_so_with_kinks_on_data_and_neurons_that_are_dead_or_zero(setting, entries):
    m = setting.width
    b = np.where(np.arange(m) % 2, -setting.x[0] * entries[:m], entries[10 : 10 + m])  # every other kink on x_0
    c = np.where(np.arange(m) % 3, entries[20 : 20 + m], 0.0)
    same_kinks(setting, setting.pack(a=entries[:m], b=b, c=c, alpha=0.0, beta=1.0))


@given(settings_with_theta(relu_networks(), rows=2))
def test_the_smooth_piece_is_the_model_until_a_kink_meets_a_datum_and_linear_in_c_beyond(drawn):
    setting, (theta, other) = drawn
    for piece in (setting.smooth_piece(theta), plain(setting).smooth_piece(theta)):
        np.testing.assert_allclose(piece.predictions(theta), setting.predictions(theta), rtol=0, atol=ROUNDING)
        part = setting.unpack(other)
        active = setting.preactivations(theta) > 0
        z = setting.preactivations(other)
        expected = (active * z) @ part["c"] + part["alpha"] * setting.x + part["beta"]
        np.testing.assert_allclose(piece.predictions(other), expected, rtol=0, atol=ROUNDING)


def deep(theta, x):
    W, V, c = theta[..., :4], anp.reshape(theta[..., 4:12], (*theta.shape[:-1], 2, 4)), theta[..., 12:]
    first = act.relu(W * x[..., None])
    return anp.sum(c * act.leaky_relu(anp.sum(V * first[..., None, :], axis=-1) + 0.3, 0.1), axis=-1)


def test_a_deep_network_has_the_kinks_of_all_its_layers():
    x = np.array([1.0, -0.5, 2.0])
    setting = ou.Setting(deep, x, np.zeros(3), dim=14)
    theta = np.random.default_rng(0).standard_normal(14)
    kinks = setting.kinks(theta)
    first = theta[:4] * x[:, None]
    second = np.maximum(first, 0) @ theta[4:12].reshape(2, 4).T + 0.3
    np.testing.assert_allclose(kinks.preactivations, np.concatenate([first, second], axis=1), rtol=FORMULA)
    np.testing.assert_array_equal(kinks.rectified, [True] * 4 + [False] * 2)
    # ∇z of the first layer is x_i; of the second, by hand, (V where active) x and relu(z).
    active = (first > 0)[:, None, :] * theta[4:12].reshape(1, 2, 4) * x[:, None, None]
    slope = np.sqrt(np.sum(active**2, axis=-1) + np.sum(np.maximum(first, 0) ** 2, axis=-1)[:, None])
    np.testing.assert_allclose(kinks.clearance[:, 4:], np.abs(second) / slope, rtol=FORMULA)
    np.testing.assert_allclose(kinks.clearance[:, :4], np.abs(theta[:4]) * np.ones((3, 1)), rtol=FORMULA)


def test_moving_theta_by_the_clearance_along_the_gradient_reaches_the_kink():
    setting = ou.Setting(deep, [1.0, -0.5, 2.0], np.zeros(3), dim=14)
    theta = np.random.default_rng(3).standard_normal(14)
    kinks = setting.kinks(theta)
    step = 2.0**-20  # no truncation, as z is linear in each parameter; eps of z over the step is 1e-9 at most
    moved = [setting.preactivations(theta + e) - setting.preactivations(theta - e) for e in step * np.eye(14)]
    slopes = np.linalg.norm(moved, axis=0) / (2 * step)
    np.testing.assert_allclose(kinks.clearance, np.abs(kinks.preactivations) / slopes, rtol=4e-9)


def test_a_branch_whose_sides_agree_is_no_kink():
    def softplus(theta, x):
        z = theta[..., 0] * x + theta[..., 1]
        return act.where_positive(z, z + anp.log1p(anp.exp(-z)), anp.log1p(anp.exp(z))) * theta[..., 2]

    setting = ou.Setting(softplus, [0.0, 1.0], [0.0, 0.0], dim=3)
    assert setting.branches.count == 0
    assert ou.kink_distance(setting, [1.0, 0.0, 1.0]) == np.inf
    assert setting.kinks([1.0, 0.0, 1.0]).distance.shape == setting.preactivations([1.0, 0.0, 1.0]).shape == (2, 0)


@pytest.mark.parametrize(
    ("name", "h"),
    [
        ("maximum", lambda theta, x: anp.maximum(theta[..., 0] * x, 0.0)),
        ("where", lambda theta, x: anp.where(theta[..., 0] * x > 0, theta[..., 0] * x, 0.0)),
        ("abs", lambda theta, x: anp.abs(theta[..., 0] * x)),
        ("abs", lambda theta, x: abs(theta[..., 0] * x)),
        ("greater", lambda theta, x: (theta[..., 0] * x > 0) * theta[..., 0] * x),
        ("clip", lambda theta, x: anp.clip(theta[..., 0] * x, -3.0, 3.0)),
        ("max", lambda theta, x: anp.max(theta[..., :1] * x[..., None], axis=-1)),
    ],
)
def test_kinks_that_cannot_be_known_are_said_not_to_be(name, h):
    setting = ou.Setting(h, [1.0, 2.0], [1.0, 2.0], dim=1)
    assert name in setting.branches.unknown
    assert np.isnan(ou.kink_distance(setting, [1.0]))
    local = ou.local_ou(setting, [1.0], lr=0.01, noise_std=0.1)
    assert any("kinks are not known and not watched for, as h decides by" in note for note in local.notes)
    assert "kinks are not known" in repr(ou.stability(setting, [1.0]))


def test_a_model_that_moves_its_axes_before_it_branches_says_that_its_kinks_are_not_known():
    def transposed(theta, x):
        return anp.sum(anp.moveaxis(act.relu(anp.moveaxis(theta * x[..., None], -1, 0)), 0, -1), axis=-1)

    setting = ou.Setting(transposed, [1.0, -1.0], [1.0, 1.0], dim=3)
    assert "moves the leading axes" in setting.branches.unknown
    assert np.isnan(ou.kink_distance(setting, [1.0, 2.0, 3.0]))


@pytest.mark.parametrize(
    ("function", "kinks"),
    [
        (act.relu, [0.0]),
        (act.absolute, [0.0]),
        (act.leaky_relu, [0.0]),
        (act.sign, [0.0]),
        (lambda z: act.clip(z, -1.0, 0.5), [-1.0, 0.5]),
        (lambda z: act.maximum(z, 2.0), [2.0]),
        (lambda z: act.minimum(z, 2.0), [2.0]),
    ],
)
def test_every_branching_activation_knows_its_kinks(function, kinks):
    setting = ou.Setting(lambda theta, x: theta[..., 1] * function(theta[..., 0] + x), [0.0], [1.0], dim=2)
    for kink in kinks:
        assert len(setting.kinks(np.array([kink, 1.0])).on_data)
        # The difference of numbers up to 2.
        assert ou.kink_distance(setting, [kink + 0.01, 1.0]) == pytest.approx(0.01, abs=FORMULA)


def test_linear_parts_are_found_from_values_alone():
    for setting, _ in (ou.planted_relu_network(4, 1, width=3, rng=0), ou.planted_sigmoid_network(3, 2, 3, rng=0)):
        np.testing.assert_array_equal(plain(setting).linear_part(), setting.linear_part())
    product = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x + theta[..., 2] ** 2, [1.0], [1.0], dim=3)
    np.testing.assert_array_equal(product.linear_part(), [0])


def end_of(setting, start):
    try:
        return ou.interpolate(setting, start)
    except ou.InterpolationError as error:
        return str(error)


def test_a_plain_relu_network_is_interpolated_as_the_built_in_one_through_its_linear_part_too():
    setting, _ = ou.planted_relu_network(5, 1, width=6, rng=1)
    by_linear_part = 0
    for seed in range(20):
        start = np.random.default_rng(seed).standard_normal(setting.dim)
        known, found = end_of(setting, start), end_of(plain(setting), start)
        if isinstance(known, str):
            assert found == known
        else:
            np.testing.assert_array_equal(found, known)  # the same steps
            by_linear_part += np.array_equal(known[:12], start[:12])
    assert by_linear_part > 0
