"""A trajectory says what made it, and can be repeated, kept on disk and labelled; its regularizer comes when asked."""

import json
import pickle
import re
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from strategies import CASES

import ouanalysis as ou
from ouanalysis.simulate import Seed, Trajectory, archive, kernels, recorded

SETTING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
RUN = {"lr": 0.01, "noise_std": 0.2, "steps": 30, "rng": 11, "chains": 2, "record": 7}
SIMULATORS = {
    "label_noise_sgd": {"batch_size": 2, "replacement": False, "momentum": 0.5, "noise": "rademacher"},
    "label_noise_sde": {"batch_size": "full", "substeps": 3, "gradient_noise_std": 0.1},
    "ornstein_uhlenbeck": {"batch_size": 3},
}


def linear(theta, x):
    return theta[..., 0] * x + theta[..., 1]


def other(theta, x):
    return theta[..., 0] * x - theta[..., 1]


MINE = ou.Setting(linear, [1.0, 2.0], [1.0, 3.0], dim=2)


def ones(_rng, size):
    return np.ones(size)


def assert_same(one, two):
    for name in ("theta", "steps", "loss", "status", "reg"):
        a, b = getattr(one, name), getattr(two, name)
        assert (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes()), name
    assert (one.setting, one.seed, one.versions) == (two.setting, two.seed, two.versions)
    assert one.arguments.keys() == two.arguments.keys()
    for name, value in one.arguments.items():
        assert type(value) is type(two.arguments[name])
        np.testing.assert_array_equal(value, two.arguments[name])


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_a_run_says_what_made_it_and_is_repeated_by_that(simulator):
    run = getattr(ou, simulator)(SETTING, TRUTH, **RUN, **SIMULATORS[simulator])
    assert run.setting is SETTING
    expected = {"simulator": simulator, "lr": 0.01, "noise_std": 0.2, "steps": 30, "chains": 2} | SIMULATORS[simulator]
    assert expected.items() <= {name: run.arguments[name] for name in expected}.items()
    assert run.arguments["record"] == 7
    assert run.steps.tolist() == [0, 7, 14, 21, 28, 30]
    assert_same(run.repeat(), run)


@pytest.mark.parametrize(
    "made",
    [
        lambda: 5,
        lambda: [3, 2**40],
        lambda: np.random.SeedSequence(7, spawn_key=(1, 2), pool_size=8),
        lambda: np.random.default_rng(0).spawn(3)[2],
        lambda: np.random.Generator(np.random.MT19937(4)),
        lambda: np.random.Generator(np.random.SFC64([[1, 2], [3, 4]])),
        lambda: np.random.default_rng(),
        lambda: np.random.Philox(9),
    ],
)
def test_a_run_is_repeated_from_its_seed_whatever_was_given_and_drawn_and_spawned_before(made, tmp_path):
    rng = made()
    if isinstance(rng, np.random.Generator):
        rng.standard_normal(3)
        rng.spawn(2)
    first, second = (ou.label_noise_sgd(SETTING, TRUTH, **RUN | {"rng": rng}) for _ in range(2))
    np.testing.assert_array_equal(first.repeat().theta, first.theta)
    np.testing.assert_array_equal(second.repeat().theta, second.theta)
    second.save(tmp_path / "run.npz")
    loaded = Trajectory.load(tmp_path / "run.npz")
    assert loaded.seed == second.seed
    np.testing.assert_array_equal(loaded.repeat().theta, second.theta)


def test_a_generator_that_cannot_spawn_is_refused_by_name():
    legacy = np.random.Generator(np.random.RandomState(3)._bit_generator)
    with pytest.raises(TypeError, match="rng: expected a Generator made from a seed, got one of MT19937"):
        ou.label_noise_sgd(SETTING, TRUTH, **RUN | {"rng": legacy})


def test_a_seed_of_another_bit_generator_is_refused_by_name():
    with pytest.raises(ValueError, match=r"bit_generator: expected PCG64 or .*, got system"):
        Seed("system", 1, (), 4, 0).generator()


