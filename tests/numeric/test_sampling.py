"""How SGD samples is one value: checked when it is made, compared by what it holds, shared by all that take it."""

import pickle

import numpy as np
import pytest

import ouanalysis as ou

SETTING, THETA = ou.planted_sigmoid_network(n=2, d=2, width=3, rng=0)
WRONG = {
    "a negative step": ({"lr": -1.0}, r"lr: expected a finite number above 0, got -1"),
    "a negative noise": ({"noise_std": -0.1}, r"noise_std: expected a finite number at least 0, got -0\.1"),
    "one negative noise": ({"noise_std": [0.1, -0.2]}, r"noise_std: expected numbers at least 0, got -0\.2"),
    "a noise that is no number": ({"noise_std": "a"}, r"noise_std: expected a finite number at least 0, got 'a'"),
    "no batch": ({"batch_size": 0}, r"batch_size: expected an integer at least 1, got 0"),
    "a batch in words": ({"batch_size": "full"}, r"batch_size: expected an integer at least 1, got 'full'"),
    "a replacement that is no truth": ({"replacement": 3}, r"replacement: expected True or False, got 3"),
    "a momentum of 1": ({"momentum": 1.0}, r"momentum: expected a finite number at least 0 and below 1, got 1"),
    "an infinite gradient noise": ({"gradient_noise_std": np.inf}, r"gradient_noise_std: expected a finite number"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_out_of_range_is_refused_in_one_line(case):
    arguments, message = WRONG[case]
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        ou.Sampling(**{"lr": 0.1, **arguments})


@pytest.mark.parametrize("law", [ou.LocalOU, ou.LinearizedSGD])
def test_a_law_refuses_a_sampling_that_does_not_fit_its_data(law):
    with pytest.raises(ValueError, match=r"^batch_size: expected at most n = 2 without replacement, got 50$"):
        law.at(SETTING, THETA, ou.Sampling(0.1, 0.1, batch_size=50, replacement=False))
    with pytest.raises(ValueError, match=r"^noise_std: expected shape \(2,\), got \(3,\)$"):
        law.at(SETTING, THETA, ou.Sampling(0.02, [0.1, 0.2, 0.3]))


def test_samplings_are_equal_and_hash_by_value():
    one, other = (ou.Sampling(0.1, [0.1, 0.2], momentum=0.5) for _ in range(2))
    assert one == other == pickle.loads(pickle.dumps(one))
    assert len({one, other}) == 1
    assert one != ou.Sampling(0.1, [0.1, 0.3], momentum=0.5)
    assert ou.Sampling(0.1, 0.2) != ou.Sampling(0.1, [0.2, 0.2])
    assert one != "a sampling"


def test_a_sampling_does_not_follow_the_array_it_was_made_of():
    noise = np.array([0.1, 0.2])
    sampling = ou.Sampling(0.1, noise)
    noise[0] = 7.0
    assert sampling == ou.Sampling(0.1, [0.1, 0.2])
    with pytest.raises(ValueError, match="read-only"):
        sampling.noise_std[0] = 7.0


def test_one_dict_of_arguments_goes_through_everything_that_samples():
    how = {"lr": 0.02, "noise_std": [0.1, 0.2], "batch_size": 1, "replacement": False, "momentum": 0.5}
    law = ou.linearized_sgd(SETTING, THETA, **how)
    assert ou.local_ou(SETTING, THETA, **how).sampling == law.sampling
    flow = ou.regularized_flow(SETTING, THETA, times=[0.0, 1e-3], **how)
    each = ou.flow_time(SETTING, **how)
    np.testing.assert_array_equal(flow.steps(**how), flow.times / each)
    assert ou.tangent_drift(SETTING, THETA, steps=3, **how).shape == THETA.shape
    assert ou.label_noise_sgd(SETTING, THETA, steps=3, rng=0, **how).theta.shape == (1, 1, SETTING.dim)
    assert ou.stability(SETTING, THETA).fall_per_step(**{**how, "noise_std": 0.1}) > 0


def test_the_clock_of_the_flow_checks_how_the_batch_is_drawn():
    with pytest.raises(ValueError, match=r"^batch_size: expected at most n = 2 without replacement, got 3$"):
        ou.flow_time(SETTING, lr=0.1, noise_std=0.1, batch_size=3, replacement=False)
