"""No test leans on a tolerance that nobody chose: 1e-7 of assert_allclose and of isclose, 1e-6 of approx."""

import ast
from pathlib import Path

import pytest

NAMED = {
    "assert_allclose": {"rtol"},
    "allclose": {"rtol"},
    "isclose": {"rtol", "rel_tol", "abs_tol"},
    "approx": {"rel", "abs"},
}


def unnamed(source):
    """The lines of the calls that name no tolerance; what comes by ** says it elsewhere."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", None))
            keywords = {keyword.arg for keyword in node.keywords}
            if name in NAMED and not keywords & (NAMED[name] | {None}):
                yield node.lineno


def test_every_comparison_of_floats_names_its_tolerance():
    folder = Path(__file__).parent
    files = sorted(folder.rglob("*.py"))
    assert folder / "numeric" / "test_flow.py" in files
    assert [f"{path.relative_to(folder)}:{line}" for path in files for line in unnamed(path.read_text())] == []


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("np.testing.assert_allclose(a, b)", [1]),
        ("np.testing.assert_allclose(a, b, atol=1e-6)", [1]),
        ("assert_allclose(a, b, rtol=0, atol=1e-6)", []),
        ("assert_allclose(a, b, **LOSSLESS)", []),
        ("assert a == pytest.approx(b)\nassert a == approx(b, abs=0.1)", [1]),
        ("np.allclose(a, b) or math.isclose(a, b, rel_tol=0.1)", [1]),
    ],
)
def test_a_call_without_one_is_seen(source, lines):
    assert list(unnamed(source)) == lines
