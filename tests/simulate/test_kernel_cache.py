"""Compiled kernels are kept on disk and renewed when a source changes; where they cannot be, the run goes on."""

import errno
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest
from numba.core import caching
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis.simulate import kernels

SETTING = ou.MatrixSensing([[[1.0]]], y=[4.0])
RUN = {"lr": 0.1, "noise_std": 0.0, "steps": 1, "rng": 0}

PROGRAM = """
import json, os, warnings
import ouanalysis as ou
from ouanalysis.simulate import kernels

def advance(model, theta, velocity, b, c, d, e, f, g, h, i, out, j, k, l, m, n, o, p, q):
    out[0, 0] = kernels.value_and_gradient(model, theta, 0, velocity)

if "NUMBA_DISABLE_JIT" not in os.environ:
    kernels._advance = advance
setting = ou.MatrixSensing([[[1.0]]], y=[4.0])
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    for _ in range(2):
        theta = ou.label_noise_sgd(setting, [1.0], lr=0.1, noise_std=0.0, steps=1, rng=0).theta
    compiled = kernels.kernel(setting)
hits = compiled and sum(compiled.func.stats.cache_hits.values())
print(json.dumps([theta.item(), hits, [str(warning.message) for warning in caught], [w.filename for w in caught]]))
"""


def start(tmp_path, *, where=None, **environment):
    """The program in a process of its own, in `tmp_path`, with the package of `where` if one is given."""
    program = tmp_path / "program.py"
    program.write_text(PROGRAM, encoding="utf-8")
    environment = {**os.environ, "PYTHONPATH": str(where or ""), **environment}
    return subprocess.Popen([sys.executable, program], stdout=subprocess.PIPE, env=environment, cwd=tmp_path)


def finish(process):
    """What it printed: θ, how often the cache was hit, what it warned of, and where."""
    printed, _ = process.communicate()
    assert process.returncode == 0
    return json.loads(printed)


def file(folder, ending):
    (path,) = folder.rglob(f"*.{ending}")
    return path


def advance(model, theta, _a, _b, _c, _d, _e, _f, _g, _h, _i, out, _j, _k, _l, _m, _n, _o, _p, _q):
    """In place of the loop, for it compiles in a moment."""
    out[0, 0] = theta[0] + model.y[0]


