"""The derivations of other noises and of momentum end in `ouanalysis.symbolic` and in what the laws compute."""

from functools import lru_cache

import numpy as np
import pytest
import sympy
from ouanalysis.derivations import momentum, other_noises
from ouanalysis.derivations.derivation import Derivation
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis import symbolic

derived = lru_cache(lambda script: script.derive())
SCRIPTS = pytest.mark.parametrize("script", [other_noises, momentum], ids=["other_noises", "momentum"])


@SCRIPTS
def test_every_step_says_something(script):
    steps = derived(script).steps
    assert len(steps) >= 10
    assert all(step.left != step.right for step in steps)


@SCRIPTS
def test_no_step_holds_with_its_right_side_doubled(script, monkeypatch):
    assert_identity, planted = Derivation.identity, []

    def twice(steps, statement, left, right, **options):
        assert_identity(steps, statement, left, right, **options)
        if right != 0 and not getattr(right, "is_ZeroMatrix", False):
            planted.append(statement)
            with pytest.raises(AssertionError):
                assert_identity(Derivation("Planted", "a factor 2"), statement, left, 2 * right, **options)

    monkeypatch.setattr(Derivation, "identity", twice)
    script.derive()
    assert len(planted) >= 8


@pytest.mark.parametrize("name", ["drift_matrix", "diffusion_matrix", "stationary_covariance"])
def test_a_wrong_closed_form_is_found(monkeypatch, name):
    right = getattr(symbolic.ou, name)
    monkeypatch.setattr(symbolic.ou, name, lambda *where, **noise: 2 * right(*where, **noise))
    with pytest.raises(AssertionError, match=r"Equality with ouanalysis\.symbolic"):
        other_noises.equalities(Derivation("Planted", "a wrong prefactor"))


def bilinear(theta, x):
    """The model whose drift is no gradient: h = u(a(1 − x) + c x) + v x."""
    return theta[..., 0] * (theta[..., 2] * (1 - x) + theta[..., 3] * x) + theta[..., 1] * x


def test_the_drift_that_is_no_gradient_is_that_of_the_law():
    # −(η²/B) a (a²σ_1² + c²σ_2² + σ_1²)/(a² + c² + 1), and for c with σ_2² last.
    setting, at = ou.Setting(bilinear, x=[0.0, 1.0], y=[0.0, 0.0], dim=4), np.array([0.0, 0.0, 1.2, -0.7])
    lr, sigma = 0.01, np.array([0.3, 0.5])
    mean = (at[2:] ** 2) @ sigma**2
    expected = -(lr**2) * at[2:] * (mean + sigma**2) / (at[2:] @ at[2:] + 1)
    found = ou.local_ou(setting, at, lr=lr, noise_std=sigma).tangent_drift()
    np.testing.assert_allclose(found, [0, 0, *expected], rtol=FORMULA, atol=FORMULA * lr**2)


def test_one_datum_with_momentum_has_the_derived_law_drift_and_limit():
    setting, at = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, [1.0], [2.0], dim=2), [2.0, 1.0]
    lr, beta, sigma, k = 0.05, 0.6, 0.1, 5.0
    law = ou.linearized_sgd(setting, at, lr=lr, noise_std=sigma, momentum=beta)
    factor = 1 - lr * k / (1 + beta)
    assert law.function_covariance().item() == pytest.approx(lr * sigma**2 * k / ((1 - beta) * factor), rel=FORMULA)
    slope = np.array([4.0, 2.0])  # ∇k
    tangent = np.array([2.0, -1.0]) / np.sqrt(5)
    expected = -(lr**2) * sigma**2 / ((1 - beta) ** 2 * factor) * tangent * (tangent @ slope)
    np.testing.assert_allclose(law.tangent_drift(), expected, rtol=FORMULA)
    assert law.max_stable_lr == pytest.approx((1 + beta) / k, rel=FORMULA)


def test_the_last_step_of_momentum_is_the_law_without_it():
    step = derived(momentum).steps[-1]
    assert sympy.simplify(step.left.doit() - step.right) == 0
