"""Whoever does the work, and however it is cut, the same comes out; it can be watched, stopped and refused."""

import os
import re
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.simulate import engine, segments

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
PLAIN = ou.Setting(SETTING.h, SETTING.x, SETTING.y, SETTING.dim)
BASIS = np.random.default_rng(3).normal(size=(9, 2))
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11, "steps": 300, "chains": 5}


def spread(_setting, theta):
    return np.stack([theta.max(axis=1), theta.min(axis=1)], axis=1)


def falling(steps):
    return 0.01 / (1 + steps / 500)


WATCHED = {
    "observe": {"spread": spread},
    "average": ou.Averaging(BASIS, loss=True, reg=True, start=100, every=3),
    "record": "log",
    "momentum": [[0, 0.5], [200, 0.9]],
    "weight_decay": 1e-3,
}


def bits(run):
    """All that a run came to, to the last bit."""
    averages = [getattr(run.averages, name) for name in ("theta", "covariance", "loss", "reg")] if run.averages else []
    arrays = [run.theta, run.steps, run.loss, run.reg, *run.observed.values(), *averages]
    return [(array.shape, array.tobytes()) for array in arrays], run.status.tolist()


def watched(setting=SETTING, **more):
    return ou.label_noise_sgd(setting, TRUTH, **RUN | WATCHED | {"lr": falling} | more)


class AtOnce(Executor):
    """Does all where it is asked."""

    def submit(self, function, /, *arguments):
        future: Future = Future()
        future.set_running_or_notify_cancel()
        try:
            future.set_result(function(*arguments))
        except BaseException as error:
            future.set_exception(error)
        return future


class Twice(ThreadPoolExecutor):
    """Does everything twice, and gives what came of it the second time."""

    def submit(self, function, /, *arguments):
        super().submit(function, *arguments).result()
        return super().submit(function, *arguments)


class Shuffled(ThreadPoolExecutor):
    """Lets some wait for those that were asked for later."""

    def submit(self, function, /, *arguments):
        return super().submit(slowed, function, *arguments)


def slowed(function, plan, state, until):
    threading.Event().wait(0.02 * (state.theta.size % 3))
    return function(plan, state, until)


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
@pytest.mark.parametrize("executor", [AtOnce, lambda: Twice(2), lambda: Shuffled(3), lambda: ThreadPoolExecutor(8)])
def test_executors_agree_bit_for_bit(setting, executor):
    expected = bits(watched(setting))
    with executor() as pool:
        assert bits(watched(setting, executor=pool)) == expected
        assert bits(watched(setting, executor=pool)) == expected  # it is left open


def test_other_processes_agree_bit_for_bit():
    diffusion = {"substeps": 3, "record": [0, 7, 200], "lr": falling}
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        assert bits(watched(executor=pool)) == bits(watched())
        run = RUN | diffusion
        there = ou.label_noise_sde(SETTING, TRUTH, executor=pool, **run)
        assert bits(there) == bits(ou.label_noise_sde(SETTING, TRUTH, **run))
        # What does not reach another process says so in one line, by its name.
        unpickled = lambda steps: 0.01 + 0 * steps  # noqa: E731
        with pytest.raises(TypeError, match=r"^lr: expected what can be pickled, .*lambda") as caught:
            watched(lr=unpickled, executor=pool)
        assert "\n" not in str(caught.value)
        own = ou.Setting(lambda theta, x: theta[..., 0] * x, [1.0], [1.0], dim=1)
        with pytest.raises(TypeError, match=r"^setting: expected what can be pickled"):
            ou.label_noise_sgd(own, [1.0], executor=pool, **RUN)


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_pieces_segments_and_blocks_agree_bit_for_bit(setting, monkeypatch):
    expected = bits(watched(setting))
    for segment, piece, blocks in [(64, 0.25, 64), (97, 1e-9, 2), (1 << 14, 1e-9, 1), (5, 1.0, 3)]:
        monkeypatch.setattr(segments, "SEGMENT", segment)
        monkeypatch.setattr(engine, "PIECE", piece)
        monkeypatch.setattr(engine, "COMPILED_BLOCKS", blocks)
        assert bits(watched(setting)) == expected


def test_a_chain_by_autograd_does_not_depend_on_how_many_workers_there_are(monkeypatch):
    monkeypatch.setattr(engine, "AUTOGRAD_BLOCK", 2)
    monkeypatch.setattr(engine, "PIECE", 1e-9)
    monkeypatch.setattr(engine, "CHAIN", 0.0)
    with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(5) as five:
        assert bits(watched(PLAIN, executor=one)) == bits(watched(PLAIN, executor=five))


