"""The derivation of matrix sensing ends in the closed forms, and fails if they are others."""

import subprocess
import sys

import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import matrix_sensing
from ouanalysis.derivations.matrix_sensing import canonical_traces, expected_product, sum_over
from reading import check_mathml, check_text
from sections import derived_in_sections
from sympy import KroneckerDelta, MatrixSymbol, Trace

from ouanalysis import symbolic

d, r = sympy.symbols("d r", integer=True, positive=True)
a, b, c = sympy.symbols("a b c", integer=True)


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(matrix_sensing))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def test_it_ends_in_the_mean_over_gaussian_sensors(derivation):
    assert derivation.steps[-1].right == symbolic.matrix_sensing.expected_regularizer(d, r)


def test_the_closed_form_and_its_gradient_are_met_on_the_way(derivation):
    rights = [step.right for step in derivation.steps]
    assert symbolic.matrix_sensing.regularizer_gradient(d, r) in rights
    assert any(isinstance(right, sympy.Sum) and "M[a, b]*U[a, k]*U[b, k]" in str(right) for right in rights)


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 15
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 1
    assert steps.held == []


@pytest.mark.parametrize("name", ["expected_regularizer", "regularizer_gradient"])
def test_a_wrong_form_makes_derive_fail(name, monkeypatch):
    right = getattr(symbolic.matrix_sensing, name)
    monkeypatch.setattr(symbolic.matrix_sensing, name, lambda *sizes: 2 * right(*sizes))
    with pytest.raises(AssertionError, match=name):
        matrix_sensing.derive()


def test_a_mean_square_of_sensors_that_are_not_symmetrised_makes_derive_fail(monkeypatch):
    right = symbolic.regularizer

    def wrong(setting):
        form = right(setting)
        (curvature,) = (key for key in form.values if str(key) == "M")
        squares = (setting.x @ setting.x).mean(axis=0)
        return symbolic.ClosedForm(form.formula, form.parts, form.values | {curvature: squares})

    monkeypatch.setattr(symbolic, "regularizer", wrong)
    with pytest.raises(AssertionError, match="The same with numbers"):
        matrix_sensing.derive()


def test_a_wrong_formula_makes_derive_fail(monkeypatch):
    right = symbolic.regularizer

    def wrong(setting):
        form = right(setting)
        return symbolic.ClosedForm(2 * form.formula, form.parts, form.values)

    monkeypatch.setattr(symbolic, "regularizer", wrong)
    with pytest.raises(AssertionError, match=r"Equality with ouanalysis\.symbolic\.regularizer"):
        matrix_sensing.derive()


def test_traces_are_equal_under_turning_and_transposing_alone():
    M, Z, U = MatrixSymbol("M", d, d), MatrixSymbol("Z", d, d), MatrixSymbol("U", d, r)
    assert canonical_traces(Trace(M * Z) - Trace(Z * M)) == 0
    assert canonical_traces(Trace(M * Z) - Trace(Z.T * M.T)) == 0
    assert canonical_traces(Trace((M + Z) * U * U.T) - Trace(U.T * M * U) - Trace(U.T * Z * U)) == 0
    assert canonical_traces(Trace(M * Z) - Trace(M * Z.T)) != 0
    assert canonical_traces(Trace(M * M * Z * Z) - Trace(M * Z * M * Z)) != 0


def test_sums_over_deltas_are_those_of_numbers():
    assert sum_over(KroneckerDelta(a, c) * KroneckerDelta(c, b), c) == KroneckerDelta(a, b)
    assert sum_over(KroneckerDelta(a, b), c) == d * KroneckerDelta(a, b)
    assert expected_product((a, c), (b, c)) == KroneckerDelta(a, b)


def test_the_command_prints_the_derivation_as_text(derivation):
    printed = _run()
    assert "2. So with S_i = A_i + A_iᵀ" in printed
    assert f"\n{len(derivation.steps)}. " in printed
    assert printed.count("By argument:") == sum(bool(step.argument) for step in derivation.steps)


def test_the_command_prints_latex_that_is_ascii_and_balanced(derivation):
    latex = _run("--latex")
    assert latex.isascii()
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert latex.count(r"\item ") == len(derivation.steps)
    braces = latex.replace(r"\{", "").replace(r"\}", "")
    assert braces.count("{") == braces.count("}")


def _run(*options):
    script = [sys.executable, "-m", "ouanalysis.derivations.matrix_sensing", *options]
    return subprocess.run(script, capture_output=True, text=True, check=True, encoding="utf-8").stdout


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
