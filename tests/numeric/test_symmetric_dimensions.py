"""Flat directions far from the point, where the curvatures at the point itself lead nowhere."""

import autograd.numpy as anp
import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.numeric.long_time import symmetric_dimensions


def deep(theta, x):
    first, second, third = (theta[..., 9 * k : 9 * k + 9].reshape(*theta.shape[:-1], 3, 3) for k in range(3))
    return anp.sum(x * (third @ second @ first), axis=(-1, -2))


@pytest.fixture(scope="module")
def balanced():
    """Three layers of one spectrum, whose product has singular values a hundred apart: six rotations, reg least."""
    roots = np.diag(np.array([2.0, 0.5, 0.02]) ** (1 / 3))
    weights = np.array([roots, roots, roots])
    setting = ou.Setting(deep, np.eye(9).reshape(-1, 3, 3), (roots @ roots @ roots).ravel(), dim=27)
    flow = ou.regularized_flow(setting, weights.ravel(), times=[1e6])
    return setting, flow.theta[-1]


def test_rotations_between_layers_are_symmetries_where_a_tenth_of_theta_is_too_far(balanced, capfd):
    setting, theta = balanced
    found = ou.stability(setting, theta)
    assert (found.verdict, found.symmetries) == ("minimum up to symmetry", 6)
    assert capfd.readouterr() == ("", "")  # LAPACK complains of what is not finite


def test_no_direction_is_a_symmetry_where_nothing_was_found_along_it(balanced, monkeypatch):
    monkeypatch.setattr(symmetric_dimensions, "_reduced_slope", lambda *_: np.full(6, np.inf))
    found = ou.stability(*balanced)
    assert found.symmetries == 0
    assert found.verdict != "minimum up to symmetry"