@pytest.mark.parametrize("wrong", [4, "threads", ThreadPoolExecutor])
def test_what_is_no_executor_is_refused_by_name(wrong):
    with pytest.raises(TypeError, match=r"^executor: expected a concurrent.futures.Executor, got "):
        ou.label_noise_sgd(SETTING, TRUTH, executor=wrong, **RUN)


def test_an_executor_that_fails_ends_the_run_with_its_own_error():
    class Failing(AtOnce):
        calls = 0

        def submit(self, function, /, *arguments):
            self.calls += 1
            if self.calls == 3:
                raise ConnectionError("the wire is cut")
            return super().submit(function, *arguments)

    with pytest.raises(ConnectionError, match="the wire is cut"):
        ou.label_noise_sgd(SETTING, TRUTH, executor=Failing(), observe={"spread": spread}, **RUN)


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_whatever_a_function_of_ones_own_raises_in_a_worker_ends_the_run(setting, error, monkeypatch):
    monkeypatch.setattr(segments, "SEGMENT", 16)

    def law(rng, size):
        if threading.current_thread() is not threading.main_thread():
            raise error("mine")
        return rng.standard_normal(size)

    with pytest.raises(error, match="mine"):
        ou.label_noise_sgd(setting, TRUTH, noise=law, **RUN | {"steps": 10**9})


def interrupting(at):
    """An observer that presses Ctrl-C when it has seen so many records."""
    seen = [0]

    def observer(_setting, theta):
        seen[0] += 1
        if seen[0] == at:
            os.kill(os.getpid(), signal.SIGINT)
        return theta[:, 0]

    return observer


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_an_interrupted_run_is_the_beginning_of_the_whole_and_goes_on_to_it(setting, monkeypatch, tmp_path):
    monkeypatch.setattr(engine, "PIECE", 1e-9)
    monkeypatch.setattr(engine, "CHAIN", 0.0)
    monkeypatch.setattr(engine, "AUTOGRAD_BLOCK", 2)
    monkeypatch.setattr(segments, "SEGMENT", 64)
    how, path, first = {**WATCHED, "record": 7}, tmp_path / "run", {"first": lambda _, theta: theta[:, 0]}
    whole = ou.label_noise_sgd(setting, TRUTH, **RUN | how | {"observe": first})
    before = signal.getsignal(signal.SIGINT)
    cut = ou.label_noise_sgd(setting, TRUTH, **RUN | how | {"observe": {"first": interrupting(20)}}, checkpoint=path)
    assert signal.getsignal(signal.SIGINT) is before
    assert cut.status.tolist() == ["interrupted"] * 5
    assert "interrupted" in repr(cut)
    at = int(cut.steps[-1])
    assert 0 < at < 300
    np.testing.assert_array_equal(cut.state.taken, at)
    on = np.isin(cut.steps, whole.steps)
    k = np.count_nonzero(on)
    np.testing.assert_array_equal(cut.theta[:, on], whole.theta[:, :k])
    np.testing.assert_array_equal(cut.observed["first"][:, on], whole.observed["first"][:, :k])
    assert cut.averages.count == max(at - 100, 0) // 3
    assert bits(ou.resume(cut)) == bits(whole)
    assert bits(ou.resume(path, setting=setting, observe=first)) == bits(whole)


def test_a_second_ctrl_c_raises():
    before = signal.getsignal(signal.SIGINT)

    def law(rng, size):  # called once, in a thread; the second signal waits for the first to be heard
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            if signal.getsignal(signal.SIGINT) is before:
                break
            threading.Event().wait(0.01)
        os.kill(os.getpid(), signal.SIGINT)
        threading.Event().wait(0.1)
        return rng.standard_normal(size)

    with pytest.raises(KeyboardInterrupt):
        ou.label_noise_sgd(SETTING, TRUTH, noise=law, **RUN | {"chains": 1})
    assert signal.getsignal(signal.SIGINT) is before


def test_an_ignored_ctrl_c_stays_ignored():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=7, observe={"first": interrupting(20)})
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert run.status.tolist() == ["finished"] * 5


def test_a_run_in_another_thread_is_the_same():
    with ThreadPoolExecutor(1) as pool:
        assert bits(pool.submit(watched).result()) == bits(watched())