@pytest.fixture(scope="module")
def full_cache(tmp_path_factory):
    """A folder in which the loop above is kept."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "_advance", advance)
        patch.setattr(numba.config, "CACHE_DIR", str(folder))
        kernels._compiled.cache_clear()
        kernels.kernel(SETTING)
        kernels._compiled.cache_clear()
    return folder


@pytest.fixture
def run(monkeypatch, tmp_path, full_cache):
    """A run as in a new process whose cache, in tmp_path, is full; it gives the hits of the cache."""

    def run():
        kernels._compiled.cache_clear()
        assert ou.label_noise_sgd(SETTING, [1.0], **RUN).theta == 5.0
        return sum(kernels.kernel(SETTING).func.stats.cache_hits.values())

    monkeypatch.setattr(kernels, "_advance", advance)
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    shutil.copytree(full_cache, tmp_path, dirs_exist_ok=True)
    kernels.warn_once.cache_clear()
    yield run
    kernels._compiled.cache_clear()
    kernels.warn_once.cache_clear()


def test_a_second_process_reads_what_the_first_compiled(run):
    assert run() == 1


def cut(path):
    path.write_bytes(path.read_bytes()[:-100])


def empty(path):
    path.write_bytes(b"")


def zero(path):
    path.write_bytes(bytes(path.stat().st_size))


def occupy(path):
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("ending", "damage"),
    [("nbi", cut), ("nbi", empty), ("nbi", zero), ("nbi", occupy), ("nbc", cut), ("nbc", empty), ("nbc", zero)],
)
def test_a_damaged_file_costs_a_compilation_and_one_warning_that_says_where_it_is(run, tmp_path, ending, damage):
    damage(file(tmp_path, ending))
    with pytest.warns(UserWarning, match=rf"not kept on disk .*{tmp_path}.*: delete its damaged files") as caught:
        assert run() == 0
    ou.label_noise_sgd(SETTING, [1.0], **RUN)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_a_missing_data_file_is_written_anew(run, tmp_path):
    file(tmp_path, "nbc").unlink()
    assert [run(), run()] == [0, 1]


def two_settings(run):
    """The same trouble twice is told once."""
    run()
    kernels.kernel(ou.ReluNetwork([0.0], [1.0], 1))


@pytest.mark.parametrize("name", ["_save_index", "_save_data"])
def test_on_a_full_disk_the_run_goes_on_and_once_there_is_room_it_is_kept(run, tmp_path, monkeypatch, name):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "a name that is new each time")

    for path in tmp_path.rglob("*.nb?"):
        path.unlink()
    writes = getattr(caching.IndexDataCacheFile, name)
    monkeypatch.setattr(caching.IndexDataCacheFile, name, full)
    with pytest.warns(UserWarning, match="No space left on device.* make room") as caught:
        two_settings(run)
    monkeypatch.setattr(caching.IndexDataCacheFile, name, writes)
    assert len(caught) == 1
    assert "a name that is new" not in str(caught[0].message)
    assert [run(), run()] == [0, 1]


def test_where_no_folder_can_be_written_the_run_goes_on_with_one_warning(run, monkeypatch):
    def read_only(_):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", read_only)
    with pytest.warns(UserWarning, match="found no folder to write to.* set NUMBA_CACHE_DIR to one") as caught:
        two_settings(run)
    assert len(caught) == 1


def test_an_error_of_the_kernel_itself_is_not_taken_for_one_of_the_cache(run, monkeypatch):
    def broken(model, theta, _a, _b, _c, _d, _e, _f, _g, _h, _i, out, _j, _k, _l, _m, _n, _o, _p, _q):
        out[0, 0] = theta[0] + model.unknown

    monkeypatch.setattr(kernels, "_advance", broken)
    with pytest.raises(numba.core.errors.TypingError, match="unknown"):
        run()


def test_a_run_compiles_one_loop_whatever_its_batch_chains_and_records():
    for options in ({"batch_size": "full", "record": 1}, {"batch_size": 3, "chains": 3}, {"record": [0]}):
        ou.label_noise_sgd(SETTING, [1.0], **RUN, **options)
    ou.label_noise_sde(SETTING, [1.0], **RUN)
    assert len(kernels.kernel(SETTING).func.signatures) == 1


def test_a_changed_source_is_compiled_anew_and_an_unchanged_one_is_not(tmp_path):
    package = shutil.copytree(
        Path(ou.__file__).parent, tmp_path / "ouanalysis", ignore=shutil.ignore_patterns("__pycache__")
    )
    here = {"where": tmp_path, "NUMBA_CACHE_DIR": str(tmp_path / "cache")}
    first, second = (finish(start(tmp_path, **here)) for _ in range(2))
    assert first[:3] == [1.0, 0, []]  # h = u² at u = 1
    assert second[:3] == [first[0], 1, []]
    source = package / "simulate" / "kernels" / "matrix_sensing.py"
    text = source.read_text(encoding="utf-8")
    source.write_text(text.replace("theta) / 2", "theta) / 2 + 1.0"), encoding="utf-8")
    assert finish(start(tmp_path, **here))[:3] == [2.0, 0, []]


def test_two_processes_may_compile_and_write_at_once(tmp_path):
    both = [start(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache")) for _ in range(2)]
    results = [finish(process) for process in both]
    assert [result[0] for result in results] == [1.0, 1.0]
    assert all(result[2] == [] for result in results)
    assert finish(start(tmp_path, NUMBA_CACHE_DIR=str(tmp_path / "cache")))[1] == 1


def test_without_numbas_compiler_the_run_goes_on_by_autograd_with_one_warning(tmp_path):
    theta, hits, (message,), (place,) = finish(start(tmp_path, NUMBA_DISABLE_JIT="1"))
    assert theta == pytest.approx(2.2, rel=FORMULA)  # u − 2η (u² − y) 2u
    assert hits is None
    assert message.startswith("NUMBA_DISABLE_JIT is set")
    assert Path(place).name == "program.py"


@pytest.mark.parametrize("made", ["a file", "inside a file"])
def test_a_cache_folder_that_cannot_be_is_named_in_one_warning(tmp_path, made):
    wanted = tmp_path / "occupied"
    wanted.write_text("", encoding="utf-8")
    if made == "inside a file":
        wanted /= "cache"
    theta, _, (message,), _ = finish(start(tmp_path, NUMBA_CACHE_DIR=str(wanted)))
    assert theta == 1.0
    assert message.startswith(f"NUMBA_CACHE_DIR: expected a folder that can be written, got {str(wanted)!r}")
