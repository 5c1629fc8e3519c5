"""A run that was killed, interrupted or has ended goes on as if it had not been; what is not its own is refused."""

import json
import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context, parent_process

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.simulate import Trajectory, archive, checkpoint, engine, launch, provenance, segments, storage

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
PLAIN = ou.Setting(SETTING.h, SETTING.x, SETTING.y, SETTING.dim)
BOTH = pytest.mark.parametrize("setting", [SETTING, PLAIN], ids=["compiled", "autograd"])
BASIS = np.random.default_rng(3).normal(size=(9, 2))
AVERAGE = ou.Averaging(BASIS, loss=True, reg=True, start=20, every=3)
RUN = {"lr": 0.01, "noise_std": 0.2, "rng": 11, "steps": 90, "chains": 3, "record": "log", "average": AVERAGE}


def falling(steps):
    return 0.01 / (1 + steps / 500)


def rising(steps):
    return 0.01 / (1 + steps / 501)


def uniform(rng, size):
    return rng.uniform(-np.sqrt(3), np.sqrt(3), size)


def triangular(rng, size):
    return np.sqrt(6) * rng.triangular(-1, 0, 1, size)


def trace(_setting, theta):
    return theta[:, ::4].sum(axis=1)


FUNCTIONS = {"lr": falling, "noise": uniform, "observe": {"trace": trace, "reg": ou.regularizer}}


def bits(run):
    """All that a run came to, to the last bit."""
    averages = [getattr(run.averages, name) for name in ("theta", "covariance", "loss", "reg")] if run.averages else []
    arrays = [run.theta, run.steps, run.loss, run.reg, *(run.observed[name] for name in sorted(run.observed))]
    return [(array.shape, array.tobytes()) for array in arrays + averages], run.status.tolist()


def begun(path, setting=SETTING, simulator=ou.label_noise_sgd, **how):
    """A checkpoint of a run that its observer ends with an error, and the run that it would have been."""
    calls = [0]

    def failing(_setting, theta):
        calls[0] += 1
        if calls[0] == 12:
            raise ConnectionError("mine")
        return theta[:, 0]

    def sound(_setting, theta):
        return theta[:, 0]

    how = RUN | {"record": 7} | how
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine, "PIECE", 1e-9)
        patch.setattr(segments, "SEGMENT", 8)
        with pytest.raises(ConnectionError, match="mine"):
            simulator(setting, TRUTH, checkpoint=path, observe={"first": failing}, **how)
    return sound, simulator(setting, TRUTH, observe={"first": sound}, **how)


# Longer


@BOTH
@pytest.mark.parametrize(
    ("simulator", "more"),
    [
        (ou.label_noise_sgd, {"momentum": [[0, 0.5], [95, 0.9]], "weight_decay": 0.01}),
        (ou.label_noise_sgd, {"batch_size": 2, "replacement": False, "noise": "rademacher", "gradient_noise_std": 0.1}),
        (ou.label_noise_sgd, {"batch_size": "full", "noise_std": [[0, 0, 0.1, 0.2, 0.3], [30, 0.1, 0, 0, 0.1]]}),
        (ou.label_noise_sde, {"substeps": 3, "batch_size": 2, "gradient_noise_std": 0.1}),
    ],
)
def test_a_run_that_goes_on_is_the_longer_run(setting, simulator, more, tmp_path):
    longer = bits(simulator(setting, TRUTH, **RUN | more | {"steps": 170}))
    run = simulator(setting, TRUTH, **RUN | more)
    before = bits(run)
    assert bits(ou.resume(run, steps=170)) == longer
    assert bits(ou.resume(run, steps=170)) == longer  # again: the run itself is where it was
    assert bits(run) == before
    assert bits(ou.resume(ou.resume(run, steps=101), steps=170)) == longer
    run.save(tmp_path / "run.npz")
    assert bits(ou.resume(tmp_path / "run.npz", setting=setting, steps=170)) == longer
    loaded = Trajectory.load(tmp_path / "run.npz", setting)
    assert bits(ou.resume(loaded, steps=170)) == longer


@BOTH
@pytest.mark.parametrize("record", [None, 1, 13, [0, 3, 80], "log"])
def test_records_are_those_of_the_longer_run(setting, record):
    run = ou.label_noise_sgd(setting, TRUTH, **RUN | {"record": record})
    longer = ou.label_noise_sgd(setting, TRUTH, **RUN | {"record": record, "steps": 110})
    assert bits(ou.resume(run, steps=110)) == bits(longer)