def test_a_run_may_run_another():
    def nested(setting, theta):
        return ou.label_noise_sgd(setting, theta, **RUN | {"steps": 3, "chains": len(theta)}).loss[:, -1]

    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, observe={"after": nested}, record=150)
    expected = ou.label_noise_sgd(SETTING, run.theta[:, 1], **RUN | {"steps": 3})
    assert run.observed["after"].shape == (5, 3)
    assert np.isfinite(run.observed["after"]).all()
    np.testing.assert_array_equal(run.observed["after"][0, 1], expected.loss[0, -1])


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
@pytest.mark.parametrize("simulator", [ou.label_noise_sgd, ou.label_noise_sde])
def test_the_bar_ends_at_all_steps_of_all_chains_and_begins_where_a_run_goes_on(simulator, setting, capsys):
    run = simulator(setting, TRUTH, progress=True, **RUN)
    assert "1.50k/1.50k" in capsys.readouterr().err
    ou.resume(run, steps=400, progress=True)
    shown = capsys.readouterr().err
    assert "2.00k/2.00k" in shown
    assert re.search(r"75%.* 1\.50k/2\.00k", shown)


# What is observed


def test_observations_are_of_the_states_at_the_records():
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=50, observe={"spread": spread, "reg": ou.regularizer})
    assert run.observed["spread"].shape == (5, 7, 2)
    np.testing.assert_array_equal(run.observed["spread"][..., 0], run.theta.max(axis=-1))
    np.testing.assert_array_equal(run.observed["reg"][2], ou.regularizer(SETTING, run.theta[2]))


@pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
def test_a_diverged_chain_is_observed_no_further_and_the_others_are(setting):
    starts = np.stack([TRUTH, 1e3 * np.ones(9), TRUTH])
    asked = {"reg": ou.regularizer, "spread": spread}
    run = ou.label_noise_sgd(setting, starts, **RUN | {"chains": 3}, record=50, observe=asked)
    assert run.status.tolist() == ["finished", "diverged", "finished"]
    assert np.isnan(run.observed["reg"][1, 1:]).all()
    assert np.isnan(run.observed["spread"][1, 1:]).all()
    assert np.isfinite(run.observed["spread"][:, 0]).all()
    assert np.isfinite(run.observed["reg"][[0, 2]]).all()
    lost = ou.label_noise_sgd(setting, 1e3 * np.ones(9), **RUN, observe=asked)
    assert np.isnan(lost.observed["spread"]).tolist() == [[[True, True]]] * 5


def test_an_observer_that_writes_into_what_it_is_given_changes_nothing():
    def writes(_setting, theta):
        theta *= 0
        return theta[:, 0]

    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=50, observe={"zero": writes})
    np.testing.assert_array_equal(run.theta, ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=50).theta)


def growing(_setting, theta, calls=[0]):  # noqa: B006
    calls[0] += 1
    return np.ones((len(theta), calls[0]))


@pytest.mark.parametrize(
    ("observe", "error", "told"),
    [
        ({"a": growing}, ValueError, r"observe\['a'\]: expected values of one shape, got \(\d,\) and \(\d,\)"),
        ({"a": lambda _s, _t: 1.0}, ValueError, r"observe\['a'\]: expected real numbers of shape \(5, ...\)"),
        ({"a": lambda _s, _t: None}, ValueError, r"observe\['a'\]: expected real numbers"),
        ({"a": lambda _s, t: 1j * t}, ValueError, r"observe\['a'\]: expected real numbers"),
        ({"a": lambda _s, t: [[1.0]] * (len(t) - 1) + [[1.0, 2.0]]}, ValueError, r"observe\['a'\]: expected an array"),
        ({1: spread}, TypeError, "observe: expected a dict of names and functions"),
        ({"a\0b": spread}, ValueError, r"observe: expected names that can be printed, got 'a.x00b'"),
        ({"a": 1}, TypeError, "observe: expected a dict of names and functions"),
        (spread, TypeError, "observe: expected a dict of names and functions"),
    ],
)
def test_a_wrong_observation_is_one_line(observe, error, told):
    with pytest.raises(error, match=f"^{told}") as caught:
        ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=50, observe=observe)
    assert "\n" not in str(caught.value)


def test_an_observation_may_be_empty():
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, record=50, observe={"none": lambda _, theta: theta[:, :0]})
    assert run.observed["none"].shape == (5, 7, 0)
    assert ou.label_noise_sgd(SETTING, TRUTH, **RUN, observe={}).observed == {}


def test_many_chains_are_not_cut_into_ever_shorter_pieces(monkeypatch):
    taken = []

    def counted(plan, state, until):
        taken.append(until - int(state.taken[0]))
        return segments.advance(plan, state, until)

    monkeypatch.setattr(engine, "advance", counted)
    monkeypatch.setattr(engine, "ROUND", 1e-9)  # as if all of a piece's time went before its steps
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN | {"chains": 1280, "steps": 2000})
    assert run.status.tolist() == ["finished"] * 1280
    assert len(taken) < 10 * 64
