"""The derivation of the other noises ends in what `ouanalysis.symbolic` states of them, and fails if that is wrong."""

import numpy as np
import pytest
import sympy
from ouanalysis.derivations import other_noises
from ouanalysis.derivations.derivation import Derivation, main
from rounding import EPS
from scipy import linalg

from ouanalysis import symbolic
from ouanalysis.symbolic.tracing import Trace


@pytest.fixture(scope="module")
def derivation():
    return other_noises.derive()


def step(derivation, beginning):
    """The one step whose statement begins so."""
    [found] = [step for step in derivation.steps if step.statement.startswith(beginning)]
    return found


def test_it_ends_in_what_symbolic_states(derivation):
    ends = [step.statement for step in derivation.steps if step.statement.startswith("Equality with")]
    for name in ("drift_matrix(J)", "diffusion_matrix(J)", "stationary_covariance", "regularizer_gradient", "jacobian"):
        assert any(name in statement for statement in ends), name
    assert derivation.steps[-1].statement == ends[-1]


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 40
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(monkeypatch):
    assert_identity = Derivation.identity

    def twice(steps, statement, left, right, **options):
        assert_identity(steps, statement, left, right, **options)
        if right != 0:
            with pytest.raises(AssertionError):
                assert_identity(Derivation("Planted", "a factor 2"), statement, left, 2 * right, **options)

    monkeypatch.setattr(Derivation, "identity", twice)
    other_noises.derive()


@pytest.mark.parametrize(
    ("name", "where"),
    [
        ("drift_matrix", other_noises.no_gradient),
        ("drift_matrix", other_noises.equalities),
        ("diffusion_matrix", other_noises.equalities),
        ("stationary_covariance", other_noises.equalities),
    ],
)
def test_a_wrong_form_is_found(name, where, monkeypatch):
    right = getattr(symbolic.ou, name)
    monkeypatch.setattr(symbolic.ou, name, lambda *arguments, **options: 2 * right(*arguments, **options))
    with pytest.raises(AssertionError, match=name):
        where(Derivation("Planted", "a wrong prefactor"))


@pytest.mark.parametrize(
    ("name", "where", "statement"),
    [
        ("loss", other_noises.no_gradient, "differentiated from the loss"),
        ("loss", other_noises.equalities, "on the model above"),
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
    right = other_noises.two_data

    def wrong():
        left, drift, values = right()
        first, second = (symbol for symbol in values if str(symbol) in ("G_1", "G_2"))
        return left, drift, values | {first: values[second], second: values[first]}

    monkeypatch.setattr(other_noises, "two_data", wrong)
    with pytest.raises(AssertionError, match="log det K"):
        other_noises.volume_drift(Derivation("Planted", "the data exchanged"))


def test_one_datum_with_momentum_has_the_moments_of_its_linear_recursion(derivation):
    # (f, w) ← A (f, w) + 2ηk ε (1, 1), by SciPy's discrete Lyapunov equation.
    eta, sigma, k, beta = 0.3, 0.7, 1.9, 0.6
    B = 2
    recursion = np.array([[1 - 2 * eta * k, beta], [-2 * eta * k, beta]])
    noise = (2 * eta * k * sigma) ** 2 / B * np.ones((2, 2))
    moments = linalg.solve_discrete_lyapunov(recursion, noise)
    at = {
        other_noises.eta: eta,
        other_noises.sigma: sigma,
        other_noises.k: k,
        other_noises.beta: beta,
        other_noises.B: B,
    }
    P = sympy.Symbol("P", commutative=False)
    variance = step(derivation, "From rest at θ* the noise").right.subs(at).subs(P, 1) * k
    # The solver inverts I − A ⊗ A, whose condition bounds what rounding does to the answer.
    slack = 8 * EPS * np.linalg.cond(np.eye(4) - np.kron(recursion, recursion))
    assert float(variance) == pytest.approx(moments[0, 0], rel=slack)
    rest = dict(zip(sympy.symbols("S C W"), (moments[0, 0], moments[0, 1], moments[1, 1]), strict=True))
    after = step(derivation, "The stationary law").left.subs(at).subs(rest)
    np.testing.assert_allclose(np.array(after, float).ravel(), list(rest.values()), rtol=slack)


@pytest.mark.parametrize("beta", [0.0, 0.3, 0.9])
def test_the_stability_limit_of_momentum_is_where_the_recursion_stops_contracting(derivation, beta):
    at = {other_noises.beta: beta, other_noises.k: 1}
    limit = float(sympy.solve(step(derivation, "It is the only one").right.subs(at) / other_noises.eta)[0])
    assert limit == pytest.approx(1 + beta, rel=8 * EPS)
    radius = [
        max(abs(np.linalg.eigvals([[1 - 2 * eta, beta], [-2 * eta, beta]]))) for eta in (0.999 * limit, 1.001 * limit)
    ]
    assert radius[0] < 1 < radius[1]


def test_the_walk_with_momentum_is_the_sum_over_its_kicks(derivation):
    eta, s, beta = 0.2, 1.3, 0.7
    at = {other_noises.eta: eta, other_noises.s: s, other_noises.beta: beta}
    variance = 0.0
    for kick in range(3):  # at step `kick`, of three
        velocity = place = 0.0
        for step_number in range(3):
            velocity = beta * velocity - (s if step_number == kick else 0.0)
            place += eta * velocity
        variance += place**2
    formula = step(derivation, "The kicks are independent").right.subs(at).doit()
    assert float(formula) == pytest.approx(variance, rel=32 * EPS)


def test_the_drift_of_unequal_noises_is_that_of_the_lyapunov_equation_at_a_point(derivation):
    # −(2η/n) N Σ_i ∇²h_i Σ g_i by hand at u = v = 0, (a, c) = (1.2, −0.7), n = 2: h_1 = a u, h_2 = c u + v.
    eta, B, a, c, squares = 0.1, 3, 1.2, -0.7, np.array([0.25, 4.0])
    jacobian = np.array([[a, 0.0], [c, 1.0]])
    hessian = jacobian.T @ jacobian
    covariance = linalg.solve_continuous_lyapunov(hessian, 2 * eta / B * jacobian.T @ np.diag(squares) @ jacobian)
    along = -eta * (covariance @ jacobian.T)[0]  # ∂²h_1/∂a∂u = ∂²h_2/∂c∂u = 1
    drift = step(derivation, "Its drift −(η/2) N∇³L[Σ]").right
    values = {other_noises.eta: eta, other_noises.B: B, other_noises.at_a: a, other_noises.at_c: c}
    values |= {other_noises.sigma_1: np.sqrt(squares[0]), other_noises.sigma_2: np.sqrt(squares[1])}
    slack = 32 * EPS * np.linalg.cond(hessian)
    np.testing.assert_allclose(np.array(drift.subs(values)[2:], float), along, rtol=slack)


def test_equal_noises_have_no_curl(derivation):
    curl = step(derivation, "Its curl along M").right
    assert curl.subs(other_noises.sigma_1, other_noises.sigma_2) == 0
    assert step(derivation, "At a = c = 1").relation == "≠"


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