def test_versions_name_what_took_the_steps():
    compiled = ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    assert compiled.versions.keys() == {"ouanalysis", "numpy", "numba", "processor"}
    assert compiled.versions["numpy"] == np.__version__
    assert ou.label_noise_sgd(MINE, [0, 0], **RUN).versions.keys() == {"ouanalysis", "numpy", "autograd", "processor"}


@pytest.mark.parametrize("case", CASES)
def test_the_compiled_regularizer_is_that_of_autograd(case, monkeypatch):
    monkeypatch.setattr(recorded, "CHUNK", 100)
    setting = CASES[case]
    start = np.random.default_rng(3).normal(size=(5, setting.dim))
    run = ou.label_noise_sgd(setting, start, **RUN | {"chains": 5})
    assert not run.diverged.any()
    assert kernels.regularizers(setting) is not None
    # A sum of n p squares, each entry of a few products: their roundings, doubled by squaring.
    tolerance = 4 * np.sqrt(setting.n * setting.dim) * np.finfo(float).eps
    np.testing.assert_allclose(run.reg, ou.regularizer(setting, run.theta), rtol=tolerance)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_loss_and_regularizer_are_computed_when_asked_and_once(simulator, monkeypatch, tmp_path):
    with monkeypatch.context() as none:
        none.setattr(kernels, "regularizers", None)
        none.setattr(recorded, "loss", None)
        run = getattr(ou, simulator)(SETTING, TRUTH, **RUN, **SIMULATORS[simulator])
        assert not run.diverged.any()
        assert "all finished" in repr(run)
        run.save(tmp_path / "run.npz")
        others = [run.repeat(), pickle.loads(pickle.dumps(run)), Trajectory.load(tmp_path / "run.npz")]
    np.testing.assert_array_equal(run.loss, ou.loss(SETTING, run.theta))
    asked = run.loss, run.reg
    for other in [*others, pickle.loads(pickle.dumps(run))]:
        assert_same(other, run)
    monkeypatch.setattr(kernels, "regularizers", None)
    monkeypatch.setattr(recorded, "loss", None)
    assert run.loss is asked[0]
    assert run.reg is asked[1]


def test_threads_that_ask_at_once_are_told_the_same():
    run = ou.label_noise_sgd(MINE, [0.3, 0.4], **RUN)
    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(lambda _: (run.loss, run.reg), range(8)))
    for loss, reg in told:
        np.testing.assert_array_equal(loss, ou.loss(MINE, run.theta))
        np.testing.assert_array_equal(reg, ou.regularizer(MINE, run.theta))


def test_a_regularizer_with_a_pole_where_h_has_none_is_that_of_autograd():
    t = sympy.Symbol("t")
    setting = ou.SigmoidNetwork([[1.0]], [0.5], 1, sympy.sqrt(1 + t))  # φ' = 1/(2 φ)
    run = ou.label_noise_sgd(setting, [0.0, -1.0], lr=0.1, noise_std=0, steps=0, rng=0)
    assert run.status.tolist() == ["finished"]
    np.testing.assert_array_equal(run.reg, ou.regularizer(setting, run.theta))


@pytest.mark.parametrize("case", CASES)
def test_a_saved_run_comes_back_bit_for_bit(case, tmp_path):
    setting = CASES[case]
    run = ou.label_noise_sgd(setting, np.ones(setting.dim) / 3, **RUN | {"noise_std": np.linspace(0, 0.1, setting.n)})
    run.save(tmp_path / "run")
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    expression = getattr(getattr(setting, "activation", None), "expression", None)
    loaded = Trajectory.load(tmp_path / "run", None if expression is None else setting)
    assert_same(loaded, run)
    assert type(loaded.setting) is type(setting)
    assert repr(loaded) == repr(run)
    assert_same(loaded.repeat(), run)


@pytest.mark.parametrize("simulator", SIMULATORS)
def test_every_simulator_saves(simulator, tmp_path):
    run = getattr(ou, simulator)(SETTING, TRUTH, **RUN, **SIMULATORS[simulator])
    run.save(tmp_path / "run.npz")
    assert_same(Trajectory.load(str(tmp_path / "run.npz")).repeat(), run)