def test_a_run_of_no_steps_goes_on(tmp_path):
    path = tmp_path / "run"
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN | FUNCTIONS | {"steps": 0}, checkpoint=path)
    assert run.averages.count == 0
    longer = bits(ou.label_noise_sgd(SETTING, TRUTH, **RUN | FUNCTIONS))
    assert bits(ou.resume(run, steps=90)) == longer
    assert bits(ou.resume(path, steps=90, **FUNCTIONS)) == longer


def test_nothing_more_to_do_is_the_same_run():
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    assert bits(ou.resume(run)) == bits(run)


@BOTH
def test_a_diverged_chain_stays_so_and_the_others_go_on(setting, tmp_path):
    starts = np.stack([TRUTH, 1e3 * np.ones(9), TRUTH])
    run = ou.label_noise_sgd(setting, starts, **RUN | {"observe": {"reg": ou.regularizer}})
    assert run.status.tolist() == ["finished", "diverged", "finished"]
    longer = ou.label_noise_sgd(setting, starts, **RUN | {"observe": {"reg": ou.regularizer}, "steps": 170})
    assert bits(ou.resume(run, steps=170)) == bits(longer)
    run.save(tmp_path / "run.npz")
    again = ou.resume(tmp_path / "run.npz", setting=setting, steps=170, observe={"reg": ou.regularizer})
    assert bits(again) == bits(longer)
    lost = ou.label_noise_sgd(setting, 1e3 * np.ones(9), **RUN)
    assert ou.resume(lost, steps=100).status.tolist() == ["diverged"] * 3


# Checkpoints


@BOTH
@pytest.mark.parametrize("simulator", [ou.label_noise_sgd, ou.label_noise_sde])
def test_a_run_that_failed_goes_on_from_its_checkpoint(setting, simulator, tmp_path):
    path = tmp_path / "run.npz"
    sound, whole = begun(path, setting, simulator)
    with np.load(path) as stored:
        taken = stored["state taken"]
    assert 0 < taken.max() < 90 * whole.arguments.get("substeps", 1)
    with pytest.raises(ValueError, match=r"^path: expected a run that has come to an end, got a checkpoint of one"):
        Trajectory.load(path, setting)
    assert bits(ou.resume(path, setting=setting, observe={"first": sound})) == bits(whole)
    assert bits(Trajectory.load(path, setting)) == bits(whole)  # it went on writing there
    assert bits(ou.resume(path, setting=setting, observe={"first": sound})) == bits(whole)


def test_a_checkpoint_goes_on_elsewhere_if_it_is_told_to(tmp_path):
    path, other = tmp_path / "run.npz", tmp_path / "other.npz"
    sound, whole = begun(path)
    before = path.read_bytes()
    assert bits(ou.resume(path, observe={"first": sound}, checkpoint=other)) == bits(whole)
    assert path.read_bytes() == before
    assert bits(Trajectory.load(other)) == bits(whole)


def test_a_run_with_functions_goes_on_with_them_alone(tmp_path):
    path = tmp_path / "run"
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN | FUNCTIONS, checkpoint=path)
    before = path.read_bytes()
    longer = bits(ou.label_noise_sgd(SETTING, TRUTH, **RUN | FUNCTIONS | {"steps": 99}))
    assert bits(ou.resume(run, steps=99)) == longer
    swapped = {"reg": ou.regularizer, "trace": trace}
    for wrong, error, told in [
        ({"lr": None}, TypeError, "lr: expected the function .*falling that made the run"),
        ({"noise": None}, TypeError, "noise: expected the function .*uniform that made the run"),
        ({"observe": None}, TypeError, "observe: expected the function"),
        ({"lr": rising}, ValueError, "setting: expected the model, noise and functions"),
        ({"noise": triangular}, ValueError, "setting: expected the model, noise and functions"),
        ({"noise": "gaussian"}, ValueError, "setting: expected the model, noise and functions"),
        ({"observe": {"trace": ou.regularizer, "reg": trace}}, ValueError, "setting: expected the model, noise and"),
        ({"observe": {"trace": trace}}, ValueError, "observe: expected trace, reg, got trace"),
        ({"momentum": 0.5}, TypeError, "momentum: expected None, since the run has its own, got another"),
        ({"setting": SETTING.with_labels(SETTING.y + 1e-9)}, ValueError, "setting: expected the Setting .* another y"),
    ]:
        with pytest.raises(error, match=f"^{told}") as caught:
            ou.resume(path, steps=99, **FUNCTIONS | wrong)
        assert "\n" not in str(caught.value)
        assert path.read_bytes() == before
    assert bits(ou.resume(path, steps=99, **FUNCTIONS | {"observe": swapped})) == longer


