"""Predictions, gradients and regularizers small enough to do on paper."""

import numpy as np
import pytest

import ouanalysis as ou


def test_matrix_sensing():
    # A = [[0, 1], [0, 0]]: h = (UUᵀ)_01 = 1·3 = 3; S = [[0, 1], [1, 0]], SU = (3, 1), reg = 10; ∇reg = 2 S² U = 2U.
    setting = ou.MatrixSensing([[[0.0, 1.0], [0.0, 0.0]]], [3.0], rank=1)
    theta = [1.0, 3.0]
    assert setting.predictions(theta) == pytest.approx([3.0], rel=1e-14)
    np.testing.assert_allclose(ou.jacobian(setting, theta), [[3.0, 1.0]], rtol=1e-14)
    assert ou.regularizer(setting, theta) == pytest.approx(10.0, rel=1e-14)
    np.testing.assert_allclose(ou.regularizer_gradient(setting, theta), [2.0, 6.0], rtol=1e-14)


def test_relu_network():
    # x = 2, a = 1, b = −1, c = 3: z = 1, h = 3 + 2α + β; g = (6, 3, 1, 2, 1).
    setting = ou.ReluNetwork([2.0, -1.0], [0.0, 0.0], width=1)
    theta = setting.pack(a=[1.0], b=[-1.0], c=[3.0], alpha=0.5, beta=-1.0)
    np.testing.assert_allclose(setting.predictions(theta), [3.0, -1.5], rtol=1e-14)
    np.testing.assert_allclose(ou.jacobian(setting, theta), [[6, 3, 1, 2, 1], [0, 0, 0, -1, 1]], rtol=1e-14)
    assert ou.regularizer(setting, theta) == pytest.approx((51 + 2) / 2, rel=1e-14)
    assert ou.loss(setting, theta) == pytest.approx((9 + 2.25) / 2, rel=1e-14)


@pytest.mark.parametrize(("activation", "phi", "slope"), [("tanh", 0.0, 1.0), ("logistic", 0.5, 0.25)])
def test_sigmoid_network(activation, phi, slope):
    # wᵀx = 0: reg = φ(0)² + c² φ'(0)² ‖x‖² with c = 2, ‖x‖² = 5.
    setting = ou.SigmoidNetwork([[1.0, 2.0]], [0.0], width=1, activation=activation)
    theta = setting.pack(c=[2.0], W=[[2.0, -1.0]])
    assert setting.predictions(theta) == pytest.approx([2 * phi], rel=1e-14)
    assert ou.regularizer(setting, theta) == pytest.approx(phi**2 + 20 * slope**2, rel=1e-14)


def test_quadratic_parametrisation():
    # u = (1, 2), v = (3, 1): β = (−8, 3), h = (−16 + 3, 3); g = 2 (u∘x, −v∘x); w = (2, 1), reg = 4 (2·10 + 5).
    setting = ou.QuadraticParametrisation([[2.0, 1.0], [0.0, 1.0]], [-13.0, 2.0])
    theta = setting.pack(u=[1.0, 2.0], v=[3.0, 1.0])
    np.testing.assert_allclose(setting.predictor(theta), [-8.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(setting.predictions(theta), [-13.0, 3.0], rtol=1e-14)
    np.testing.assert_allclose(ou.jacobian(setting, theta), [[4, 4, -12, -2], [0, 4, 0, -2]], rtol=1e-14)
    assert ou.regularizer(setting, theta) == pytest.approx(100.0, rel=1e-14)
    np.testing.assert_allclose(ou.regularizer_gradient(setting, theta), [16.0, 16.0, 48.0, 8.0], rtol=1e-14)
    assert ou.loss(setting, theta) == pytest.approx(0.5, rel=1e-14)
