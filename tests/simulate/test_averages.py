"""Running averages are those of all states on the way, however the way is cut, walked and ended."""

import numpy as np
import pytest
from rounding import EPS

import ouanalysis as ou
from ouanalysis.simulate import autograd_steps, engine, segments
from ouanalysis.simulate.averages import FLUSH

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
PLAIN = ou.Setting(SETTING.h, SETTING.x, SETTING.y, SETTING.dim)
BASIS = np.random.default_rng(3).normal(size=(9, 2))
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11, "steps": 300, "chains": 3}


def everything(**when):
    return ou.Averaging(BASIS, loss=True, reg=True, **when)


def check(averages, states, begun, setting=SETTING):
    """Against states (chains, k, p) after `begun` (p,) or (chains, p): k terms round k times, by the largest."""
    rounding = 2 * (states.shape[1] + SETTING.dim) * EPS

    def same(found, terms):
        atol = rounding * np.max(np.abs(terms))
        np.testing.assert_allclose(found, terms.mean(axis=1), rtol=0, atol=atol)

    assert averages.count == states.shape[1]
    same(averages.theta, states)
    same(averages.loss, ou.loss(setting, states))
    same(averages.reg, ou.regularizer(setting, states))
    first = np.broadcast_to(begun, averages.theta.shape) @ BASIS
    for covariance, chain, shift in zip(averages.covariance, states @ BASIS, first, strict=True):
        largest = np.max(np.abs(chain - shift)) ** 2
        expected = np.cov(chain.T, bias=True)
        np.testing.assert_allclose(covariance, expected, rtol=0, atol=4 * rounding * largest)


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
@pytest.mark.parametrize(("start", "every"), [(0, 1), (0, 7), (40, 1), (41, 13), (299, 1)])
def test_averages_are_those_of_a_full_record(setting, start, every):
    run = ou.label_noise_sgd(setting, TRUTH, record=1, average=everything(start=start, every=every), **RUN)
    check(run.averages, run.theta[:, start + every :: every], run.theta[:, start])


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_averages_of_the_diffusion_are_those_of_its_states_at_steps_of_sgd(setting):
    when = {"start": 7, "every": 3}
    run = ou.label_noise_sde(setting, TRUTH, record=1, substeps=3, average=everything(**when), **RUN | {"steps": 60})
    check(run.averages, run.theta[:, 10::3], run.theta[:, 7])


def test_averages_of_a_long_run_lose_nothing_where_sums_are_flushed():
    steps = 2 * FLUSH + 100
    run = ou.label_noise_sgd(SETTING, TRUTH, record=1, average=everything(), **RUN | {"steps": steps, "chains": 1})
    check(run.averages, run.theta[:, 1:], TRUTH)
    assert np.all(run.state.sums.total[:, -2:])


def test_autograd_flushes_after_as_many_terms_as_it_is_to(monkeypatch):
    def run():
        return ou.label_noise_sgd(PLAIN, TRUTH, record=1, average=everything(every=2), **RUN | {"steps": 75})

    assert not np.any(run().state.sums.total)
    monkeypatch.setattr(autograd_steps, "FLUSH", 5)
    often = run()
    np.testing.assert_array_equal(
        often.state.sums.recent[:, :9], (often.theta[:, 72:75:2] - TRUTH).sum(axis=1)
    )  # of the 37 states 2, 4, …, 74 the last two
    check(often.averages, often.theta[:, 2::2], TRUTH)


