"""What a stranger relies on: imports run one way, importing is light, public names exist."""

import ast
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ouanalysis as ou

PACKAGE = Path(ou.__file__).parent
ORDER = [
    {"arguments", "one_blas_thread", "progress", "written"},
    {"activations"},
    {"tape", "frameworks"},
    {"settings"},
    {"symbolic", "numeric"},
    {"minima", "simulate"},
    {"experiments"},
    {"derivations"},  # beside the package, whose claims alone run it
    {"claims", "figures"},
    {"report"},
]
NUMERIC = ["zero_error_set", "fluctuations", "long_time"]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}
DERIVED_FROM = {"activations", "settings", "symbolic", "derivations"}
BY_VARIABLE = {  # their callers, or a table of their own, say what they import
    "ouanalysis.derivations.__main__",
    "ouanalysis.minima.__init__",
    "ouanalysis.settings.by_file_name",
}
UNKNOWN = "ouanalysis.?"


def rooms_that_exist():
    modules = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    return modules | {path.parent.name for path in PACKAGE.glob("*/__init__.py")} | {"derivations"}


def modules():
    """(dotted name, path) of every module of the package, and of the derivations that are installed into it."""
    derivations = Path(importlib.util.find_spec("ouanalysis.derivations").origin).parent
    for name, folder in {"ouanalysis": PACKAGE, "ouanalysis.derivations": derivations}.items():
        for path in sorted(folder.rglob("*.py")):
            yield ".".join((name, *path.relative_to(folder).with_suffix("").parts)), path


def reached(source, module):
    """The dotted names below `ouanalysis` that the text of a module reaches, by whatever way of importing."""
    nodes = list(ast.walk(ast.parse(source)))
    found, names = _imported(nodes, module)

    def dotted(node):
        if isinstance(node, ast.Attribute):
            return f"{dotted(node.value)}.{node.attr}"
        return names.get(node.id, node.id) if isinstance(node, ast.Name) else ""

    for node in nodes:
        if isinstance(node, ast.Attribute):
            found.add(dotted(node))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.update(re.findall(r"^(?:ouanalysis|derivations)\.[\w.]+$", node.value))
        elif isinstance(node, ast.Call) and dotted(node.func) in ("importlib.import_module", "__import__"):
            found.add(_imported_by_call([*node.args, *(keyword.value for keyword in node.keywords)][0], module))
        elif isinstance(node, ast.Call) and dotted(node.func) == "getattr" and dotted(node.args[0]) == "ouanalysis":
            found.add(f"ouanalysis.{getattr(node.args[1], 'value', '?')}")
    found = {re.sub(r"^derivations\b", "ouanalysis.derivations", name) for name in found}
    return {name for name in found if name.startswith("ouanalysis.")}


def _imported(nodes, module):
    """What import statements import, and what each local name stands for."""
    found, names = set(), {}
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                first = alias.name.partition(".")[0]
                names[alias.asname or first] = alias.name if alias.asname else first
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node.level, node.module, module)
            names.update({alias.asname or alias.name: f"{base}.{alias.name}" for alias in node.names})
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found, names


def _absolute(level, name, module):
    base = module.split(".")[:-level] if level else []
    return ".".join([*base, *filter(None, [name])])


def _imported_by_call(argument, module):
    """What import_module(argument) imports; a format string counts by how it begins."""
    begins = argument.values[0] if isinstance(argument, ast.JoinedStr) else argument
    text = begins.value if isinstance(begins, ast.Constant) else ""
    name = text.lstrip(".")
    if not name or (text.startswith("ouanalysis.") and text.count(".") == 1 and argument is not begins):
        return UNKNOWN
    return _absolute(len(text) - len(name), name, module)


def room_of(name):
    """The room of a dotted name below `ouanalysis`: its own, or the one that a public name comes from."""
    first = name.split(".")[1]
    if first in rooms_that_exist() or first == "*":
        return first
    return None if first.startswith("__") else getattr(ou, first).__module__.split(".")[1]


def test_the_order_names_every_room_that_exists_and_no_other():
    assert set(LEVEL) == rooms_that_exist()
    assert sum(map(len, ORDER)) == len(LEVEL)


