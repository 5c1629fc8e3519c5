"""Averages over the steps of a run against the exact law at rest: each chain is one sample, of however many steps."""

import numpy as np
import pytest
from standard_errors import z_of_mean

import ouanalysis as ou

SETTING, THETA = ou.planted_sigmoid_network(n=2, d=2, width=3, rng=4)
LR = 0.3 * ou.max_stable_lr(SETTING, THETA)
LAW = ou.linearized_sgd(SETTING, THETA, lr=LR, noise_std=1e-3)  # σ so small that θ* hardly moves meanwhile


@pytest.fixture(scope="module")
def averages():
    """Of 200 chains, taken when they have forgotten the start."""
    begun = int(20 * LAW.relaxation_steps)
    asked = ou.Averaging(basis=LAW.basis, loss=True, reg=True, start=begun)
    how = {"lr": LR, "noise_std": 1e-3, "steps": 2 * begun, "chains": 200, "rng": 5}
    return ou.label_noise_sgd(SETTING, THETA, **how, average=asked).averages


def test_loss_averaged_over_steps_is_the_noise_floor(averages):
    assert z_of_mean(averages.loss, LAW.expected_loss()) < 4
    leading = ou.local_ou(SETTING, THETA, lr=LR, noise_std=1e-3).expected_loss()
    assert z_of_mean(averages.loss, leading) > 4


def test_moments_averaged_over_steps_are_those_of_the_exact_law(averages):
    means = (averages.theta - THETA) @ LAW.basis
    moments = averages.covariance + means[:, :, None] * means[:, None]
    assert np.all(z_of_mean(moments, LAW.mode_covariance()) < 4)
