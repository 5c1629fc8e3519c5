"""The derivation of the quadratic parametrisation ends in basis pursuit, and fails if the closed forms are others."""

import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import quadratic_parametrisation
from reading import check_mathml, check_text
from sections import derived_in_sections

from ouanalysis import symbolic


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(quadratic_parametrisation))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def test_the_closed_forms_are_met_on_the_way(derivation):
    w, beta = sympy.Symbol("w", positive=True), sympy.Symbol("beta", real=True)
    assert symbolic.quadratic_parametrisation.least_over_fibre(w, beta) in [step.right for step in derivation.steps]
    assert any("symbolic.regularizer" in step.statement for step in derivation.steps)
    assert "reg is least" in derivation.steps[-1].statement


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 12
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 1
    assert steps.held == []


@pytest.mark.parametrize("wrong", [lambda w, beta: 2 * w * abs(beta), lambda w, beta: 4 * w * beta])
def test_another_cost_of_a_coefficient_makes_derive_fail(wrong, monkeypatch):
    monkeypatch.setattr(symbolic.quadratic_parametrisation, "least_over_fibre", wrong)
    with pytest.raises(AssertionError, match="least_over_fibre"):
        quadratic_parametrisation.derive()


def test_a_wrong_formula_makes_derive_fail(monkeypatch):
    right = symbolic.regularizer

    def wrong(setting):
        form = right(setting)
        return symbolic.ClosedForm(form.formula / 2, form.parts, form.values)

    monkeypatch.setattr(symbolic, "regularizer", wrong)
    with pytest.raises(AssertionError, match=r"Equality with ouanalysis\.symbolic\.regularizer"):
        quadratic_parametrisation.derive()


def test_text_and_latex_hold_every_step(derivation):
    latex, text = derivation.latex(), derivation.text()
    assert latex.isascii()
    assert latex.count(r"\item ") == len(derivation.steps)
    assert f"\n{len(derivation.steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derivation.steps)


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