def nearly(theta, x):
    return SETTING.h(theta, x) * (1 + 1e-12)


def test_a_model_that_differs_by_rounding_alone_is_refused_unless_that_is_allowed(tmp_path):
    path = tmp_path / "run"
    run = ou.label_noise_sgd(PLAIN, TRUTH, **RUN, checkpoint=path)
    near = ou.Setting(nearly, PLAIN.x, PLAIN.y, PLAIN.dim)
    with pytest.raises(ValueError, match=r"^setting: expected the model, noise and functions"):
        ou.resume(path, setting=near, steps=99)
    on = ou.resume(path, setting=near, steps=99, exact=False)
    np.testing.assert_allclose(on.theta[:, -1], ou.resume(run, steps=99).theta[:, -1], rtol=0, atol=1e-9)


def test_other_versions_are_refused_unless_that_is_allowed(tmp_path, monkeypatch):
    path = tmp_path / "run"
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, checkpoint=path)
    before = path.read_bytes()
    longer = bits(ou.resume(run, steps=99))
    monkeypatch.setattr(provenance, "processor", lambda: "a new one")
    for old in (run, path):
        with pytest.raises(ValueError, match=r"^exact: expected processor .* got a new one, .*: pass exact=False"):
            ou.resume(old, steps=99)
    assert path.read_bytes() == before
    on = ou.resume(path, steps=99, exact=False)
    assert bits(on) == longer
    assert on.versions["processor"] == "a new one"


@pytest.mark.parametrize(
    ("run", "error", "told"),
    [
        (5, TypeError, "run: expected a path or a Trajectory, got 5"),
        (None, TypeError, "run: expected a path or a Trajectory, got None"),
        (lambda: ou.ornstein_uhlenbeck(SETTING, TRUTH, lr=0.01, noise_std=0.1, steps=3, rng=0), TypeError, "run: exp"),
        ("no such file", FileNotFoundError, "no such file"),
    ],
)
def test_what_cannot_go_on_is_refused(run, error, told):
    with pytest.raises(error, match=told):
        ou.resume(run() if callable(run) else run)


def test_steps_are_those_of_the_whole_run():
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    for steps, told in [(89, "at least 90, got 89"), (90.0, "an integer"), (2**70, "at most 62 bits")]:
        with pytest.raises((ValueError, TypeError), match=f"^steps: expected .*{told}"):
            ou.resume(run, steps=steps)


# Files


def test_a_path_that_is_taken_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "mine.txt"
    path.write_text("mine")
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    for start in (
        lambda: ou.label_noise_sgd(SETTING, TRUTH, checkpoint=path, **RUN),
        lambda: ou.resume(run, steps=99, checkpoint=path),
        lambda: ou.label_noise_sgd(SETTING, TRUTH, checkpoint=tmp_path, **RUN),
    ):
        with pytest.raises(FileExistsError, match=r"^checkpoint: expected a new file, got "):
            start()
    assert path.read_text() == "mine"
    for wrong, error in ((tmp_path / "none" / "run", FileNotFoundError), (5, TypeError)):
        with pytest.raises(error, match=r"^checkpoint: expected "):
            ou.label_noise_sgd(SETTING, TRUTH, checkpoint=wrong, **RUN)
    assert [file.name for file in tmp_path.iterdir()] == ["mine.txt"]


