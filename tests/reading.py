"""What a derivation must be to be read: on a terminal of 110 columns, and in a browser as MathML."""

import re

from ouanalysis.derivations.derivation import Derivation
from ouanalysis.derivations.prose import mathml, prose_html

# What SymPy calls things, and the field does not.
CODE = re.compile(
    r"Derivative|Subs\(|Sum\(|Matrix|Trace|KroneckerDelta|Piecewise|Limit|\*\*|\b(?:eta|sigma|theta|beta)\b"
)


def check_text(derivation: Derivation) -> None:
    """No formula in SymPy's own words, none wider than a terminal."""
    for step in derivation.steps:
        for line in step.text():
            assert len(line) <= 104, step.statement
            assert not CODE.search(line), line
    assert max(map(len, derivation.text().splitlines()[2:])) <= 110


def check_mathml(derivation: Derivation) -> None:
    """Every formula, on one line and broken, and all prose become MathML that a browser shows."""
    for step in derivation.steps:
        formulas = dict.fromkeys([step.latex, *step.lines()])
        for made in (*map(mathml, formulas), prose_html(step.statement), prose_html(step.argument)):
            assert "merror" not in made, step.statement
            assert "\\" not in made, step.statement
            assert not re.search(r"<m\w+></m(?!row|text)", made), made
