"""What is recorded, and what is refused because no memory holds it."""

import json

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.simulate import Trajectory, records

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11, "steps": 30}


@pytest.mark.parametrize("simulator", [ou.label_noise_sgd, ou.label_noise_sde, ou.ornstein_uhlenbeck])
@pytest.mark.parametrize("steps", [0, 1, 2, 30, 12_345])
def test_a_logarithmic_record_has_the_start_the_end_and_twenty_steps_a_decade(simulator, steps):
    run = simulator(SETTING, TRUTH, **RUN | {"steps": steps}, record="log")
    expected = {0, steps} | {step for k in range(100) if (step := round(10 ** (k / 20))) <= steps}
    assert run.steps.tolist() == sorted(expected)
    assert run.arguments["record"] == "log"
    np.testing.assert_array_equal(run.theta[0, 0], TRUTH)


def test_a_logarithmic_record_of_the_longest_run_is_short():
    _, steps = records.record_steps("log", 2**62, 1)
    assert len(steps) < 380
    assert np.all(np.diff(steps) > 0)
    assert steps[-1] == 2**62


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"record": 1, "steps": 2**62}, "record: .* records of 9 numbers"),
        ({"record": 7, "steps": 10**14, "chains": 10}, "record: .* records of 90 numbers"),
        ({"record": np.arange(31), "chains": 10**7}, "chains: .*10000000 chains of 9 parameters"),
        ({"chains": 10**18}, "chains: .*1000000000000000000 chains of 9 parameters"),
        ({"chains": 10**7, "average": ou.Averaging()}, "chains"),
    ],
)
def test_what_no_memory_holds_is_refused_before_it_is_tried(given, told, monkeypatch):
    monkeypatch.setattr(records, "_memory", lambda: 2.0**30)
    with pytest.raises(ValueError, match=f"^{told}") as caught:
        ou.label_noise_sgd(SETTING, TRUTH, **RUN | given)
    assert "expected what fits in 1 GiB of memory" in str(caught.value)
    assert ": pass " in str(caught.value)
    assert "\n" not in str(caught.value)


def test_sums_and_records_of_many_chains_are_counted(monkeypatch):
    monkeypatch.setattr(records, "_memory", lambda: 2.0**20)
    run = {**RUN, "chains": 200}
    ou.label_noise_sgd(SETTING, TRUTH, **run)
    with pytest.raises(ValueError, match=r"^record: .* 200 chains at 31 records of 9 parameters"):
        ou.label_noise_sgd(SETTING, TRUTH, record=np.arange(31), **run)
    with pytest.raises(ValueError, match=r"^average: .* 200 chains of 911 sums, .*: pass a basis of fewer columns"):
        ou.label_noise_sgd(SETTING, TRUTH, average=ou.Averaging(np.ones((9, 30))), **run)


@pytest.mark.parametrize(
    ("record", "error", "told"),
    [
        ("lin", ValueError, 'record: expected None, "log", a stride or increasing steps, got'),
        (0, ValueError, "record: expected an integer at least 1, got 0"),
        (3.0, TypeError, "record: expected an integer"),
        ([], ValueError, "record: expected shape"),
        ([3, 3], ValueError, "record: expected increasing integers from 0 to 30"),
        ([31], ValueError, "record: expected increasing integers from 0 to 30"),
        ([-1, 3], ValueError, "record: expected increasing integers from 0 to 30"),
        ([0.5], ValueError, "record: expected increasing integers from 0 to 30, got 0.5"),
    ],
)
def test_a_wrong_record_is_one_line(record, error, told):
    with pytest.raises(error, match=f"^{told}") as caught:
        ou.label_noise_sgd(SETTING, TRUTH, record=record, **RUN)
    assert "\n" not in str(caught.value)


def constant(steps):
    return 0.01 + 0.0 * steps


@pytest.mark.parametrize(
    "given",
    [
        {"weight_decay": np.float32(0.1), "lr": np.float32(0.01), "momentum": np.float32(0.5)},
        {"weight_decay": np.array(0.1), "record": np.int64(3), "chains": np.int8(2), "steps": np.int32(10)},
        {"batch_size": np.int64(2), "replacement": np.bool_(False), "gradient_noise_std": np.float32(0.1)},
        {
            "noise_std": [[0, 0.1], [5, 0.2]],
            "lr": constant,
            "average": ou.Averaging(np.eye(9)[:, :1], start=np.int8(3)),
        },
        {"substeps": np.int64(3), "record": [2, 5]},
    ],
)
def test_a_run_of_numbers_of_any_kind_is_saved_and_goes_on(given, tmp_path):
    simulator = ou.label_noise_sde if "substeps" in given else ou.label_noise_sgd
    run = simulator(SETTING, TRUTH, **RUN | given)
    run.save(tmp_path / "run.npz")
    loaded = Trajectory.load(tmp_path / "run.npz")
    np.testing.assert_array_equal(loaded.theta, run.theta)
    functions = {"lr": constant} if callable(given.get("lr")) else {}
    longer = simulator(SETTING, TRUTH, **RUN | given | {"steps": 40})
    np.testing.assert_array_equal(ou.resume(tmp_path / "run.npz", steps=40, **functions).theta, longer.theta)
    np.testing.assert_array_equal(loaded.repeat(**functions).theta, run.theta)
    labelled = run.to_xarray()
    assert all(isinstance(value, str | int | float | np.ndarray) for value in labelled.attrs.values())
    assert json.loads(labelled.attrs["seed"])["entropy"] == 11
