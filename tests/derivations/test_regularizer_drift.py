"""The derivation of the drift ends in the gradients of `ouanalysis.symbolic`, and fails if they are others."""

import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import regularizer_drift
from ouanalysis.derivations.derivation import Derivation, main
from reading import check_mathml, check_text
from sections import derived_in_sections

from ouanalysis import symbolic
from ouanalysis.symbolic.tracing import Trace


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(regularizer_drift))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def test_it_ends_in_the_regularizer_gradient_of_symbolic(derivation):
    last = derivation.steps[-1]
    assert last.statement.startswith("Equality with ouanalysis.symbolic")
    first, second = sympy.symbols("theta_1 theta_2", real=True)
    assert last.right.args[-1] == sympy.Matrix([0, 17 * first, 17 * second])


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 20
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 1
    assert steps.held == []


def test_the_last_drift_is_descent_on_reg_off_the_balance_and_none_on_it(derivation):
    # h = θ_0 x + θ_1 θ_2 x²: only the balance θ_1² − θ_2² is free to move.
    eta, sigma = sympy.symbols("eta sigma", positive=True)
    B = sympy.Symbol("B", integer=True, positive=True)
    first, second = sympy.symbols("theta_1 theta_2", real=True)
    drift = derivation.steps[-1].left.subs({eta: 1, sigma: 1, B: 1})
    assert drift.subs({first: 1, second: 1}).doit() == sympy.zeros(3, 1)
    # N = [[4, −2], [−2, 1]]/5 at (2, 1), so −N∇reg = −17 N (2, 1) = (51/5) (−2, 1): the larger factor shrinks.
    assert drift.subs({first: 2, second: 1}).doit() == sympy.Rational(51, 5) * sympy.Matrix([0, -2, 1])


def test_a_wrong_gradient_is_found(monkeypatch):
    right = Trace.regularizer_gradient.func
    monkeypatch.setattr(Trace, "regularizer_gradient", property(lambda self: 2 * right(self)))
    with pytest.raises(AssertionError, match="regularizer_gradient"):
        regularizer_drift.derive()


def test_a_wrong_curvature_along_m_is_found(monkeypatch):
    right = Trace.regularizer.func
    monkeypatch.setattr(Trace, "regularizer", property(lambda self: right(self) / 2))
    with pytest.raises(AssertionError, match=r"its regularizer along the curve"):
        regularizer_drift.curvature_along_m(Derivation("Planted", "a factor one half"))


def test_a_wrong_closed_form_is_found(monkeypatch):
    right = symbolic.regularizer

    def wrong(setting):
        form = right(setting)
        return symbolic.ClosedForm(2 * form.formula, form.parts, form.values)

    monkeypatch.setattr(symbolic, "regularizer", wrong)
    with pytest.raises(AssertionError, match="closed form of the paper"):
        regularizer_drift.equalities(Derivation("Planted", "a wrong prefactor"))


def test_a_wrong_covariance_is_found(monkeypatch):
    right = symbolic.ou.stationary_covariance
    monkeypatch.setattr(symbolic.ou, "stationary_covariance", lambda *where, **noise: right(*where, **noise) / 2)
    with pytest.raises(AssertionError, match="the whole argument on two data"):
        regularizer_drift.equalities(Derivation("Planted", "a wrong prefactor"))


def test_the_transient_is_the_sum_it_stands_for():
    steps = Derivation("The transient", "summed by hand")
    regularizer_drift.transient(steps)
    closed = regularizer_drift.T - steps.steps[-1].left  # T − F(T) is what the claim bounds
    for total in (1, 2, 7):
        by_hand = sum(1 - regularizer_drift.rho**t for t in range(total))
        assert sympy.simplify(closed.subs(regularizer_drift.T, total) - by_hand) == 0


def test_the_text_is_numbered_and_says_what_is_argued(derivation, capsys):
    main(lambda: derivation, [])
    text = capsys.readouterr().out
    assert f"\n{len(derivation.steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derivation.steps)


def test_the_latex_is_ascii_and_balanced(derivation, capsys):
    main(lambda: derivation, ["--latex"])
    latex = capsys.readouterr().out
    assert latex.isascii()
    assert latex.count(r"\begin{") == latex.count(r"\end{")
    assert latex.count(r"\item ") == len(derivation.steps)
    braces = latex.replace(r"\{", "").replace(r"\}", "")
    assert braces.count("{") == braces.count("}")


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
