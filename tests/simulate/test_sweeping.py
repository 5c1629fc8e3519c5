"""A sweep is its runs, each as it would be alone, beside what is predicted; it goes on where it was stopped."""

import os
import re
import signal
import sys
from concurrent.futures import Executor, Future

import numpy as np
import pytest
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis.simulate import engine

SETTING, TRUTH = ou.planted_matrix_sensing(3, 3, 4, rng=0)
HOW = {"lr": [0.01, 0.02], "noise_std": 0.2, "batch_size": [1, "full"], "momentum": [0.0, 0.5], "steps": 300}


def swept(**options):
    return ou.sweep(SETTING, TRUTH, **{**HOW, "rng": 3, "chains": 4} | options)


def assert_same(one, two):
    for a, b in zip(one.runs, two.runs, strict=True):
        np.testing.assert_array_equal(a.theta, b.theta)
    for name, values in one.columns.items():
        np.testing.assert_array_equal(values, two.columns[name])


def test_rows_are_every_combination_and_the_runs_that_they_would_be_alone():
    found = swept()
    rows = [(lr, batch, beta) for lr in HOW["lr"] for batch in (1, 4) for beta in HOW["momentum"]]
    assert list(zip(*(found.columns[name] for name in ("lr", "batch_size", "momentum")), strict=True)) == rows
    sources = np.random.default_rng(3).spawn(len(rows))
    for (lr, batch, beta), run, rng in zip(rows, found.runs, sources, strict=True):
        how = {"lr": lr, "batch_size": "full" if batch == 4 else 1, "momentum": beta}
        alone = ou.label_noise_sgd(SETTING, TRUTH, **how, noise_std=0.2, steps=300, chains=4, rng=rng)
        np.testing.assert_array_equal(run.theta, alone.theta)


def test_measured_and_predicted_agree_within_four_standard_errors():
    found = swept(chains=400).columns
    for name in ("loss", "drift"):
        assert np.all(np.abs(found[name] - found[f"{name}_predicted"]) < 4 * found[f"{name}_error"])
        # and the next row's prediction would not do
        assert np.any(np.abs(found[name] - np.roll(found[f"{name}_predicted"], 1)) > 4 * found[f"{name}_error"])
    expected = [ou.flow_time(SETTING, 300, lr=lr, noise_std=0.2) for lr in HOW["lr"]]
    np.testing.assert_allclose(found["flow_time"][[0, 4]], expected, rtol=FORMULA)


def test_past_the_stability_limit_there_is_no_prediction_and_the_share_that_diverged_is_told():
    limit = ou.max_stable_lr(SETTING, TRUTH)
    found = swept(lr=[0.5 * limit, 50 * limit], batch_size=1, momentum=0.0).columns
    assert found["diverged"].tolist() == [0.0, 1.0]
    np.testing.assert_allclose(found["max_stable_lr"], limit, rtol=FORMULA)
    for name in ("loss", "loss_predicted", "drift", "drift_predicted"):
        assert np.isnan(found[name]).tolist() == [False, True]


class Stopping(Executor):
    """One that sends Ctrl-C after some pieces."""

    def __init__(self, pieces):
        self.left = pieces

    def submit(self, function, /, *arguments):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGINT)
        done = Future()
        done.set_result(function(*arguments))
        return done


def test_the_same_call_goes_on_in_its_folder_and_another_sweep_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "PIECE", 0.0)
    part = swept(steps=60_000, chains=2, executor=Stopping(9), checkpoint=tmp_path / "sweep")
    assert {str(status) for run in part.runs for status in run.status} == {"interrupted"}
    assert np.all(part.columns["steps"] < 60_000)
    monkeypatch.undo()
    whole = swept(steps=60_000, chains=2, checkpoint=tmp_path / "sweep")
    assert_same(whole, swept(steps=60_000, chains=2))
    assert_same(swept(steps=60_000, chains=2, checkpoint=tmp_path / "sweep"), whole)
    before = {path: path.read_bytes() for path in (tmp_path / "sweep").iterdir()}
    for other in ({"rng": 4}, {"noise_std": 0.3}, {"noise": "rademacher"}):
        with pytest.raises(ValueError, match=r"^checkpoint: expected a folder of this sweep, got another run in "):
            swept(steps=60_000, chains=2, checkpoint=tmp_path / "sweep", **other)
    assert {path: path.read_bytes() for path in (tmp_path / "sweep").iterdir()} == before


def test_the_table_over_its_axes_in_xarray():
    found = swept()
    labelled = found.to_xarray().sel(lr=0.02, batch_size=4, momentum=0.5, noise_std=0.2)
    assert labelled["loss"].item() == found.columns["loss"][-1]
    lines = repr(found).splitlines()
    assert len(lines) == 9
    assert lines[0].split() == list(found.columns)


def test_without_xarray_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"^to_xarray: expected xarray, which pip install 'ouanalysis\[xarray\]'"):
        swept(steps=1).to_xarray()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"lr": []}, "lr: expected a value or several, got []"),
        ({"lr": [[0.1]]}, "lr: expected a value or several, got [[0.1]]"),
        ({"lr": [0.1, -1]}, "lr: expected a finite number above 0, got -1"),
        ({"batch_size": [1, "all"]}, "batch_size: expected an integer at least 1 or \"full\", got 'all'"),
    ],
)
def test_bad_input_is_one_line(options, message):
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        swept(**options)