def test_diverged_chains_come_back_as_they_were(tmp_path):
    starts = np.stack([1e3 * np.ones(9), TRUTH])
    run = ou.label_noise_sgd(SETTING, starts, **RUN)
    assert run.diverged.tolist() == [True, False]
    run.save(tmp_path / "run.npz")
    assert_same(Trajectory.load(tmp_path / "run.npz"), run)


def test_a_diverged_run_is_not_loaded_with_another_model(tmp_path):
    run = ou.label_noise_sgd(MINE, [0.3, 0.4], lr=1e200, noise_std=1e200, steps=5, rng=0)
    assert run.diverged.all()
    run.save(tmp_path / "run.npz")
    assert_same(Trajectory.load(tmp_path / "run.npz", MINE), run)
    with pytest.raises(ValueError, match=r"got one with another h$"):
        Trajectory.load(tmp_path / "run.npz", ou.Setting(other, MINE.x, MINE.y, dim=2))


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"^path: expected a file in a folder that exists, got "):
        ou.label_noise_sgd(SETTING, TRUTH, **RUN).save(tmp_path / "none" / "run.npz")
    assert not list(tmp_path.iterdir())


def test_a_run_without_a_finite_state_comes_back_too(tmp_path):
    run = ou.label_noise_sgd(SETTING, 1e3 * np.ones(9), **RUN | {"record": None})
    assert run.diverged.all()
    run.save(tmp_path / "run.npz")
    assert_same(Trajectory.load(tmp_path / "run.npz"), run)


def test_a_run_of_a_setting_of_ones_own_is_loaded_with_it_alone(tmp_path):
    run, path = ou.label_noise_sgd(MINE, [0.3, 0.4], **RUN), tmp_path / "run.npz"
    run.save(path)
    assert_same(Trajectory.load(path, MINE), run)
    with pytest.raises(TypeError, match=r"^setting: expected the Setting that made the run, .* got None$"):
        Trajectory.load(path)
    for setting, wrong in {
        ou.Setting(linear, [1.0, 2.5], [1.0, 3.0], dim=2): "got one with another x",
        MINE.with_labels([1.0, 2.0]): "got one with another y",
        ou.Setting(other, MINE.x, MINE.y, dim=2): "got one with another h",
        SETTING: "with dim=2, got dim=9",
    }.items():
        with pytest.raises(ValueError, match=f"^setting: expected the Setting that made the run, .*{wrong}$"):
            Trajectory.load(path, setting)
    with pytest.raises(TypeError, match="setting: expected a Setting, got str"):
        Trajectory.load(path, "mine")


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def sum_of_two(theta, x):
    return theta[..., 0] * x + 0 * theta[..., 1]


def scaled_beyond(theta, x):
    return theta[..., 0] * theta[..., 1] ** 9 * x


def logarithmic(theta, x):
    return theta[..., 0] * x * (1 + np.log(theta[..., 1]))


@pytest.mark.parametrize("scale", [1e-30, 1.0, 1e30])
@pytest.mark.parametrize("wrong", [sum_of_two, scaled_beyond, logarithmic])
def test_a_model_that_agrees_at_the_states_of_a_run_alone_is_refused(wrong, scale, tmp_path):
    truth = np.array([2 * scale, 1.0])  # where all of these predict 2x
    right = ou.Setting(product, [1.0, 2.0], [2 * scale, 4 * scale], dim=2)
    run = ou.label_noise_sgd(right, truth, lr=0.01, noise_std=0.0, steps=3, rng=0)
    run.save(tmp_path / "run.npz")
    assert_same(Trajectory.load(tmp_path / "run.npz", right), run)
    with pytest.raises(ValueError, match=r"got one with another h$"):
        Trajectory.load(tmp_path / "run.npz", ou.Setting(wrong, right.x, right.y, dim=2))


class Renamed(ou.MatrixSensing):
    """A user's subclass, with the name of none of ours."""


def test_a_subclass_defined_elsewhere_is_given_again(tmp_path):
    run = ou.label_noise_sgd(Renamed(SETTING.x, SETTING.y), TRUTH, **RUN)
    run.save(tmp_path / "run.npz")
    with pytest.raises(TypeError, match="setting: expected"):
        Trajectory.load(tmp_path / "run.npz")
    assert_same(Trajectory.load(tmp_path / "run.npz", run.setting), run)


