"""The one concept: data are copied and frozen, parameters packed and unpacked, h broadcasts."""

import copy
import functools
import pickle

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from rounding import FORMULA, SUMS
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
    # Sums of at most 27 products of numbers up to 2.
    one_at_a_time = [[setting.h(row, point) for point in setting.x] for row in theta]
    np.testing.assert_allclose(setting.predictions(theta), one_at_a_time, rtol=0, atol=2 * SUMS)


@given(any_setting)
def test_a_setting_survives_pickling_with_its_arrays_still_read_only(setting):
    twin = pickle.loads(pickle.dumps(setting))
    theta = np.linspace(-1, 1, setting.dim)
    np.testing.assert_array_equal(twin.predictions(theta), setting.predictions(theta))
    assert not twin.x.flags.writeable
    assert not twin.y.flags.writeable
    assert repr(twin) == repr(setting)


def test_data_are_copied_and_read_only():
    x, y = np.array([1.0, 2.0]), np.array([0.0, 1.0])
    setting = ou.Setting(product, x, y, dim=2)
    x[0] = 7.0
    assert setting.x[0] == 1.0
    with pytest.raises(ValueError, match="read-only"):
        setting.x[0] = 3.0
    with pytest.raises(AttributeError):
        setting.dim = 3


def test_settings_are_equal_and_hash_by_value():
    setting = ou.Setting(product, [1.0], [1.0], dim=2)
    same, others = (
        ou.Setting(product, [1.0], [1.0], dim=2),
        [
            ou.Setting(product, [1.0], [2.0], dim=2),
            ou.Setting(product, [2.0], [1.0], dim=2),
            ou.Setting(product, [1.0], [1.0], parts={"a": (), "b": ()}),
            ou.Setting(lambda theta, x: product(theta, x), [1.0], [1.0], dim=2),
            ou.MatrixSensing([[[1.0]]], [1.0]),
        ],
    )
    assert setting == same
    assert hash(setting) == hash(same)
    assert setting not in others
    assert setting != "a setting"
    assert len({setting, same, *others}) == 6


@given(any_setting)
def test_a_setting_is_its_copy_and_equal_to_its_twin(setting):
    assert copy.copy(setting) is setting
    assert copy.deepcopy(setting) is setting
    twin = pickle.loads(pickle.dumps(setting))
    assert twin == setting
    assert hash(twin) == hash(setting)
    assert setting != setting.with_labels(setting.y + 1)
    assert setting == setting.with_labels(setting.y + 1).with_labels(setting.y)


def test_a_zero_of_either_sign_is_the_same_datum():
    assert ou.Setting(product, [0.0], [1.0], dim=2) == ou.Setting(product, [-0.0], [1.0], dim=2)


@pytest.mark.parametrize(
    "h", [lambda theta, x: product(theta, x), functools.partial(lambda theta, x, k: k * product(theta, x), k=1)]
)
def test_what_cannot_be_pickled_says_why(h):
    with pytest.raises(pickle.PicklingError, match=r"h: expected a function that pickles \(defined at module level"):
        pickle.dumps(ou.Setting(h, [1.0], [1.0], dim=2))


def test_parts_name_the_parameters():
    parts = {"W": (3, 2), "c": 3}
    setting = ou.Setting(lambda theta, x: anp.sum(theta, axis=-1) * x, [1.0], [0.0], parts=parts)
    assert setting.dim == 9
    assert setting.parts == {"W": (3, 2), "c": (3,)}
    theta = setting.pack(W=np.arange(6.0).reshape(3, 2), c=[6.0, 7.0, 8.0])
    np.testing.assert_array_equal(theta, np.arange(9.0))
    np.testing.assert_array_equal(setting.unpack(theta)["c"], [6.0, 7.0, 8.0])
    setting.parts["W"] = ()
    assert setting.parts["W"] == (3, 2)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("extra", [0, 1, 4])
@pytest.mark.parametrize("changes", [0, 1, 3])
def test_planted_relu_points_change_convexity_as_often_as_asked(changes, extra, seed):
    setting, theta = ou.planted_relu_network(3 + changes + extra, changes, rng=seed)
    bends = np.diff(np.diff(setting.y) / np.diff(setting.x))
    assert np.count_nonzero(np.diff(np.sign(bends))) == changes
    np.testing.assert_allclose(setting.predictions(theta), setting.y, rtol=0, atol=SUMS * np.max(np.abs(setting.y)))


@pytest.mark.parametrize(("d", "rank"), [(1, 1), (3, 1), (3, 2), (6, 6)])
def test_planted_matrix_has_the_rank_and_unit_trace(d, rank):
    setting, theta = ou.planted_matrix_sensing(d, rank, 3, rng=8)
    factor = setting.unpack(theta)["U"]
    assert np.linalg.matrix_rank(factor @ factor.T) == rank
    assert np.trace(factor @ factor.T) == pytest.approx(1.0, rel=FORMULA)
    assert setting.rank == d
    assert ou.loss(setting, theta) < SUMS**2


@pytest.mark.parametrize("activation", ["tanh", "logistic"])
def test_planted_sigmoid_labels_are_reached_on_the_unit_sphere(activation):
    setting, theta = ou.planted_sigmoid_network(4, 3, 5, activation=activation, rng=1)
    assert ou.loss(setting, theta) == 0
    np.testing.assert_allclose(np.linalg.norm(setting.x, axis=1), 1, rtol=FORMULA)


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
    assert ou.regularizer(setting, [1.0, -40.0]) == pytest.approx(expected, rel=FORMULA, abs=0)
    assert ou.symbolic.regularizer(setting)([1.0, -40.0]) == pytest.approx(expected, rel=FORMULA, abs=0)


def test_a_kink_on_a_datum_has_derivative_zero():
    setting = ou.ReluNetwork([1.0], [0.0], width=1)
    theta = setting.pack(a=[1.0], b=[-1.0], c=[3.0], alpha=0.0, beta=0.0)
    np.testing.assert_array_equal(ou.jacobian(setting, theta)[0], [0, 0, 0, 1, 1])


def mixes_its_rows(theta, x):
    return theta[..., 0] * anp.ones_like(x) * anp.mean(theta)


def test_a_model_that_mixes_its_rows_is_refused():
    with pytest.raises(ValueError, match="h: expected the same values on stacked theta and x as on one at a time"):
        ou.Setting(mixes_its_rows, [1.0, 2.0], [0.0, 0.0], dim=2)
