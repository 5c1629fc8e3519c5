"""What a type checker tells a user: the types of every result, and each slip in a name, a keyword or a literal."""

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ouanalysis as ou

SCRIPT = Path(__file__).parent / "typing" / "user_script.py"
PLANTED = {
    "ou.regularzer(setting, theta)": "attr-defined",
    "ou.local_ou(setting, theta, lr=0.1, noise=0.1)": "call-arg",
    "ou.linearized_sgd(setting, theta, lr=0.1)": "call-arg",
    'ou.local_ou(setting, theta, lr=0.1, noise_std=0.1, batch_size="ful")': "arg-type",
    'ou.label_noise_sgd(setting, theta, lr=0.1, noise_std=0.1, steps=1, rng=0, noise="gausian")': "arg-type",
    'ou.regularized_flow(setting, theta, times=[1.0], method="RK54")': "arg-type",
    "ou.stability(setting, theta).verdct": "attr-defined",
    'ou.stability(setting, theta).verdict == "repelent"': "comparison-overlap",
    "ou.certify(theta, setting)": "arg-type",
    'ou.ReluNetwork([0.0], [1.0], width="3")': "arg-type",
    'ou.SigmoidNetwork([[0.0]], [1.0], width=3, activation="tahn")': "arg-type",
    'ou.step_size(0.1, loss="third")': "arg-type",
    'ou.regularizer(setting, "theta")': "arg-type",
    'ou.label_noise_sgd(setting, "theta", lr=0.1, noise_std=0.1, steps=1, rng=0)': "arg-type",
    'ou.label_noise_sde(setting, theta, lr=0.1, noise_std="a", steps=1, rng=0)': "arg-type",
    'ou.linearized_sgd(setting, theta, lr=0.1, noise_std=["a", "b"])': "list-item",
    "ou.tangent_drift(setting, theta, lr=0.1, noise_std=0.1j)": "arg-type",
    "ou.loss(setting, [1.0, 2.0j])": "list-item",
    "ou.gram(setting, theta + 1j)": "arg-type",
    "ou.flow_time(setting, None, lr=0.1, noise_std=0.1)": "arg-type",
    'ou.flow_time(setting, lr=lambda steps: "a", noise_std=0.1)': "return-value",
    'ou.label_noise_sgd(setting, theta, lr=0.1, noise_std=0.1, steps=1, rng=0, record="lin")': "arg-type",
    "ou.label_noise_sgd(setting, theta, lr=0.1, noise_std=0.1, steps=1, rng=0, average=ou.Averages)": "arg-type",
    'ou.Averaging(basis="theta")': "arg-type",
    "ou.resume(run, step=3)": "call-arg",
    "ou.certify(setting, setting)": "arg-type",
    'ou.MatrixSensing([[["a"]]], [1.0])': "list-item",
    'setting.pack(c=[1.0], w="w")': "arg-type",
    'local.covariance("10")': "arg-type",
}

REALS = [  # what a script may write for an array of real numbers
    *("1", "0.5", "True", "np.float32(1)", "np.int64(1)", "theta.sum()"),
    *("[1, 2.0]", "(1.0, 2)", "range(2)", "[np.float32(1), 2.0]", "[t for t in theta]"),
    *("[[1, 2], [3, 4.5]]", "((1, 2), (3, 4))", "[(1, 2), range(2)]", "[theta, [1, 2]]", "[[[[1.0, 2.0]]]]", "[]"),
    *("theta", "theta > 0", "np.arange(2)", "np.ones(2, np.float32)", "np.array([1, 2])"),
]


OF_SYMPY = {  # which has no types that mypy could know
    "ou.activations.Activation",
    "ou.activations.Activation.expression",
    "ou.minima.real_roots",
}


