"""What must not change, or change in a known way, when the problem is turned about."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from strategies import any_setting, matrix_sensings, numbers, relu_networks, settings_with_theta, sigmoid_networks

import ouanalysis as ou

EPS = np.finfo(float).eps
# Sums of at most 27 products of numbers up to 2, of three or four factors: up to 400, in another order.
LOSSLESS = {"rtol": 1e-12, "atol": 1e-12}


@given(settings_with_theta(st.one_of(relu_networks(), sigmoid_networks())), st.randoms())
def test_permuting_neurons_changes_neither_predictions_nor_regularizer(drawn, random):
    setting, theta = drawn
    order = list(range(setting.width))
    random.shuffle(order)
    permuted = setting.pack(**{k: v[order] if v.ndim else v for k, v in setting.unpack(theta).items()})
    np.testing.assert_allclose(setting.predictions(permuted), setting.predictions(theta), **LOSSLESS)
    np.testing.assert_allclose(ou.regularizer(setting, permuted), ou.regularizer(setting, theta), **LOSSLESS)


def orthogonal(setting, entries):
    return np.linalg.qr(np.resize(entries, (setting.rank, setting.rank)) + 3 * np.eye(setting.rank))[0]


@given(settings_with_theta(matrix_sensings()), numbers(9))
def test_rotating_u_changes_neither_predictions_nor_regularizer(drawn, entries):
    setting, theta = drawn
    rotated = setting.pack(U=setting.unpack(theta)["U"] @ orthogonal(setting, entries))
    np.testing.assert_allclose(setting.predictions(rotated), setting.predictions(theta), **LOSSLESS)
    np.testing.assert_allclose(ou.regularizer(setting, rotated), ou.regularizer(setting, theta), **LOSSLESS)


def test_rotating_the_start_rotates_the_whole_path():
    setting, _ = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    start = np.random.default_rng(0).normal(size=(3, 3)) / 2
    rotation = orthogonal(setting, np.arange(9.0))
    run = {"lr": 0.01, "noise_std": 0.2, "steps": 2000, "rng": 7, "record": 500}
    path = setting.unpack(ou.label_noise_sgd(setting, start.ravel(), **run).theta)["U"]
    rotated = setting.unpack(ou.label_noise_sgd(setting, (start @ rotation).ravel(), **run).theta)["U"]
    # A rounding a step, carried on by a nearly neutral motion, as in test_kernels_against_autograd.
    np.testing.assert_allclose(rotated, path @ rotation, rtol=0, atol=2000 * EPS * np.max(np.abs(path)))


@given(settings_with_theta(relu_networks()), st.floats(0.25, 4))
def test_rescaling_relu_neurons_keeps_the_function_and_scales_the_parts_of_the_regularizer(drawn, scale):
    setting, theta = drawn
    part = setting.unpack(theta)
    scaled = setting.pack(**{**part, "a": scale * part["a"], "b": scale * part["b"], "c": part["c"] / scale})
    np.testing.assert_allclose(setting.predictions(scaled), setting.predictions(theta), **LOSSLESS)
    active = part["a"] * setting.x[:, None] + part["b"] > 0
    outer = np.sum(np.where(active, part["a"] * setting.x[:, None] + part["b"], 0) ** 2) / setting.n
    constant = np.mean(1 + setting.x**2)
    inner = ou.regularizer(setting, theta) - outer - constant
    expected = scale**2 * outer + inner / scale**2 + constant
    # `inner` has the rounding of reg, up to 64 terms, and is multiplied by up to 16.
    rounding = 16 * 64 * EPS * ou.regularizer(setting, theta)
    np.testing.assert_allclose(ou.regularizer(setting, scaled), expected, rtol=0, atol=rounding)


@given(settings_with_theta(any_setting), st.floats(0.1, 10))
def test_scaling_sigma_scales_the_covariance_by_its_square(drawn, scale):
    setting, theta = drawn
    fitted = ou.Setting(setting.h, setting.x, setting.predictions(theta), setting.dim)
    one = ou.local_ou(fitted, theta, lr=1e-6, noise_std=1.0).covariance(5)
    many = ou.local_ou(fitted, theta, lr=1e-6, noise_std=scale).covariance(5)
    # The same products but for one factor: the few roundings of p = 14 of them, of any size.
    np.testing.assert_allclose(many, scale**2 * one, rtol=0, atol=64 * EPS * np.max(np.abs(many)))


@pytest.mark.parametrize("noise", ["gaussian", "rademacher"])
def test_sigma_zero_is_sgd_without_noise(noise):
    setting, truth = ou.planted_sigmoid_network(3, 2, 4, rng=0)
    run = {"lr": 0.05, "noise_std": 0.0, "steps": 50, "record": 1}
    start = truth + 0.1
    full = ou.label_noise_sgd(setting, start, batch_size="full", noise=noise, rng=1, **run)
    theta = start.copy()
    for step in range(50):
        residual = setting.predictions(theta) - setting.y
        theta = theta - 0.05 * 2 / setting.n * residual @ ou.jacobian(setting, theta)
        np.testing.assert_allclose(full.theta[0, step + 1], theta, rtol=1e-12)  # a few eps a step
    at_rest = ou.label_noise_sgd(setting, truth, noise=noise, rng=1, **run)
    np.testing.assert_allclose(at_rest.theta[0], np.broadcast_to(truth, (51, setting.dim)), rtol=0, atol=50 * EPS)
