"""How a formula is written, by hand: on a line, as a block and for LaTeX, and where it is broken."""

import pytest
import sympy
from ouanalysis.derivations.block import Block, Box, beside
from ouanalysis.derivations.derivation import Derivation, Step
from ouanalysis.derivations.latex import Latex
from ouanalysis.derivations.line import Line

eta, sigma, k, B, beta, theta_a, theta_b, t = sympy.symbols("eta sigma k B beta theta_a theta_b t")
i, n = sympy.symbols("i n", integer=True)
r, s = sympy.symbols("r s", positive=True)
K, JT, J = sympy.symbols("K J^T J", commutative=False)
h = sympy.Function("h")(i, theta_a, theta_b)
E = sympy.Function("E")
y, A = sympy.IndexedBase("y"), sympy.IndexedBase("A")
M, U = sympy.MatrixSymbol("M", 2, 2), sympy.MatrixSymbol("U", 2, 1)

ON_A_LINE = [
    (eta * sigma**2 * k / (B * (1 - eta * k)), "ησ²k/(B(1 − ηk))"),
    (n * eta / (4 - 4 * beta), "ηn/(4(1 − β))"),
    (n * eta / sympy.Mul(4 - 4 * beta, 1 - beta, evaluate=False), "ηn/(4(1 − β)²)"),
    (sympy.sqrt(s) / sympy.sqrt(r) * n, "n√(s/r)"),
    (sympy.sqrt(k) * sympy.sqrt(B), "√k√B"),
    (B - k * 0.5, "B − 0.5 k"),
    (-2 * eta / n * JT * K**-1 * J, "−(2η/n) JᵀK⁻¹J"),
    (1 - JT * K**-1 * J, "I − JᵀK⁻¹J"),
    (sympy.Derivative((h - y[i]) ** 2, theta_a), "∂/∂θ_a (h_i − y_i)²"),
    (sympy.Derivative(h, theta_a, theta_b), "∂²h_i/∂θ_a∂θ_b"),
    (sympy.Subs(sympy.Derivative(sympy.sin(t * k), t), t, 0), "∂/∂t sin(kt)│t=0"),
    (E((k - eta * t) ** 2), "E[(k − ηt)²]"),
    (sympy.exp(-2 * k * t), "e^{−2kt}"),
    (sympy.Trace(U.T * M * U), "tr(UᵀMU)"),
    (sympy.KroneckerDelta(sympy.Symbol("j"), i) * A[1, i], "δ_ij A_1i"),
    (sympy.Piecewise((k, t > 0), (0, True)), "k 1[t > 0]"),
    (sympy.sqrt(k) / 2 - sympy.Rational(1, 3), "√k/2 − 1/3"),
    ((k / B) ** 3, "k³/B³"),
    (sympy.Pow(k / B, 3, evaluate=False), "(k/B)³"),
    (k ** (t + 1) * sympy.Max(0, -k), "k^{1 + t} max(−k, 0)"),
    (-(k + t) / n, "−(k + t)/n"),
    (k - (t - B), "B + k − t"),
    (sympy.Mul(k, -t, evaluate=False), "k(−t)"),
]


@pytest.mark.parametrize(("expression", "line"), ON_A_LINE)
def test_a_line(expression, line):
    assert Line().draw(expression) == line


def test_a_block_stacks_fractions_and_shows_the_bounds_of_a_sum():
    drawn = Block().draw(sympy.Sum((h - y[i]) ** 2, (i, 1, n)) * sigma**2 / n)
    assert drawn.lines == (
        "σ²  n              ",
        "──  Σ  (h_i − y_i)²",
        "n  i=1             ",
    )
    assert drawn.lines[drawn.level].startswith("──")


def test_a_block_draws_matrices_level_with_each_other():
    tall, wide = sympy.Matrix([k, t, 1]), sympy.Matrix([[k, 1 / t]])
    assert Block().draw(sympy.MatMul(tall, wide, evaluate=False)).lines == (
        "⎡k⎤         ",
        "⎢t⎥ [k  1/t]",
        "⎣1⎦         ",
    )


def test_boxes_are_level_where_they_say():
    assert beside(Box(("a", "b"), 1), Box(("c", "d"), 0)).lines == ("a ", "bc", " d")


def test_latex():
    assert Latex().draw(k / (B * (1 - eta * k))) == r"\frac{k}{B \left( 1 - \eta  k \right)}"
    assert Latex().draw(JT * K**-1) == r"J^{\top} {K}^{-1}"
    assert Latex().draw(sympy.Pow(k / B, 3, evaluate=False)) == r"{\left( \frac{k}{B} \right)}^{3}"
    taken = sympy.Subs(sympy.Derivative(k * t**2, (t, 2)), t, 0)
    operator = r"\frac{{\partial }^{2}}{\partial {t}^{2}}"
    assert Latex().draw(taken) == rf"\left. {operator} \left( k {{t}}^{{2}} \right) \right|_{{t=0}}"


def test_a_long_formula_is_broken_before_its_signs():
    terms = sympy.symbols("a:9")
    step = Step("A sum", sympy.Add(*terms, evaluate=False), -sympy.Sum(A[i] - y[i], (i, 1, n)), "≤")
    assert step.lines(width=200) == [step.latex]
    left, relation, right = step.sides(width=20)
    assert relation == r"\le "
    assert len(left) > 1
    assert all(line.startswith("+ ") for line in left[1:])
    assert step.lines(width=20) == [*left, f"{relation} {right[0]}", *right[1:]]
    lines = step.text(width=20)
    assert max(map(len, lines)) <= 20
    assert [line.split()[0] for line in lines[1:3]] == ["+", "+"]


def test_a_formula_of_words_is_left_as_it_is():
    step = Step("A claim", "changes of f", "changes of f*", "≤", "by words")
    assert step.text() == ["changes of f ≤ changes of f*"]
    assert step.latex == r"\text{changes of }f \le  \text{changes of }f^{*}"


def test_what_has_no_notation_is_written_as_sympy_does():
    assert Line().draw(sympy.Interval(0, 1)) == "Interval(0, 1)"


def test_a_derivation_is_numbered_and_indented():
    steps = Derivation("Numbers", "by hand")
    for _ in range(10):
        steps.identity("The same", t, t)
    assert steps.text().splitlines()[-4:] == ["     t = t", "", "10. The same:", "      t = t"]