@pytest.mark.parametrize(("law", "name"), [(ones, r"function .*\.ones"), (partial(ones), "function functools.partial")])
def test_a_noise_of_ones_own_is_kept_by_name(law, name, tmp_path):
    run = ou.label_noise_sgd(SETTING, TRUTH, noise=law, **RUN)
    assert run.arguments["noise"] is law
    assert_same(run.repeat(), run)
    run.save(tmp_path / "run.npz")
    loaded = Trajectory.load(tmp_path / "run.npz")
    with pytest.raises(TypeError, match=f"^noise: expected the {name} that made the run, .* got None$"):
        loaded.repeat()
    repeated = loaded.repeat(noise=law)
    np.testing.assert_array_equal(repeated.theta, run.theta)
    with pytest.raises(TypeError, match=r"^noise: expected None"):
        ou.label_noise_sgd(SETTING, TRUTH, **RUN).repeat(noise=law)


def test_a_file_that_is_there_stays_whole_if_writing_fails(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN)
    run.save(path)

    def cut(file, **_arrays):
        file.write(b"PK half a file")
        raise OSError("no space left")

    monkeypatch.setattr(np, "savez", cut)
    with pytest.raises(OSError, match="no space left"):
        ou.label_noise_sgd(SETTING, TRUTH, **RUN | {"rng": 1}).save(path)
    assert [found.name for found in tmp_path.iterdir()] == ["run.npz"]
    assert_same(Trajectory.load(path), run)


def refused(path, *arguments):
    with pytest.raises(
        ValueError, match=r"^path: expected a file that Trajectory.save or a run with checkpoint= wrote, got "
    ) as caught:
        Trajectory.load(path, *arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_damaged_file_is_one_line_or_the_same_run(tmp_path):
    run, path = ou.label_noise_sgd(MINE, [0.3, 0.4], **RUN | {"chains": 1}), tmp_path / "run.npz"
    run.save(path)
    whole = path.read_bytes()
    for length in (0, 1, 30, 100, len(whole) // 2, len(whole) - 1):
        path.write_bytes(whole[:length])
        assert str(path) in refused(path, MINE)
    told = 0
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        try:
            loaded = Trajectory.load(path, MINE)
        except ValueError as error:
            told += str(error).startswith("path: expected") and "\n" not in str(error)
        else:  # a date, say
            told += 1
            assert_same(loaded, run)
    assert told == len(range(0, len(whole), 7))


class Exploding:
    def __reduce__(self):
        return pytest.fail, ("executed",)


def test_a_foreign_file_is_one_line_and_is_not_executed(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(pickle.dumps(Exploding()))
    assert "it holds Python objects, which are not loaded" in refused(path)
    np.save(tmp_path / "array.npy", np.ones(3))
    assert "no facts of a run in it" in refused(tmp_path / "array.npy")
    np.savez(path, theta=np.ones(3))
    assert "no facts of a run in it" in refused(path)
    np.savez(path, facts=np.array([Exploding()], dtype=object))
    assert "it holds Python objects, which are not loaded" in refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("facts.npy", "text")
    refused(path)
    with pytest.raises(FileNotFoundError):
        Trajectory.load(tmp_path / "missing.npz")


def rewritten(path, change):
    with np.load(path) as stored:
        arrays = dict(stored)
    facts = json.loads(str(arrays.pop("facts")))
    arrays.pop("digest")
    change(facts, arrays)
    text = json.dumps(facts)
    digest = archive._digest(text, {name: arrays[name] for name in facts["arrays"] if name in arrays})
    np.savez(path, **arrays | {"facts": np.array(text), "digest": np.array(digest)})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda facts, _: facts.update(format="ouanalysis run 9"), "expected the format .* got .*9"),
        (lambda facts, _: facts.update(setting=["Path", {}]), "KeyError: 'Path'"),
        (lambda facts, _: facts.update(setting=["MatrixSensing", {"branches": 1}]), "TypeError"),
        (lambda facts, _: facts.update(setting=["MatrixSensing", {"rank": "os.remove"}]), "rank: expected an integer"),
        (lambda facts, _: facts["seed"].update(state=3), "TypeError"),
        (lambda facts, _: facts.pop("versions"), "versions"),
        (lambda _, arrays: arrays.pop("x"), "expected the arrays theta, .* got theta, steps, y"),
        (lambda _, arrays: arrays.pop("state velocity"), "expected the arrays"),
        (lambda _, arrays: arrays.update({"argument chains": np.ones(1)}), "expected the arrays"),
        (lambda _, arrays: arrays.update(steps=np.arange(3)), "do not fit"),
        (lambda _, arrays: arrays.update(theta=arrays["theta"].astype("f4")), "do not fit"),
    ],
)
def test_a_file_with_other_facts_is_one_line(change, told, tmp_path):
    path = tmp_path / "run.npz"
    ou.label_noise_sgd(SETTING, TRUTH, **RUN).save(path)
    rewritten(path, change)
    assert re.search(told, refused(path))


