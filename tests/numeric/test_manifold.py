"""Reaching the zero-error set, and being refused off it."""

import autograd.numpy as anp
import numpy as np
import pytest
from rounding import FORMULA, SUMS

import ouanalysis as ou


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("distance", [1e-6, 0.01, 0.3])
def test_a_point_near_the_set_is_brought_onto_it_and_not_far_away(seed, distance):
    rng = np.random.default_rng(seed)
    setting, truth = ou.planted_sigmoid_network(2, 3, 4, rng=rng)
    start = truth + distance * rng.normal(size=setting.dim) / np.sqrt(setting.dim)
    end = ou.interpolate(setting, start)
    assert np.max(np.abs(setting.predictions(end) - setting.y)) < SUMS
    # ‖J⁺‖ times the residual that a move of that length makes: ‖J‖ is about 2 here, and J turns on the way.
    assert np.linalg.norm(end - start) < 5 * distance / np.linalg.svd(ou.jacobian(setting, truth))[1][-1]


def test_the_nearest_point_of_a_line_is_found():
    setting = ou.Setting(line, [[3.0, 4.0]], [10.0], dim=2)
    np.testing.assert_allclose(ou.interpolate(setting, [0.0, 0.0]), [1.2, 1.6], rtol=FORMULA)


def line(theta, x):
    return anp.sum(theta * x, axis=-1)


def test_random_relu_networks_are_brought_onto_their_data():
    setting = ou.ReluNetwork([-1.0, -0.6, -0.2, 0.2, 0.6, 1.0], [0.6, 0.2, -0.2, -0.1, 0.3, 0.2], width=60)
    rng = np.random.default_rng(5)
    ends = [ou.interpolate(setting, rng.normal(size=setting.dim) / 60**0.25) for _ in range(10)]
    assert np.max(ou.loss(setting, ends)) < SUMS**2


def test_labels_out_of_reach_are_refused_with_the_residual_that_is_left():
    setting = ou.SigmoidNetwork([[1.0], [1.0]], [0.0, 2.0], width=3)
    with pytest.raises(ou.InterpolationError, match=r"largest residual of 3\.0e-08, stopped at 1;"):
        ou.interpolate(setting, np.ones(6))
    assert issubclass(ou.InterpolationError, ValueError)


def test_local_ou_off_the_set_says_how_far_off_and_what_to_call():
    setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
    with pytest.raises(ValueError, match=r"got residual 1\.75; call interpolate\(setting, theta\) first"):
        ou.local_ou(setting, [1.5], lr=0.01, noise_std=1.0)


def test_an_end_point_is_judged_where_it_ends():
    setting = ou.MatrixSensing([[[1.0]]], y=[-1.0])
    with pytest.raises(ou.InterpolationError, match="stopped at 1"):
        ou.interpolate(setting, [1e7])
    with pytest.raises(ou.InterpolationError):
        ou.interpolate(setting, [1e200])
