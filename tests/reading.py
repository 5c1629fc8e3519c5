"""What a derivation must be to be read: on a terminal of 110 columns, read back, and in a browser as MathML."""

import math
import re
import unicodedata

import sympy
from ouanalysis.derivations.derivation import Derivation
from ouanalysis.derivations.latex import Latex
from ouanalysis.derivations.line import Line
from ouanalysis.derivations.prose import mathml, prose_html

# What SymPy calls things, and the field does not.
CODE = re.compile(
    r"Derivative|Subs\(|Sum\(|Matrix|Trace|KroneckerDelta|Piecewise|Limit|\*\*|\b(?:eta|sigma|theta|beta)\b"
)
ALGEBRA = (sympy.Add, sympy.Mul, sympy.Pow, sympy.Symbol, sympy.Number, sympy.exp, sympy.log)
TOKEN = re.compile(
    r"(?P<value>\d+|½|¼)|(?P<word>log|rest|reg|[A-Za-zα-ωΑ-Ω](?:_[A-Za-z0-9∞]+)?)|(?P<raised>[⁰¹²³⁴-⁹⁻]+)|(?P<sign>\S)"
)
DIGITS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻−{}", "0123456789--()")


def check_text(derivation: Derivation) -> None:
    """No formula in SymPy's own words, none wider than a terminal, and what can be read back has its value."""
    for step in derivation.steps:
        for line in step.text():
            assert len(line) <= 104, step.statement
            assert not CODE.search(line), line
        for side in (step.left, step.right):
            if is_algebra(side):
                line, names = Line().draw(side), sorted({name.name for name in side.free_symbols})
                numbers = {name: 0.31 + math.sqrt(place) / 7 for place, name in enumerate(names)}
                shown = {as_shown(name): number for name, number in numbers.items()}
                expected = complex(side.subs({name: numbers[name.name] for name in side.free_symbols}))
                for written in (line, as_line(Latex().draw(side))):
                    assert abs(read(written, shown) - expected) <= 1e-9 * max(1, abs(expected)), written
    assert max(map(len, derivation.text().splitlines()[2:])) <= 110


def is_algebra(side: object) -> bool:
    """Whether it has nothing but numbers in it."""
    if not isinstance(side, sympy.Expr) or not side.is_commutative:
        return False
    return all(isinstance(part, ALGEBRA) for part in sympy.preorder_traversal(side))


def read(line: str, numbers: dict[str, float]) -> complex:
    """The value of a line, by reading what is written: what stands side by side is multiplied.

    >>> read("−2η²k/(1 − ηk)√(B/2)", {"eta": 2.0, "k": 3.0, "B": 8.0})
    (9.6+0j)
    """
    out, ended = [], False
    names = {"log": "log(", "e": "e"}
    for token in TOKEN.finditer(line):
        kind, found = token.lastgroup, token.group()
        if kind == "raised":
            out.append(f"**({found.translate(DIGITS)})")
            continue
        begins = kind != "sign" or found in "(√"
        if begins and ended:
            out.append("*")
        if kind == "value":
            out.append({"½": "0.5", "¼": "0.25"}.get(found, found))
        elif kind == "word":
            out.append(found if found in names else repr(numbers[spelled(found)]))
        else:
            out.append({"^": "**", "√": "root"}.get(found, found.translate(DIGITS)))
        ended = found not in ("log", "√") if begins and found != "(" else found in ")}"
    text = re.sub(r"root(\d[\d.]*)", r"root(\1)", "".join(out))
    return complex(eval(text, {"root": lambda value: complex(value) ** 0.5, "log": math.log, "e": math.e}))


def as_line(latex: str) -> str:
    """LaTeX as a line that `read` reads, from the innermost braces outwards.

    >>> as_line(r"\\frac{2 {\\eta }^{2} k_{1}}{\\sqrt{B}}")
    '((2 (η )^(2) k_1)/(√(B)))'
    """
    line = (
        re.sub(r"\\(left|right)", "", latex).replace(r"\log", "log").replace(r"\infty", "∞").replace("lambda", "lamda")
    )
    line = re.sub(r"\\mathrm\{(\w+)\}", r"\1", line)
    line = re.sub(r"\\(?!frac|sqrt)([a-z]+)", lambda word: unicodedata.lookup(f"GREEK SMALL LETTER {word[1]}"), line)
    line = re.sub(r" ?_\{([\w∞ ]+)\}", lambda index: f"_{index[1].strip()}", line)
    before = ""
    while line != before:
        before = line
        line = re.sub(r"\\frac\{([^{}]*)\}\{([^{}]*)\}", r"((\1)/(\2))", line)
        line = re.sub(r"\\sqrt\{([^{}]*)\}", r"√(\1)", line)
        line = re.sub(r"(?<![}_])\{([^{}]*)\}\^\{([^{}]*)\}", r"(\1)^(\2)", line)
    return line


def as_shown(name: str) -> str:
    """S_oo as S_∞, and U_1_0 as U_10."""
    base, _, index = name.replace("_oo", "_∞").partition("_")
    return f"{base}_{index.replace('_', '')}" if index else base


def spelled(name: str) -> str:
    """η_a as eta_a."""
    letter, index = name[0], name[1:]
    if letter.isascii():
        return name
    capital, word = re.fullmatch(r"GREEK (CAPITAL|SMALL) LETTER (\w+)", unicodedata.name(letter)).groups()
    word = {"LAMDA": "lambda"}.get(word, word.lower())
    return (word.capitalize() if capital == "CAPITAL" else word) + index


def check_mathml(derivation: Derivation) -> None:
    """Every formula, on one line and broken, and all prose become MathML that a browser shows."""
    for step in derivation.steps:
        formulas = dict.fromkeys([step.latex, *step.lines()])
        for made in (*map(mathml, formulas), prose_html(step.statement), prose_html(step.argument)):
            assert "merror" not in made, step.statement
            assert "\\" not in made, step.statement
            assert not re.search(r"<m\w+></m(?!row|text)", made), made
