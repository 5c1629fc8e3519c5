"""The one concept: data are copied and frozen, parameters packed and unpacked, h broadcasts."""

import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from strategies import any_setting, numbers, settings_with_theta

import ouanalysis as ou


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


@given(settings_with_theta(rows=2))
def test_unpacking_and_packing_gives_theta_back(drawn):
    setting, theta = drawn
    np.testing.assert_array_equal(setting.pack(**setting.unpack(theta)), theta)


@given(settings_with_theta(rows=3))
def test_h_on_stacked_parameters_is_h_on_one_at_a_time(drawn):
    setting, theta = drawn
    one_at_a_time = [[setting.h(row, point) for point in setting.x] for row in theta]
    np.testing.assert_allclose(setting.predictions(theta), one_at_a_time, rtol=1e-13, atol=1e-13)


@given(any_setting)
def test_a_setting_survives_pickling_with_its_arrays_still_read_only(setting):
    copy = pickle.loads(pickle.dumps(setting))
    theta = np.linspace(-1, 1, setting.dim)
    np.testing.assert_array_equal(copy.predictions(theta), setting.predictions(theta))
    assert not copy.x.flags.writeable
    assert not copy.y.flags.writeable
    assert repr(copy) == repr(setting)


def test_data_are_copied_and_read_only():
    x, y = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    setting = ou.Setting(product, x, y, dim=2)
    x[0] = 7.0
    assert setting.x[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        setting.x[0] = 3.0
    with pytest.raises(AttributeError):
        setting.dim = 3


def test_two_settings_are_equal_only_if_they_are_one():
    setting = ou.Setting(product, [1.0], [1.0], dim=2)
    assert setting == setting
    assert setting != ou.Setting(product, [1.0], [1.0], dim=2)
    assert len({setting, setting}) == 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("extra", [0, 1, 4])
@pytest.mark.parametrize("changes", [0, 1, 3])
def test_planted_relu_points_change_convexity_as_often_as_asked(changes, extra, seed):
    setting, theta = ou.planted_relu_network(3 + changes + extra, changes, rng=seed)
    bends = np.diff(np.diff(setting.y) / np.diff(setting.x))
    assert np.count_nonzero(np.diff(np.sign(bends))) == changes
    np.testing.assert_allclose(setting.predictions(theta), setting.y, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("d", "rank"), [(1, 1), (3, 1), (3, 2), (6, 6)])
def test_planted_matrix_has_the_rank_and_unit_trace(d, rank):
    setting, theta = ou.planted_matrix_sensing(d, rank, 3, rng=8)
    factor = setting.unpack(theta)["U"]
    assert np.linalg.matrix_rank(factor @ factor.T) == rank
    assert np.trace(factor @ factor.T) == pytest.approx(1.0, rel=1e-14)
    assert setting.rank == d
    assert ou.loss(setting, theta) < 1e-25


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_planted_sigmoid_labels_are_reached_on_the_unit_sphere(activation):
    setting, theta = ou.planted_sigmoid_network(4, 3, 5, activation=activation, rng=1)
    assert ou.loss(setting, theta) == 0
    np.testing.assert_allclose(np.linalg.norm(setting.x, axis=1), 1, rtol=1e-14)


@given(numbers(4))
def test_relu_and_its_kin_are_the_functions_they_name(z):
    np.testing.assert_array_equal(ou.activations.relu(z), np.maximum(z, 0))
    np.testing.assert_array_equal(ou.activations.maximum(z, z[::-1]), np.maximum(z, z[::-1]))
    np.testing.assert_array_equal(ou.activations.sign(z), np.sign(z))


def test_logistic_does_not_overflow():
    with np.errstate(all="raise"):
        np.testing.assert_array_equal(ou.activations.logistic(np.array([-700.0, 0.0, 700.0])), [np.exp(-700), 0.5, 1])


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_saturated_neurons_have_derivatives_without_nan_or_overflow(activation):
    setting = ou.SigmoidNetwork([[1.0]], [0.5], 1, activation)
    for z in (-1500.0, -400.0, 400.0, 720.0):
        with np.errstate(over="raise", invalid="raise"):
            assert np.isfinite(ou.regularizer_gradient(setting, [0.5, z])).all()


def test_the_tail_of_the_logistic_keeps_its_digits():
    setting = ou.SigmoidNetwork([[1.0]], [0.5], 1, "logistic")
    # φ ≈ φ' ≈ e^z: reg = φ² + c²φ'², to 2e^z relatively.
    assert ou.symbolic.regularizer(setting)([1.0, -800.0]) == 0.0
    expected = 2 * np.exp(-80.0)
    assert ou.regularizer(setting, [1.0, -40.0]) == pytest.approx(expected, rel=1e-12)
    assert ou.symbolic.regularizer(setting)([1.0, -40.0]) == pytest.approx(expected, rel=1e-12)


def test_a_kink_on_a_datum_has_derivative_zero():
    setting = ou.ReluNetwork([1.0], [0.0], width=1)
    theta = setting.pack(a=[1.0], b=[-1.0], c=[3.0], alpha=0.0, beta=0.0)
    np.testing.assert_array_equal(ou.jacobian(setting, theta)[0], [0, 0, 0, 1, 1])


def mixes_its_rows(theta, x):
    return theta[..., 0] * anp.ones_like(x) * anp.mean(theta)


def test_a_model_that_mixes_its_rows_is_refused():
    with pytest.raises(ValueError, match="h: expected the same values on stacked theta and x as on one at a time"):
        ou.Setting(mixes_its_rows, [1.0, 2.0], [0.0, 0.0], dim=2)