def test_a_damaged_or_foreign_file_is_one_line_and_left_as_it_is(tmp_path):
    path = tmp_path / "run.npz"
    begun(path)
    whole = path.read_bytes()
    foreign = [b"", b"text", whole[: len(whole) // 2], whole[:-1], whole[:500] + b"\0" + whole[501:]]
    for place in range(0, len(whole), 251):
        foreign.append(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
    refused = 0
    for content in foreign:
        path.write_bytes(content)
        try:
            storage.read(path, None)
        except ValueError as error:
            refused += str(error).startswith("path: expected a file that ") and "\n" not in str(error)
            with pytest.raises(ValueError, match=r"^path: expected a file that "):
                ou.resume(path, observe={"first": trace})
        assert path.read_bytes() == content
    assert refused > len(foreign) // 2  # what is left: dates and names that no one reads


@pytest.mark.parametrize(
    "change",
    [
        lambda facts, _: facts.update(format="ouanalysis run 1"),
        lambda facts, _: facts.update(streams=facts["streams"][:-1]),
        lambda facts, _: facts["streams"][0][0].update(bit_generator="os.system"),
        lambda facts, _: facts["streams"][0][0].pop("state"),
        lambda facts, _: facts.pop("checkpoint"),
        lambda facts, _: facts["arguments"].update(average={"basis": [[1.0]], "start": -1}),
        lambda _, arrays: arrays.update({"state taken": arrays["state taken"][:-1]}),
        lambda _, arrays: arrays.update({"state theta": arrays["state theta"][:, :-1]}),
        lambda _, arrays: arrays.update({"sums total": arrays["sums total"][:-1]}),
        lambda _, arrays: arrays.update({"sums recent": arrays["sums recent"][:, :-1]}),
        lambda _, arrays: arrays.update({"state velocity": arrays["state velocity"].astype("f4")}),
        lambda _, arrays: arrays.update({"state taken": arrays["state taken"].astype("f8")}),
        lambda _, arrays: arrays.update({"observed first": arrays["observed first"][:, :-1]}),
        lambda _, arrays: arrays.update({"state taken": arrays["state taken"] + 10**6}),
        lambda _, arrays: arrays.update({"state taken": arrays["state taken"] - 10**6}),
    ],
)
def test_a_state_that_does_not_fit_is_refused(change, tmp_path):
    path = tmp_path / "run.npz"
    sound, _ = begun(path)
    with np.load(path) as stored:
        arrays = dict(stored)
    facts = json.loads(str(arrays.pop("facts")))
    arrays.pop("digest")
    change(facts, arrays)
    text = json.dumps(facts)
    sealed = archive._digest(text, {name: arrays[name] for name in facts["arrays"]})
    np.savez(path, **arrays | {"facts": np.array(text), "digest": np.array(sealed)})
    before = path.read_bytes()
    with pytest.raises(ValueError, match=r"^path: expected a file that ") as caught:
        ou.resume(path, observe={"first": sound})
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == before


def test_what_a_killed_process_left_is_cleared(tmp_path):
    path = tmp_path / "run[1].npz"
    sound, whole = begun(path)
    left = [tmp_path / f".{path.name}.{pid}.partial" for pid in (1, 22)]
    for file in left:
        file.write_bytes(b"PK half")
    other = tmp_path / ".run1.npz.1.partial"
    other.write_bytes(b"another's")
    assert bits(ou.resume(path, observe={"first": sound})) == bits(whole)
    assert sorted(tmp_path.iterdir()) == sorted([path, other])


@pytest.mark.parametrize("first", [True, False])
def test_a_disk_that_is_full_ends_no_run_that_had_begun(first, tmp_path, monkeypatch):
    path, calls, whole = tmp_path / "run.npz", [0], ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    written = np.savez

    def full(file, **arrays):
        calls[0] += 1
        if first or calls[0] > 1:
            file.write(b"PK half a file")
            raise OSError(28, "No space left on device")
        written(file, **arrays)

    monkeypatch.setattr(np, "savez", full)
    if first:
        with pytest.raises(OSError, match="No space left"):
            ou.label_noise_sgd(SETTING, TRUTH, checkpoint=path, **RUN)
        assert list(tmp_path.iterdir()) == []
        return
    with pytest.warns(UserWarning, match=r"^checkpoint: .*No space left on device"):
        run = ou.label_noise_sgd(SETTING, TRUTH, checkpoint=path, **RUN)
    assert bits(run) == bits(whole)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
    monkeypatch.undo()
    assert bits(ou.resume(path)) == bits(whole)


def test_a_run_from_a_file_may_be_made_shorter_than_it_was_to_be(tmp_path, monkeypatch):
    def killed(*_, **__):
        raise SystemExit

    path = tmp_path / "run"
    monkeypatch.setattr(launch, "advance_all", killed)
    with pytest.raises(SystemExit):  # once the file is there
        ou.label_noise_sgd(SETTING, TRUTH, checkpoint=path, **RUN)
    monkeypatch.undo()
    shorter = bits(ou.label_noise_sgd(SETTING, TRUTH, **RUN | {"steps": 21}))
    assert bits(ou.resume(path, steps=21)) == shorter


def test_checkpoints_are_written_while_a_run_goes_on_and_seldom(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "PIECE", 1e-9)
    monkeypatch.setattr(engine, "CHAIN", 0.0)
    monkeypatch.setattr(segments, "SEGMENT", 8)
    times = []
    monkeypatch.setattr(checkpoint, "write", lambda *_: times.append(1))

    def count(interval):
        times.clear()
        monkeypatch.setattr(checkpoint, "INTERVAL", interval)
        monkeypatch.setattr(checkpoint, "SHARE", 0)
        ou.label_noise_sgd(SETTING, TRUTH, checkpoint=tmp_path / "run", **RUN)
        return len(times)

    assert count(1e9) == 2  # at the beginning and at the end
    assert count(0.0) > 10


# SIGKILL


def dying(_setting, theta):
    """An observer that kills the process of a worker as long as a file is there."""
    if parent_process() is not None and os.path.exists(os.environ["DYING"]):
        os.kill(os.getpid(), signal.SIGKILL)
    return theta[:, 0]


def test_a_pool_whose_worker_is_killed_breaks_and_its_run_goes_on_from_the_checkpoint(tmp_path, monkeypatch):
    path, dies = tmp_path / "run.npz", tmp_path / "dies"
    monkeypatch.setenv("DYING", str(dies))
    dies.touch()
    run = RUN | {"observe": {"first": dying}}
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool, pytest.raises(BrokenProcessPool):
        ou.label_noise_sgd(SETTING, TRUTH, **run, executor=pool, checkpoint=path)
    dies.unlink()
    assert bits(ou.resume(path, observe={"first": dying})) == bits(ou.label_noise_sgd(SETTING, TRUTH, **run))


STEPS = 100_000
CHILD = """
import sys
import numpy as np
import ouanalysis as ou
from ouanalysis.simulate import checkpoint, engine

checkpoint.INTERVAL = checkpoint.SHARE = 0
engine.PIECE = 1e-3


def falling(steps):
    return 0.01 / (1 + steps / 500)


path, resumed = sys.argv[1], sys.argv[2] == "resumed"
functions = {"lr": falling, "observe": {"reg": ou.regularizer}}
if resumed:
    ou.resume(path, **functions)
else:
    setting, truth = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    basis = np.random.default_rng(3).normal(size=(9, 2))
    average = ou.Averaging(basis, loss=True, reg=True, start=20, every=3)
    how = {"noise_std": 0.2, "rng": 11, "steps": int(sys.argv[3]), "chains": 3, "record": "log", "average": average}
    ou.label_noise_sgd(setting, truth, checkpoint=path, **how, **functions)
"""


def kill(path, writes, seconds=0.0):
    """Begin or resume the run of CHILD in another process; kill it when it has written so often, and a moment later."""
    when = path.stat().st_mtime_ns if path.exists() else None
    how = "new" if when is None else "resumed"
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(path), how, str(STEPS)])
    while child.poll() is None and writes:
        if path.exists() and path.stat().st_mtime_ns != when:
            when, writes = path.stat().st_mtime_ns, writes - 1
        time.sleep(0.001)
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    return child.wait()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no SIGKILL here")
def test_a_run_that_is_killed_again_and_again_is_the_uninterrupted_run(tmp_path):
    path = tmp_path / "run.npz"
    functions = {"lr": falling, "observe": {"reg": ou.regularizer}}
    assert [kill(path, 3), kill(path, 2, 0.003), kill(path, 4, 0.001)] == [-signal.SIGKILL] * 3
    assert 0 < storage.read(path, None).state.taken.max() < STEPS
    whole = ou.label_noise_sgd(SETTING, TRUTH, **RUN | functions | {"steps": STEPS})
    assert bits(ou.resume(path, **functions)) == bits(whole)
    assert [file.name for file in tmp_path.iterdir()] == ["run.npz"]
