"""What docs/_ext makes of a docstring, before Sphinx reads it."""

import importlib.util

import pytest
from documentation import DOCS


@pytest.fixture
def rewritten():
    spec = importlib.util.spec_from_file_location("plain_docstrings", DOCS / "_ext" / "plain_docstrings.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    def apply(text):
        lines = text.split("\n")
        module.as_restructured_text(None, None, None, None, None, lines)
        return "\n".join(lines)

    return apply


@pytest.mark.parametrize(
    ("plain", "restructured"),
    [
        ("θ* and |x| of x_{i+1}, h_i", r"θ\* and \|x\| of x\_{i+1}, h_i"),
        ("as ``a*b`` and `x_`", "as ``a*b`` and `x_`"),
        (">>> a * b\n6\n\nθ*", ">>> a * b\n6\n\nθ\\*"),
        ("So\n\n    a = b*c\n\nθ*", "So\n\n::\n\n        a = b*c\n\nθ\\*"),
        ("v : str\n    one     of*\n    two\nw*", "v : str\n\n    ::\n\n        one     of*\n        two\n\nw\\*"),
    ],
)
def test_signs_are_escaped_and_formulas_tables_and_examples_kept(rewritten, plain, restructured):
    assert rewritten(plain) == restructured
