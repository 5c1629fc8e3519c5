"""The derivations of other noises and of momentum end in `ouanalysis.symbolic` and in what the laws compute."""

from functools import lru_cache

import numpy as np
import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import momentum, other_noises
from ouanalysis.derivations.derivation import Derivation
from reading import check_mathml, check_text
from rounding import EPS, FORMULA
from scipy import linalg
from sections import derived_in_sections

import ouanalysis as ou
from ouanalysis import symbolic
from ouanalysis.symbolic.tracing import Trace


@lru_cache
def steps(script):
    return tried(lambda: derived_in_sections(script))


def derived(script):
    return steps(script).derivation


SCRIPTS = pytest.mark.parametrize("script", [other_noises, momentum], ids=["other_noises", "momentum"])


@SCRIPTS
def test_every_step_says_something(script):
    assert len(derived(script).steps) >= 10
    assert all(step.left != step.right for step in derived(script).steps)


@SCRIPTS
def test_no_step_holds_with_its_right_side_doubled(script):
    assert len(steps(script).doubled) >= 8
    assert steps(script).held == []


@SCRIPTS
def test_it_can_be_read(script):
    check_text(derived(script))
    check_mathml(derived(script))


@pytest.mark.parametrize("name", ["drift_matrix", "diffusion_matrix", "stationary_covariance"])
def test_a_wrong_closed_form_is_found(monkeypatch, name):
    right = getattr(symbolic.ou, name)
    monkeypatch.setattr(symbolic.ou, name, lambda *where, **noise: 2 * right(*where, **noise))
    with pytest.raises(AssertionError, match=r"Equality with ouanalysis\.symbolic"):
        other_noises.equalities(Derivation("Planted", "a wrong prefactor"))


@pytest.mark.parametrize(
    ("name", "where", "statement"),
    [
        ("loss", other_noises.no_gradient, "differentiated from the loss"),
        ("regularizer_gradient", other_noises.equalities, "with the regularizer_gradient"),
    ],
)
def test_a_wrong_trace_is_found(name, where, statement, monkeypatch):
    right = getattr(Trace, name).func
    monkeypatch.setattr(Trace, name, property(lambda self: right(self) / 2))
    with pytest.raises(AssertionError, match=statement):
        where(Derivation("Planted", "a factor one half"))


@pytest.mark.parametrize(
    "wrong",
    [
        other_noises.isotropic_covariance / 2,
        other_noises.strength * other_noises.P,  # as label noise has it
        other_noises.isotropic_covariance + 1 - other_noises.P,  # a part along M, which H does not see
    ],
)
def test_another_covariance_of_isotropic_noise_is_found(wrong, monkeypatch):
    monkeypatch.setattr(other_noises, "isotropic_covariance", wrong)
    with pytest.raises(AssertionError, match=r"Isotropic noise in the row space|Its range is in"):
        other_noises.isotropic(Derivation("Planted", "a wrong covariance"))


def test_a_drift_of_the_volume_with_another_hessian_is_found(monkeypatch):
    left, drift, values = other_noises.two_data()
    first, second = (symbol for symbol in values if str(symbol) in ("G_1", "G_2"))
    exchanged = values | {first: values[second], second: values[first]}
    monkeypatch.setattr(other_noises, "two_data", lambda: (left, drift, exchanged))
    with pytest.raises(AssertionError, match="log det K"):
        other_noises.volume_drift(Derivation("Planted", "the data exchanged"))


def step(script, beginning):
    """The one step whose statement begins so."""
    [found] = [step for step in derived(script).steps if step.statement.startswith(beginning)]
    return found