def test_a_run_becomes_a_labelled_data_set():
    run = ou.label_noise_sgd(SETTING, TRUTH, noise=ones, replacement=False, **RUN | {"noise_std": [0.1, 0.2, 0.0, 0.1]})
    labelled = run.to_xarray()
    assert dict(labelled.sizes) == {"chain": 2, "record": 6, "parameter": 9}
    for name in ("theta", "loss", "reg", "status"):
        np.testing.assert_array_equal(labelled[name].values, getattr(run, name))
    np.testing.assert_array_equal(labelled["step"].values, run.steps)
    last = labelled.swap_dims(record="step")["theta"].sel(step=30, chain=1)
    np.testing.assert_array_equal(last.values, run.theta[1, -1])
    assert labelled.attrs["simulator"] == "label_noise_sgd"
    assert labelled.attrs["setting"] == repr(SETTING)
    assert json.loads(labelled.attrs["seed"])["entropy"] == 11
    assert all(isinstance(value, str | int | float | np.ndarray) for value in labelled.attrs.values())


def test_what_was_observed_and_averaged_is_labelled_too():
    observe = {
        "loss": lambda setting, theta: ou.loss(setting, theta) * 2,
        "observed loss": ou.loss,
        "average theta": lambda _, theta: theta[:, 0],
        "U": lambda _, theta: theta.reshape(-1, 3, 3)[:, :2],
    }
    average = ou.Averaging(basis=np.eye(9)[:, :2], reg=True)
    run = ou.label_noise_sgd(SETTING, TRUTH, **RUN, observe=observe, average=average)
    labelled = run.to_xarray()
    assert labelled["U"].dims == ("chain", "record", "U 0", "U 1")
    np.testing.assert_array_equal(labelled["U"].values, run.observed["U"])
    np.testing.assert_array_equal(labelled["loss"].values, run.loss)
    np.testing.assert_array_equal(labelled["observed observed loss"].values, run.observed["loss"])
    np.testing.assert_array_equal(labelled["observed loss"].values, run.observed["observed loss"])
    np.testing.assert_array_equal(labelled["observed average theta"].values, run.observed["average theta"])
    for name in ("theta", "covariance", "loss", "reg", "basis"):
        np.testing.assert_array_equal(labelled[f"average {name}"].values, getattr(run.averages, name))
    assert labelled["average covariance"].dims == ("chain", "direction", "other direction")
    assert labelled.attrs["average count"] == run.averages.count


def test_without_xarray_one_line_says_how_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "xarray", None)
    with pytest.raises(ImportError, match=r"to_xarray: expected xarray, which pip install 'ouanalysis\[xarray\]'"):
        ou.label_noise_sgd(SETTING, TRUTH, **RUN).to_xarray()


def test_where_every_chain_has_diverged_loss_and_reg_are_nan():
    def h(theta, x):  # which takes no rows at all
        return anp.sum(theta.reshape((*theta.shape[:-1], -1, 2)), axis=(-1, -2)) ** 3 * x

    setting = ou.Setting(h, [1.0], [0.0], 4)
    run = ou.label_noise_sgd(setting, 100 * np.ones(4), lr=10.0, noise_std=0.1, steps=40, rng=0, chains=2)
    assert run.diverged.all()
    assert np.isnan(run.loss).all()
    assert np.isnan(run.reg).all()
