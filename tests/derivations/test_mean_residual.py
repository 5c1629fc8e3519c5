"""The derived mean residual is that of the laws, at rank 1 of 2 data and with a walk; a wrong part of it is found."""

import numpy as np
import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import mean_residual
from ouanalysis.derivations.derivation import Derivation
from reading import check_mathml, check_text
from rounding import FORMULA
from sections import derived_in_sections

import ouanalysis as ou
from ouanalysis import symbolic
from ouanalysis.symbolic.tracing import Trace


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(mean_residual))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def planted(part):
    return part(Derivation("Planted", "a wrong form"))


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 18
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 17
    assert steps.held == []


@pytest.mark.parametrize(
    ("name", "wrong", "where", "found"),
    [
        ("held", -mean_residual.held, "balance", "Where J has rank n"),
        ("held", mean_residual.held / 2, "low_rank", "in the range of K"),
        ("held", mean_residual.held / 2, "at_a_stationary_point", "Where N∇reg = 0"),
        ("held", 2 * mean_residual.held, "walk", "What the step changes"),
        ("free", sympy.S.Zero, "low_rank", "the curvature's own share"),
        ("free", (1 - mean_residual.K * mean_residual.pseudo) * mean_residual.q, "low_rank", "the curvature's own"),
        ("free", mean_residual.q / 2, "low_rank", "the curvature's own share"),
        ("walked", mean_residual.walked * (1 - mean_residual.beta), "walk", "What the step changes"),
        ("walked", mean_residual.walked / mean_residual.n, "walk", "What the step changes"),
        ("walked", 2 * mean_residual.walked, "bent_line", "The formula there"),
    ],
)
def test_a_wrong_part_of_the_formula_is_found(name, wrong, where, found, monkeypatch):
    monkeypatch.setattr(mean_residual, name, wrong)
    with pytest.raises(AssertionError, match=found):
        planted(getattr(mean_residual, where))


def test_a_wrong_closed_form_is_found(monkeypatch):
    right = symbolic.ou.stationary_covariance
    monkeypatch.setattr(symbolic.ou, "stationary_covariance", lambda *where, **noise: right(*where, **noise) / 2)
    with pytest.raises(AssertionError, match="stationary_covariance"):
        planted(mean_residual.equality)


def test_a_wrong_trace_is_found(monkeypatch):
    right = Trace.regularizer_gradient.func
    monkeypatch.setattr(Trace, "regularizer_gradient", property(lambda self: 2 * right(self)))
    with pytest.raises(AssertionError, match=r"Equality with ouanalysis\.symbolic"):
        planted(mean_residual.equality)


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_at_a_lower_rank_the_derived_residual_is_that_of_the_law(derivation, momentum):
    slopes, curved = np.array([0.7, -1.3]), np.array([0.4, 0.9])
    setting = ou.Setting(
        lambda theta, x: theta[..., 0] * x[..., 0] + theta[..., 0] ** 2 * x[..., 1],
        np.column_stack([slopes, curved]),
        [0.0, 0.0],
        dim=1,
    )
    law = ou.linearized_sgd(setting, [0.0], lr=0.05, noise_std=0.1, momentum=momentum)
    [step] = [step for step in derivation.steps if step.statement.startswith("At rest it is 0")]
    J, A, K, inverse = (symbol(step, name) for name in ("J", "A", "K", "K^+"))
    square = float(slopes @ slopes)
    gram = np.outer(slopes, slopes)
    matrices = {J: slopes, A: curved, K: gram, inverse: gram / square**2}
    at = {name: sympy.Matrix(value) for name, value in matrices.items()}
    numbers = dict(zip(sympy.symbols("a b"), curved, strict=True))
    numbers |= dict(zip(sympy.symbols("p r", real=True), slopes, strict=True))
    numbers |= {mean_residual.c: law.covariance().item()}
    expected = np.array(step.right.subs(at).doit().subs(numbers), float).ravel()
    np.testing.assert_allclose(law.mean_residual(), expected, rtol=0, atol=FORMULA * np.max(np.abs(expected)))
    assert abs(expected @ [slopes[1], -slopes[0]]) > 0.1 * np.linalg.norm(expected)  # the kernel's share is seen


def symbol(step, name):
    [found] = [one for one in step.right.atoms(sympy.MatrixSymbol) if one.name == name]
    return found


@pytest.mark.parametrize("momentum", [0.0, 0.6])
def test_the_walks_share_is_that_of_the_law_on_a_bent_line(momentum):
    x, lr, size = np.array([1.0, 2.0]), 0.02, 0.3
    setting = ou.Setting(lambda theta, x: x * (theta[..., 0] + theta[..., 1] ** 2 / 2), x, [0.0, 0.0], dim=2)
    law = ou.linearized_sgd(setting, [0.0, 0.0], lr=lr, noise_std=0.0, gradient_noise_std=size, momentum=momentum)
    m = mean_residual
    share = m.walked.subs({m.n: 2, m.eta: lr, m.s: size, m.beta: momentum})
    np.testing.assert_allclose(law.mean_residual(), float(share) * x / (x @ x), rtol=FORMULA)  # K⁺τ for K = x xᵀ, τ = x


def test_text_and_latex_hold_every_step(derivation):
    latex, text = derivation.latex(), derivation.text()
    assert latex.isascii()
    assert latex.count(r"\item ") == len(derivation.steps)
    assert f"\n{len(derivation.steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derivation.steps)


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
