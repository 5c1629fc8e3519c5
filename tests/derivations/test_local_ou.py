"""The derivation of the local process ends in `ouanalysis.symbolic.ou`, and fails if that says something else."""

import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import local_ou
from ouanalysis.derivations.derivation import Derivation, main
from reading import check_mathml, check_text
from sections import derived_in_sections

from ouanalysis.symbolic import ou

eta, sigma, u, v = sympy.symbols("eta sigma u v")


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(local_ou))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def test_it_ends_in_the_functions_of_symbolic_ou(derivation):
    ends = [step.statement for step in derivation.steps if "Equality with ouanalysis.symbolic.ou" in step.statement]
    for name in ("drift_matrix(J)", "diffusion_matrix(J)", "stationary_covariance(J)", "covariance(J, t)"):
        assert any(name in statement for statement in ends), name
    assert derivation.steps[-1].statement == ends[-1]


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 25
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 1
    assert steps.held == []


@pytest.mark.parametrize("name", ["drift_matrix", "diffusion_matrix", "stationary_covariance", "covariance"])
def test_a_wrong_form_is_found(name, monkeypatch):
    right = getattr(ou, name)
    monkeypatch.setattr(ou, name, lambda *arguments, **options: 2 * right(*arguments, **options))
    with pytest.raises(AssertionError, match=name):
        local_ou.equalities(Derivation("Planted", "a wrong prefactor"))


def test_a_covariance_with_a_part_along_m_is_found(monkeypatch):
    right = ou.stationary_covariance

    def wrong(jacobian, **noise):
        along_m = jacobian.row(0).cross(jacobian.row(1))
        return right(jacobian, **noise) + eta * along_m.T * along_m

    monkeypatch.setattr(ou, "stationary_covariance", wrong)
    with pytest.raises(AssertionError, match="g_1 × g_2"):
        local_ou.equalities(Derivation("Planted", "noise along M"))


def test_derive_fails_on_a_loss_with_a_factor_one_half(monkeypatch):
    monkeypatch.setattr(local_ou, "L", local_ou.L / 2)
    with pytest.raises(AssertionError, match="The gradient of L"):
        local_ou.derive()


def test_expectation_knows_means_and_variances_alone():
    assert local_ou.expectation((u + 2 * v) ** 2 * (1 + sigma), {u: 3, v: 5}) == sympy.expand(23 * (1 + sigma))
    assert local_ou.expectation(u * v + u + 7, {u: 3, v: 5}) == 7
    assert local_ou.expectation(u**2 * v**2, {u: 3, v: 5}) == 15
    with pytest.raises(ValueError, match="powers up to 2"):
        local_ou.expectation(u**3, {u: 3})


def test_a_sum_that_does_not_cancel_is_left_over():
    i, n = sympy.symbols("i n", integer=True)
    x = sympy.IndexedBase("x")
    assert local_ou.summand(sympy.Sum(x[i] ** 2, (i, 1, n)) - sympy.Sum(x[i], (i, 1, n))) == x[i] ** 2 - x[i]


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
