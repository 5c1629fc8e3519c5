"""The law and its notes where a rank below n, or a datum other than 0, tells constants apart."""

import numpy as np
import pytest

import ouanalysis as ou


def test_of_two_proportional_data_the_law_is_that_of_their_one_direction():
    # h = abx, x = (1, 2), (a, b) = (1, 2): J = (1, 2)ᵀ (2, 1), K = 5 (1, 2)ᵀ(1, 2), κ = 25, λ = 2κ/n = 25.
    setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, [1.0, 2.0], [2.0, 4.0], dim=2)
    local = ou.local_ou(setting, [1.0, 2.0], lr=0.01, noise_std=0.1, batch_size=2)
    assert local.eigenvalues == pytest.approx([25.0], rel=1e-14)
    assert local.stationary_variance == pytest.approx(0.01 * 0.01 / 2, rel=1e-14)  # ησ²/B
    assert local.expected_loss() == pytest.approx(0.01 * 0.01 / 2 * 25 / 2, rel=1e-14)  # (ησ²/B) κ/n
    direction = np.array([2.0, 1.0]) / np.sqrt(5)
    np.testing.assert_allclose(local.covariance(), 0.5e-4 * np.outer(direction, direction), rtol=0, atol=1e-14 * 0.5e-4)
    relaxed = -np.expm1(-2 * 25 * 0.01 * 3)
    np.testing.assert_allclose(local.variances(3), [0.5e-4 * relaxed], rtol=1e-14)


def test_a_kinks_clearance_is_its_distance_in_the_parameters():
    # z = a x + b = 0.01 at x = 2 vanishes nearest at a distance |z|/√(1 + x²) = 0.01/√5 = 0.0045 in (a, b).
    setting = ou.ReluNetwork([-1.0, 0.0, 2.0], [0.0, 0.0, 0.01], width=1)
    theta = setting.pack(a=[1.0], b=[-1.99], c=[1.0], alpha=0.0, beta=0.0)
    near = [note for note in ou.local_ou(setting, theta, lr=1e-3, noise_std=0.1).notes if "clearance" in note]
    assert len(near) == 1
    assert "clearance 0.0045" in near[0]


@pytest.mark.parametrize("size", [1e-120, 1e-10, 1.0, 1e10, 1e120])
def test_the_nearest_zero_error_point_does_not_depend_on_the_units_of_h(size):
    # h = size a²: from a = 1.5 to the nearer root of size a² = 4 size.
    setting = ou.MatrixSensing([[[size]]], [4 * size])
    np.testing.assert_allclose(ou.interpolate(setting, [1.5]), [2.0], rtol=1e-7)  # √eps of the labels' scale is asked
