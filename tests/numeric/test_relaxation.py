"""How long the slowest direction takes to relax, and the warnings that come of it, on both sides of each threshold."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest
from rounding import FORMULA

import ouanalysis as ou


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def diagonal(*singular):
    return ou.Setting(linear, np.diag(singular), np.zeros(len(singular)), len(singular))


def warned(call):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    return [str(warning.message) for warning in caught]


def test_in_the_relaxation_steps_the_slowest_direction_forgets_all_but_one_part_in_e():
    local = ou.local_ou(diagonal(1.0, 0.1), np.zeros(2), lr=1e-3, noise_std=0.1)
    assert local.relaxation_steps == pytest.approx(1 / (1e-3 * 2 * 0.01 / 2), rel=FORMULA)
    remembered = local.covariance(lag=round(local.relaxation_steps))[1, 1] / local.covariance()[1, 1]
    assert remembered == pytest.approx(np.exp(-1), rel=FORMULA)


def relaxed_mean(steps, lr, momentum, curvature):
    """What a mean displacement of 1 along a direction of H has come to, step by step."""
    place, velocity = 1.0, 0.0
    for _ in range(steps):
        velocity = momentum * velocity - curvature * place
        place += lr * velocity
    return place


@pytest.mark.parametrize("momentum", [0.0, 0.9])
def test_the_drift_warns_below_the_relaxation_steps_and_not_above(momentum):
    lr, slow = 1e-4, 1e-2
    setting = diagonal(30.0, slow)  # H = 2 diag(900, 1e-4)/2
    relaxation = (1 - momentum) / (lr * slow**2)
    if momentum:  # what momentum shortens it to, as a mean that falls to 1/e says on a faster direction
        steps = round((1 - momentum) / (lr * 0.1))
        # To first order in ηλ/(1 − β)² = 1e-3.
        assert relaxed_mean(steps, lr, momentum, 0.1) == pytest.approx(np.exp(-1), rel=1e-3)
    arguments = {"lr": lr, "noise_std": 0.1, "momentum": momentum}

    def drift(steps):
        return lambda: ou.tangent_drift(setting, np.zeros(2), steps=steps, **arguments)

    below, above = int(0.99 * relaxation), int(1.01 * relaxation)
    (message,) = warned(drift(below))
    assert f"relaxes in {relaxation:.2g} steps, longer than the {below} asked for" in message
    assert not warned(drift(above))
    assert not warned(drift([10, above]))  # the longest counts: one record past the transient
    assert warned(drift([10, below]))


def test_the_drift_warns_above_a_condition_of_a_million_and_not_below():
    for condition, said in ((0.98e6, False), (1.02e6, True)):
        setting = diagonal(1.0, condition**-0.5)
        assert bool(warned(lambda s=setting: ou.tangent_drift(s, np.zeros(2), lr=0.1, noise_std=0.1, steps=10))) == said


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_flow_warns_below_the_relaxation_steps_and_not_above(momentum):
    flow = ou.regularized_flow(ou.Setting(product, [1.0], [2.0], 2), [4.0, 0.5], times=[0.0, 0.1])
    lr, curvature = 1e-3, flow.least_curvature
    relaxation = (1 - momentum) / (lr * curvature)
    for fraction, said in ((0.99, True), (1.01, False)):
        # 0.1 of flow time, at η²σ²/(1 − β)² a step, takes this fraction of the relaxation.
        noise_std = np.sqrt(0.1 / (fraction * relaxation)) * (1 - momentum) / lr
        messages = warned(lambda noise=noise_std: flow.steps(lr=lr, noise_std=noise, momentum=momentum))
        assert bool(messages) == said
        if said:
            assert f"SGD {relaxation:.3g} to relax onto it" in messages[0]