def bits(averages):
    return [getattr(averages, name).tobytes() for name in ("theta", "covariance", "loss", "reg")]


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_averages_do_not_depend_on_how_a_run_is_cut(setting, monkeypatch):
    def run():
        return bits(ou.label_noise_sgd(setting, TRUTH, average=everything(start=50, every=3), **RUN).averages)

    expected = run()
    for segment, piece in [(17, 0.25), (64, 1e-9), (1, 1e-9)]:
        monkeypatch.setattr(segments, "SEGMENT", segment)
        monkeypatch.setattr(engine, "PIECE", piece)
        assert run() == expected


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
@pytest.mark.parametrize("segment", [16, 1 << 14])
def test_averages_of_a_diverged_chain_are_nan_and_the_others_are_their_own(setting, segment, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT", segment)
    starts = np.stack([TRUTH, 1e3 * np.ones(9), TRUTH])
    averages = ou.label_noise_sgd(setting, starts, average=everything(start=60), **RUN).averages
    for values in (averages.theta, averages.covariance, averages.loss, averages.reg):
        assert np.isnan(values[1]).all()
        assert np.isfinite(values[[0, 2]]).all()
    alone = ou.label_noise_sgd(setting, TRUTH, average=everything(start=60), **RUN).averages
    if setting is SETTING:  # autograd takes all chains at once, and a product of matrices rounds as its size has it
        np.testing.assert_array_equal(averages.theta[[0, 2]], alone.theta[[0, 2]])
    pooled = averages.pooled()
    assert pooled.count == 2 * 240
    np.testing.assert_allclose(pooled.theta[0], averages.theta[[0, 2]].mean(axis=0), rtol=0, atol=4 * EPS)


def test_pooled_averages_are_those_of_all_states_of_all_chains():
    run = ou.label_noise_sgd(SETTING, TRUTH, record=1, average=everything(), **RUN)
    states = run.theta[:, 1:].reshape(1, -1, 9)
    check(run.averages.pooled(), states, TRUTH)


def test_averages_of_no_state_and_of_no_chain_are_nan():
    late = ou.label_noise_sgd(SETTING, TRUTH, average=everything(start=300), **RUN).averages
    lost = ou.label_noise_sgd(SETTING, 1e3 * np.ones(9), average=everything(), **RUN).averages
    assert late.count == 0
    for averages in (late, late.pooled(), lost, lost.pooled()):
        for values in (averages.theta, averages.covariance, averages.loss, averages.reg):
            assert np.isnan(values).all()
    assert lost.pooled().count == 0


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_without_a_basis_and_measures_the_mean_state_is_averaged_alone(setting):
    run = ou.label_noise_sgd(setting, TRUTH, record=1, average=ou.Averaging(), **RUN)
    rounding = 300 * EPS * np.max(np.abs(run.theta))
    np.testing.assert_allclose(run.averages.theta, run.theta[:, 1:].mean(axis=1), rtol=0, atol=rounding)
    assert run.averages.covariance.shape == (3, 0, 0)
    assert np.isnan([run.averages.loss, run.averages.reg]).all()
    assert repr(run.averages) == "Averages(chains=3, dim=9, count=300, basis of 0)"
    assert ou.label_noise_sgd(setting, TRUTH, **RUN).averages is None


@pytest.mark.parametrize("simulator", [ou.label_noise_sgd, ou.label_noise_sde])
def test_averaging_may_be_asked_for_past_any_end(simulator):
    never = ou.Averaging(start=2**62, every=2**62)
    averages = simulator(SETTING, TRUTH, average=never, **RUN).averages
    assert averages.count == 0
    assert np.isnan(averages.theta).all()


def test_averaging_leaves_the_path_alone():
    run = ou.label_noise_sgd(SETTING, TRUTH, average=everything(start=50, every=3), **RUN)
    np.testing.assert_array_equal(run.theta, ou.label_noise_sgd(SETTING, TRUTH, **RUN).theta)


@pytest.mark.parametrize(
    ("made", "told"),
    [
        (lambda: ou.Averaging(np.ones(9)), r"basis: expected shape \(p, k\), got \(9,\)"),
        (lambda: ou.Averaging([[np.nan]]), "basis: expected finite numbers"),
        (lambda: ou.Averaging(start=-1), "start: expected an integer at least 0"),
        (lambda: ou.Averaging(every=0), "every: expected an integer at least 1"),
        (lambda: ou.Averaging(loss=1), "loss: expected True or False, got 1"),
        (
            lambda: ou.label_noise_sgd(SETTING, TRUTH, average=ou.Averaging(np.ones((8, 2))), **RUN),
            r"basis: expected shape \(9, k\), got \(8, 2\)",
        ),
        (lambda: ou.label_noise_sgd(SETTING, TRUTH, average=True, **RUN), "average: expected an Averaging, got True"),
    ],
)
def test_a_wrong_averaging_is_one_line(made, told):
    with pytest.raises((ValueError, TypeError), match=f"^{told}") as caught:
        made()
    assert "\n" not in str(caught.value)