def test_imports_run_one_way():
    checked, by_variable = 0, set()
    for module, path in modules():
        room = module.split(".")[1]
        for name in reached(path.read_text(), module):
            if name == UNKNOWN:
                by_variable.add(module)
            elif room != "__init__" and (other := room_of(name)) not in (room, None):
                assert LEVEL.get(other, len(ORDER)) < LEVEL[room], f"{module} reaches {name}, of {other}"
                checked += 1
    assert checked > 100
    assert by_variable == BY_VARIABLE


def test_imports_run_one_way_inside_numeric_too():
    checked = 0
    for module, path in modules():
        if module.startswith("ouanalysis.numeric.") and not module.endswith("__init__"):
            room = module.split(".")[2]
            others = {name.split(".")[2] for name in reached(path.read_text(), module) if name.count(".") > 2}
            for other in others & set(NUMERIC) - {room}:
                assert NUMERIC.index(other) < NUMERIC.index(room), f"{module} reaches {other}"
                checked += 1
    assert checked > 10


def test_no_module_is_hidden_by_a_name_in_its_room():
    for module, path in modules():
        room, _, leaf = module.rpartition(".")
        if leaf not in ("__init__", "__main__"):
            stub = path.with_name("__init__.pyi")
            init = ast.parse((stub if stub.exists() else path.with_name("__init__.py")).read_text())
            names = _imported(ast.walk(init), f"{room}.__init__")[1]
            assert names.get(leaf, module) == module, f"{module} is hidden by {names[leaf]}"


def test_derivations_reach_public_names_of_the_symbolic_side_alone():
    for module, path in modules():
        if module.startswith("ouanalysis.derivations."):
            for name in reached(path.read_text(), module) - ({UNKNOWN} if module in BY_VARIABLE else set()):
                assert room_of(name) in DERIVED_FROM, f"{module} reaches {name}"
                if room_of(name) != "derivations":
                    assert not any(re.match("_(?!_)", part) for part in name.split(".")), f"{module} reaches {name}"


WAYS = [
    pytest.param("from .. import simulate", "simulate", id="from the parent"),
    pytest.param("from ..simulate import sgd", "simulate", id="from a relative room"),
    pytest.param("from ..simulate.sgd import label_noise_sgd", "simulate", id="from a relative module"),
    pytest.param("from ..simulate import *", "simulate", id="everything from a room"),
    pytest.param("import ouanalysis.simulate", "simulate", id="import room"),
    pytest.param("import ouanalysis.simulate.sgd as run", "simulate", id="import module as"),
    pytest.param("from ouanalysis import simulate", "simulate", id="from package"),
    pytest.param("from ouanalysis.simulate import sgd as run", "simulate", id="from room as"),
    pytest.param("import ouanalysis; ouanalysis.simulate.sgd.label_noise_sgd", "simulate", id="attribute room"),
    pytest.param("import ouanalysis.settings; ouanalysis.simulate", "simulate", id="attribute beside what is imported"),
    pytest.param("import ouanalysis as ou; ou.label_noise_sgd", "simulate", id="attribute public name"),
    pytest.param("from .. import label_noise_sgd", "simulate", id="public name from the parent"),
    pytest.param("from ouanalysis import minimum as least", "minima", id="public name from package"),
    pytest.param("from ouanalysis import *", "*", id="everything"),
    pytest.param("def lazy():\n    from ..simulate import sgd", "simulate", id="inside a function"),
    pytest.param("def lazy():\n    import ouanalysis as ou\n    ou.simulate", "simulate", id="attribute in a function"),
    pytest.param("from importlib import import_module as get; get('ouanalysis.simulate')", "simulate", id="by name"),
    pytest.param("import importlib; importlib.import_module('..simulate', __package__)", "simulate", id="by parent"),
    pytest.param("import importlib as i; i.import_module(f'ouanalysis.simulate.{x}')", "simulate", id="by a format"),
    pytest.param("import importlib as i; i.import_module(name='ouanalysis.simulate')", "simulate", id="by keyword"),
    pytest.param("from importlib import import_module; import_module(f'..simulate.{x}', y)", "simulate", id="both"),
    pytest.param("__import__('ouanalysis.simulate')", "simulate", id="by the built-in"),
    pytest.param("import sys; sys.modules['ouanalysis.simulate']", "simulate", id="by what is loaded"),
    pytest.param("import ouanalysis as ou; getattr(ou, 'label_noise_sgd')", "simulate", id="by getattr"),
    pytest.param("from ..derivations import local_ou", "derivations", id="derivations"),
    pytest.param("import derivations.local_ou", "derivations", id="derivations of the checkout"),
    pytest.param(
        "from importlib import import_module; import_module('derivations.ou')", "derivations", id="by name too"
    ),
    pytest.param("import ouanalysis; ouanalysis.derivations", "derivations", id="attribute derivations"),
]