def test_the_moments_with_momentum_are_those_of_the_linear_recursion():
    # (f, w) ← A (f, w) + 2ηkε (1, 1), by SciPy's discrete Lyapunov equation.
    eta, sigma, k, beta, B = 0.3, 0.7, 1.9, 0.6, 2
    recursion = np.array([[1 - 2 * eta * k, beta], [-2 * eta * k, beta]])
    moments = linalg.solve_discrete_lyapunov(recursion, (2 * eta * k * sigma) ** 2 / B * np.ones((2, 2)))
    at = {momentum.eta: eta, momentum.sigma: sigma, momentum.k: k, momentum.beta: beta, momentum.B: B}
    P = sympy.Symbol("P", commutative=False)
    variance = step(momentum, "From rest at θ*").right.subs(at).subs(P, 1) * k
    # The solver inverts I − A ⊗ A, whose condition bounds what rounding does to the answer.
    slack = 8 * EPS * np.linalg.cond(np.eye(4) - np.kron(recursion, recursion))
    assert float(variance) == pytest.approx(moments[0, 0], rel=slack)
    rest = dict(zip(sympy.symbols("S C W"), moments[[0, 0, 1], [0, 1, 1]], strict=True))
    after = step(momentum, "The stationary law").left.subs(at).subs(rest)
    np.testing.assert_allclose(np.array(after, float).ravel(), list(rest.values()), rtol=slack)


@pytest.mark.parametrize("beta", [0.0, 0.7])
def test_a_mode_of_a_full_batch_has_the_variance_of_the_linear_recursion(beta):
    # (x, ηv) ← A (x, ηv) + ηω (1, 1), with ω of the variance 2σ²λ/n.
    eta, sigma, lam, n = 0.3, 0.7, 3.1, 4
    recursion = np.array([[1 - eta * lam, beta], [-eta * lam, beta]])
    moments = linalg.solve_discrete_lyapunov(recursion, 2 * (eta * sigma) ** 2 * lam / n * np.ones((2, 2)))
    at = dict(zip(sympy.symbols("S C W"), moments[[0, 0, 1], [0, 1, 1]], strict=True))
    m = momentum
    numbers = {m.eta: eta, m.sigma: sigma, m.lam: lam, m.beta: beta, m.n: n}
    slack = 8 * EPS * np.linalg.cond(np.eye(4) - np.kron(recursion, recursion))
    after = step(m, "The variance of a mode").left.subs(numbers).subs(at)
    np.testing.assert_allclose(np.array(after, float).ravel(), list(at.values()), rtol=slack)
    drift = step(m, "So the drift is −(η/(1 − β)) N∇R").right.subs(numbers)  # −(η/(2(1 − β))) S D
    variance = float(drift.as_coefficients_dict().popitem()[1]) * -2 * (1 - beta) / eta
    assert variance == pytest.approx(moments[0, 0], rel=slack)


def test_a_wrong_step_of_the_moments_is_found(monkeypatch):
    right = momentum.moments_after
    monkeypatch.setattr(momentum, "moments_after", lambda S, C, W, pull, noise: right(S, C, W, pull, 2 * noise))
    for part, found in ((momentum.one_datum, "The stationary law"), (momentum.full_batch, "The variance of a mode")):
        with pytest.raises(AssertionError, match=found):
            part(Derivation("Planted", "twice the noise"))


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9])
def test_past_one_plus_beta_the_linear_recursion_grows(beta):
    at = {momentum.beta: beta, momentum.k: 1}
    limit = float(sympy.solve(step(momentum, "It is the only one").right.subs(at) / momentum.eta)[0])
    assert limit == pytest.approx(1 + beta, rel=FORMULA)
    below, above = (
        max(abs(np.linalg.eigvals([[1 - 2 * eta, beta], [-2 * eta, beta]]))) for eta in (0.999 * limit, 1.001 * limit)
    )
    assert below < 1 < above


def test_the_walk_with_momentum_is_the_sum_over_its_kicks():
    eta, s, beta = 0.2, 1.3, 0.7
    variance = 0.0
    for kick in range(3):
        velocity = place = 0.0
        for number in range(3):
            velocity = beta * velocity - (s if number == kick else 0.0)
            place += eta * velocity
        variance += place**2
    at = {other_noises.eta: eta, other_noises.s: s, other_noises.beta: beta}
    formula = step(other_noises, "The kicks are independent").right.subs(at).doit()
    assert float(formula) == pytest.approx(variance, rel=FORMULA)


def test_equal_noises_have_no_curl():
    curl = step(other_noises, "Its curl along M").right
    assert curl.subs(other_noises.sigma_1, other_noises.sigma_2) == 0


@SCRIPTS
def test_text_and_latex_hold_every_step(script):
    latex, text = derived(script).latex(), derived(script).text()
    assert latex.isascii()
    assert latex.count(r"\item ") == len(derived(script).steps)
    assert f"\n{len(derived(script).steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derived(script).steps)


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