@pytest.fixture(scope="module")
def said(tmp_path_factory):
    """What `mypy --strict` says of a user's script in errors, or in the notes of reveal_type: {line number: text}."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "mypy.ini").write_text("[mypy]\n")

    def of(source, kind):
        (folder / "script.py").write_text(source)
        options = ["--strict", "--follow-imports=silent", "--config-file", "mypy.ini", "--no-error-summary"]
        found = subprocess.run(
            [sys.executable, "-m", "mypy", *options, "script.py"],
            cwd=folder,
            env={"MYPYPATH": str(Path(ou.__file__).parent.parent), "PATH": ""},
            capture_output=True,
            text=True,
            check=False,
        )
        assert not found.stderr
        lines = [line.split(":", 2) for line in found.stdout.splitlines() if f": {kind}:" in line]
        return {int(number): text for _, number, text in lines}

    return of


@pytest.fixture(scope="module")
def strict(said):
    """The errors."""
    return lambda source: said(source, "error")


def test_a_strict_script_that_calls_every_public_function_has_the_types_it_asserts(strict):
    assert strict(SCRIPT.read_text()) == {}


def test_the_script_calls_every_public_function():
    named = {node.attr for node in ast.walk(ast.parse(SCRIPT.read_text())) if isinstance(node, ast.Attribute)}
    functions = {name for name in ou.__all__ if type(getattr(ou, name)).__name__ == "function"}
    assert len(functions) > 25
    assert functions <= named


def test_each_slip_is_an_error_on_its_line_and_of_its_kind(strict):
    source = SCRIPT.read_text()
    first = len(source.splitlines()) + 1
    found = strict(source + "\n".join(PLANTED) + "\n")
    kinds = {first + number: kind for number, kind in enumerate(PLANTED.values())}
    assert found.keys() == kinds.keys()
    for number, kind in kinds.items():
        assert f"[{kind}]" in found[number], found[number]


def test_whatever_holds_real_numbers_is_taken_for_an_array(strict):
    named = ["rows = [[1, 2], [3, 4]]", "halves = [0.5, 1.5]", "pairs = ((1, 2.0), (3, 4.0))"]
    calls = [f"ou.loss(setting, {value})" for value in (*REALS, "rows", "halves", "pairs")]
    assert strict("\n".join([SCRIPT.read_text(), *named, *calls])) == {}


def public():
    """Each public function, class, method and field, and a line that reveals its type."""
    for room, module in {"ou": ou, "ou.activations": ou.activations, "ou.minima": ou.minima}.items():
        for name in module.__all__:
            thing, called = getattr(module, name), f"{room}.{name}"
            if not inspect.ismodule(thing):
                yield called, f"reveal_type({called})"
            if inspect.isclass(thing):
                for member in sorted({*dir(thing), *getattr(thing, "__dataclass_fields__", ())}):
                    if not hasattr(Exception, member) and member[0] != "_":
                        yield f"{called}.{member}", f"(lambda it: reveal_type(it.{member}))(cast({called}, 0))"


def test_nothing_public_is_of_type_any(said):
    names, lines = zip(*public(), strict=True)
    revealed = said("\n".join(["import ouanalysis as ou", "from typing import cast", *lines]), "note")
    assert len(revealed) == len(names) > 200
    own = [text.replace("ndarray[tuple[Any, ...]", "") for _, text in sorted(revealed.items())]  # an array's shape
    assert {name for name, text in zip(names, own, strict=True) if re.search(r"\bAny\b", text)} == OF_SYMPY


def unannotated(path):
    """Public functions and methods of a module of which an argument or the result has no type."""
    kernel = path.parent.name == "kernels"  # Numba compares the annotations of arguments
    for scope in [tree := ast.parse(path.read_text()), *(node for node in tree.body if isinstance(node, ast.ClassDef))]:
        for node in scope.body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                typed = [argument.annotation for argument in arguments if argument.arg not in ("self", "cls")]
                if node.returns is None or (None in typed and not kernel):
                    yield f"{path.name}:{node.lineno} {node.name}"


def test_every_public_function_is_annotated():
    modules = list(Path(ou.__file__).parent.rglob("*.py"))
    assert len(modules) > 100
    assert [name for path in modules for name in unannotated(path)] == []