@pytest.mark.parametrize(("source", "room"), WAYS)
def test_every_way_of_reaching_a_room_is_seen(source, room):
    assert {room_of(name) for name in reached(source, "ouanalysis.numeric.module")} - {"settings"} == {room}


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("from importlib import import_module; import_module(room)", id="name"),
        pytest.param("from importlib import import_module; import_module(f'ouanalysis.{room}')", id="any room"),
        pytest.param("from importlib import import_module; import_module(f'{room}.sgd')", id="format"),
        pytest.param("from importlib import import_module; import_module(f'.{room}', package)", id="relative"),
        pytest.param("import ouanalysis; getattr(ouanalysis, room)", id="getattr"),
    ],
)
def test_an_import_by_a_variable_is_seen(source):
    assert reached(source, "ouanalysis.numeric.module") == {UNKNOWN}


@pytest.mark.parametrize("source", ["from .ou import local_ou", "from . import ou", "import numpy; numpy.simulate"])
def test_a_rooms_own_modules_and_other_libraries_are_not_other_rooms(source):
    assert {room_of(name) for name in reached(source, "ouanalysis.numeric.module")} <= {"numeric"}


def is_for_type_checkers(node):
    """Whether it is `if TYPE_CHECKING:`, which nothing runs."""
    return isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"


CLOSED_FORMS = [
    path.stem for path in (PACKAGE / "settings").glob("*.py") if (PACKAGE / "symbolic" / path.name).exists()
]


@pytest.mark.parametrize("name", sorted(set(CLOSED_FORMS) - {"__init__"}))
def test_the_typed_closed_forms_import_neither_h_nor_the_trace(name):
    module = f"ouanalysis.symbolic.{name}"
    tree = ast.parse((PACKAGE / "symbolic" / f"{name}.py").read_text())
    tree.body = [node for node in tree.body if not is_for_type_checkers(node)]
    imported = reached(ast.unparse(tree), module)
    assert {".".join(name.split(".")[:3]) for name in imported} == {"ouanalysis.symbolic.closed_form"}


def test_every_public_name_exists_and_says_what_it_is():
    for name in ou.__all__:
        assert getattr(ou, name).__doc__, name


def test_what_type_checkers_see_is_what_is_public():
    stub = ast.parse((PACKAGE / "__init__.pyi").read_text())
    typed = [alias for node in stub.body if isinstance(node, ast.ImportFrom) for alias in node.names]
    assert all(alias.asname == alias.name for alias in typed)  # else it is no name of the stub's to type checkers
    assert sorted(alias.name for alias in typed) == sorted(ou.__all__) == sorted(set(dir(ou)))


def run(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_importing_loads_no_heavy_library():
    heavy = {"sympy", "scipy", "matplotlib", "numba", "autograd", "jax", "torch"}
    assert run(f"import sys, ouanalysis; print({heavy} & set(sys.modules))").strip() == "set()"


@pytest.mark.benchmark
def test_importing_takes_under_three_tenths_of_a_second():
    timed = "import time; start = time.perf_counter(); import ouanalysis; print(time.perf_counter() - start)"
    assert min(float(run(timed)) for _ in range(3)) < 0.3


@pytest.mark.benchmark
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
