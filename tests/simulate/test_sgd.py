"""SGD itself: noise is data, divergence is a status, records are where they were asked for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import ouanalysis as ou
from ouanalysis.simulate import Seed, engine, segments
from ouanalysis.simulate.draws import draw_noise
from ouanalysis.simulate.storage import Stored
from ouanalysis.simulate.trajectory import observe

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11}


def observed(setting, theta, steps):
    """What comes of states that no run has been through."""
    seed = Seed.of(np.random.default_rng(0))
    made = {"arguments": {"steps": steps[-1]}, "seed": seed, "versions": {}, "state": None, "witness": None}
    return observe(Stored(setting=setting, theta=theta, steps=steps, observed={}, **made))


def generic(setting):
    """The same model without its kernel, which runs by autograd."""
    return ou.Setting(setting.h, setting.x, setting.y, setting.dim)


@pytest.mark.parametrize("setting", [SETTING, generic(SETTING)])
@pytest.mark.parametrize("batch_size", [1, 3, "full"])
@pytest.mark.parametrize("noise", ["gaussian", "rademacher"])
def test_a_path_depends_on_neither_segment_length_nor_threads(setting, batch_size, noise, monkeypatch):
    def run():
        return ou.label_noise_sgd(
            setting, TRUTH, steps=700, chains=3, batch_size=batch_size, noise=noise, record=350, **RUN
        ).theta

    expected = run()
    for length, threads in [(1, 1), (511 * 4, 2), (512 * 4, 1), (700 * 4, 8)]:
        monkeypatch.setattr(segments, "SEGMENT", length)
        monkeypatch.setattr(engine.os, "cpu_count", lambda threads=threads: threads)
        np.testing.assert_array_equal(run(), expected)


def test_a_longer_run_begins_as_the_shorter_one_and_more_chains_begin_with_the_fewer():
    short = ou.label_noise_sgd(SETTING, TRUTH, steps=100, chains=2, **RUN)
    long = ou.label_noise_sgd(SETTING, TRUTH, steps=300, chains=5, record=[100], **RUN)
    np.testing.assert_array_equal(long.theta[:2, 0], short.theta[:, 0])
    assert not np.array_equal(long.theta[0], long.theta[1])


def test_a_seed_repeats_and_a_generator_goes_on():
    rng = np.random.default_rng(11)
    run = {**RUN, "rng": rng, "steps": 20}
    first, second = ou.label_noise_sgd(SETTING, TRUTH, **run), ou.label_noise_sgd(SETTING, TRUTH, **run)
    np.testing.assert_array_equal(first.theta, ou.label_noise_sgd(SETTING, TRUTH, steps=20, **RUN).theta)
    assert not np.array_equal(first.theta, second.theta)


@given(steps=st.integers(0, 50), stride=st.integers(1, 60))
def test_a_stride_records_the_start_the_strides_and_the_end(steps, stride):
    trajectory = ou.label_noise_sgd(SETTING, TRUTH, steps=steps, record=stride, **RUN)
    assert trajectory.steps.tolist() == sorted({*range(0, steps + 1, stride), steps})
    np.testing.assert_array_equal(trajectory.theta[0, 0], TRUTH)


def test_records_at_given_steps_are_those_of_a_full_record():
    every = ou.label_noise_sgd(SETTING, TRUTH, steps=40, record=1, **RUN)
    some = ou.label_noise_sgd(SETTING, TRUTH, steps=40, record=[0, 3, 17], **RUN)
    assert some.steps.tolist() == [0, 3, 17, 40]
    np.testing.assert_array_equal(some.theta[0], every.theta[0, [0, 3, 17, 40]])
    np.testing.assert_allclose(some.loss, ou.loss(SETTING, some.theta), rtol=1e-14)
    np.testing.assert_allclose(some.reg, ou.regularizer(SETTING, some.theta), rtol=1e-14)


def test_without_a_record_only_the_last_state_is_kept():
    trajectory = ou.label_noise_sgd(SETTING, TRUTH, steps=5, chains=2, **RUN)
    assert trajectory.theta.shape == (2, 1, 9)
    assert trajectory.steps.tolist() == [5]


def test_every_chain_can_have_its_own_start():
    starts = TRUTH + np.array([[0.0], [0.1]])
    trajectory = ou.label_noise_sgd(SETTING, starts, steps=3, chains=2, record=3, **RUN)
    np.testing.assert_array_equal(trajectory.theta[:, 0], starts)


@pytest.mark.parametrize("setting", [SETTING, generic(SETTING)])
def test_divergence_ends_a_chain_with_a_status_and_leaves_the_others(setting):
    starts = np.stack([TRUTH, 1e3 * np.ones(9), TRUTH])
    trajectory = ou.label_noise_sgd(setting, starts, steps=200, chains=3, record=50, **RUN)
    assert trajectory.status.tolist() == ["finished", "diverged", "finished"]
    assert trajectory.diverged.tolist() == [False, True, False]
    assert np.isnan(trajectory.theta[1, 1:]).all()
    assert np.isnan(trajectory.loss[1, 1:]).all()
    assert np.isfinite(trajectory.theta[[0, 2]]).all()
    assert "1 of 3 chains diverged" in repr(trajectory)


@pytest.mark.parametrize("setting", [SETTING, generic(SETTING)])
def test_chains_go_on_through_the_segments_after_another_has_diverged(setting, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT", 16)
    starts = np.stack([1e3 * np.ones(9), TRUTH])
    trajectory = ou.label_noise_sgd(setting, starts, steps=60, chains=2, record=20, **RUN)
    assert trajectory.status.tolist() == ["diverged", "finished"]
    alone = ou.label_noise_sgd(setting, np.stack([TRUTH, TRUTH]), steps=60, chains=2, record=20, **RUN)
    np.testing.assert_array_equal(trajectory.theta[1], alone.theta[1])


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def total(theta, x):
    return (theta[..., 0] + theta[..., 1]) * x


@pytest.mark.parametrize(
    ("h", "overflowing", "reg"),
    [
        pytest.param(total, [1e200, 0.0], 2.0, id="loss alone"),  # h² = 1e400, ‖g‖² = 2
        pytest.param(product, [1e200, 1e200], np.inf, id="loss and regularizer"),
    ],
)
def test_a_state_whose_loss_overflows_has_it_infinite_and_the_chain_goes_on(h, overflowing, reg):
    setting = ou.Setting(h, [1.0], [0.0], dim=2)
    left = observed(setting, np.array([[[1.0, 2.0], overflowing, [1.0, 2.0]]]), np.array([0, 1, 2]))
    assert left.status.tolist() == ["finished"]
    assert np.isfinite(left.loss).tolist() == [[True, False, True]]
    assert (left.loss[0, 1], left.reg[0, 1]) == (np.inf, reg)
    start = ou.label_noise_sgd(setting, overflowing, steps=0, **RUN)
    assert (start.status.tolist(), start.loss.tolist()) == (["finished"], [[np.inf]])


def test_a_state_that_overflows_has_diverged_and_so_have_those_after_it():
    setting = ou.Setting(total, [1.0], [0.0], dim=2)
    states = np.array([[[1.0, 2.0], [np.inf, 0.0], [1.0, 2.0]], [[1.0, 2.0]] * 3])
    left = observed(setting, states, np.array([0, 1, 2]))
    assert left.status.tolist() == ["diverged", "finished"]
    for values in (left.theta[..., 0], left.loss, left.reg):
        assert np.isnan(values).tolist() == [[False, True, True], [False] * 3]


@pytest.mark.parametrize("plain", [False, True])
def test_a_regularizer_that_overflows_is_infinite_and_the_chain_goes_on(plain):
    blind = ou.MatrixSensing([[[0.0, 1e100], [0.0, 0.0]]], [0.0])
    theta = np.array([[[1e100, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]]])  # h = 0, and ‖g‖ = 1e200
    left = observed(generic(blind) if plain else blind, theta, np.array([0, 1]))
    assert left.status.tolist() == ["finished"]
    assert left.reg.tolist() == [[np.inf, 0.0]]


def test_a_custom_law_is_used_as_it_is_given():
    def law(_rng, size):
        return np.ones(size)

    constant = ou.label_noise_sgd(SETTING, TRUTH, steps=500, noise=law, **RUN)
    shifted = ou.MatrixSensing(SETTING.x, SETTING.y + RUN["noise_std"])
    np.testing.assert_array_equal(
        constant.theta, ou.label_noise_sgd(shifted, TRUTH, steps=500, **{**RUN, "noise_std": 0.0}).theta
    )


@pytest.mark.parametrize("law", ["gaussian", "rademacher"])
def test_noise_laws_have_mean_zero_and_unit_variance(law):
    draws = draw_noise(law, np.random.default_rng(0), (100_000, 1))
    assert abs(draws.mean()) < 4 / np.sqrt(1e5)
    assert abs(draws.var() - 1) < 4 * np.sqrt(2 / 1e5)
    if law == "rademacher":
        assert set(draws.ravel()) == {-1.0, 1.0}


def test_the_progress_bar_counts_every_step_of_every_chain(capsys):
    ou.label_noise_sgd(SETTING, TRUTH, steps=30, chains=4, progress=True, **RUN)
    assert "120/120" in capsys.readouterr().err
    ou.label_noise_sgd(SETTING, TRUTH, steps=30, chains=4, **RUN)
    assert capsys.readouterr().err == ""


def test_a_law_that_fails_stops_the_run_with_its_own_error():
    def law(_rng, _size):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        ou.label_noise_sgd(SETTING, TRUTH, steps=5, chains=8, noise=law, **RUN)


def test_a_failing_chain_stops_the_others_early():
    calls = []

    def law(rng, size):
        calls.append(1)
        if len(calls) == 3:
            raise ZeroDivisionError("mine")
        return rng.standard_normal(size)

    with pytest.raises(ZeroDivisionError, match="mine"):
        ou.label_noise_sgd(SETTING, TRUTH, steps=10**9, chains=8, noise=law, **RUN)
