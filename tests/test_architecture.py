"""What a stranger relies on: imports run one way, importing is light, public names exist."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ouanalysis as ou

PACKAGE = Path(ou.__file__).parent
ORDER = [
    {"arguments"},
    {"activations"},
    {"settings"},
    {"symbolic", "numeric"},
    {"minima", "simulate"},
    {"experiments"},
    {"claims", "figures"},
    {"report"},
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


def imported_rooms(path):
    """The rooms of this package that a module imports from, itself left out."""
    parts = ("ouanalysis", *path.relative_to(PACKAGE).with_suffix("").parts)
    for node in ast.walk(ast.parse(path.read_text())):
        targets = []
        if isinstance(node, ast.Import):
            targets = [alias.name.split(".") for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = [*parts[: len(parts) - node.level]] if node.level else []
            base += node.module.split(".") if node.module else []
            targets = [[*base, alias.name] for alias in node.names]
        yield from (target[1] for target in targets if target[0] == "ouanalysis" and len(target) > 1)


def test_imports_run_one_way():
    checked = 0
    for path in PACKAGE.rglob("*.py"):
        room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
        for other in imported_rooms(path):
            if room in LEVEL and other != room:
                assert LEVEL.get(other, -1) < LEVEL[room], f"{path} imports {other}"
                checked += 1
    assert checked > 20


@pytest.mark.parametrize(
    "line",
    [
        "from .. import simulate",
        "import ouanalysis.simulate",
        "from ouanalysis import simulate",
        "from ..simulate import sgd",
    ],
)
def test_every_way_of_importing_a_room_is_seen(line, tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path)
    (tmp_path / "numeric").mkdir()
    module = tmp_path / "numeric" / "module.py"
    module.write_text(line)
    assert list(imported_rooms(module)) == ["simulate"]


@pytest.mark.parametrize("name", ["matrix_sensing", "relu_network", "sigmoid_network"])
def test_the_typed_closed_forms_import_neither_h_nor_the_trace(name):
    source = (PACKAGE / "symbolic" / f"{name}.py").read_text()
    imported = [node.module for node in ast.walk(ast.parse(source)) if isinstance(node, ast.ImportFrom) and node.level]
    assert set(imported) == {"closed_form"}


def test_every_public_name_exists_and_says_what_it_is():
    for name in ou.__all__:
        assert getattr(ou, name).__doc__, name


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_loads_no_heavy_library():
    heavy = {"sympy", "scipy", "matplotlib", "numba", "autograd"}
    assert run(f"import sys, ouanalysis; print({heavy} & set(sys.modules))").strip() == "set()"


def test_importing_takes_under_three_tenths_of_a_second():
    timed = "import time; start = time.perf_counter(); import ouanalysis; print(time.perf_counter() - start)"
    assert min(float(run(timed)) for _ in range(3)) < 0.3


@pytest.mark.parametrize(
    "made",
    [
        "planted_matrix_sensing(3, 1, 4, rng=0)",
        "planted_relu_network(5, 1, rng=0)",
        "planted_sigmoid_network(3, 2, 4, rng=0)",
    ],
)
def test_the_first_step_of_a_second_process_comes_within_a_second(made):
    timed = f"""
import time
start = time.perf_counter()
import ouanalysis as ou
setting, theta = ou.{made}
ou.label_noise_sgd(setting, theta, lr=0.01, noise_std=0.1, steps=1, rng=0)
print(time.perf_counter() - start)
"""
    run(timed)
    assert min(float(run(timed)) for _ in range(3)) < 1.0
