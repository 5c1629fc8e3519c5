"""The derived step of the second moments is that of every batch, and of the law; a wrong weight or batch is found."""

from itertools import combinations

import numpy as np
import pytest
import sympy
from doubled import tried
from ouanalysis.derivations import second_moments
from ouanalysis.derivations.derivation import Derivation
from reading import check_mathml, check_text
from rounding import ALGEBRA, FORMULA
from sections import derived_in_sections

import ouanalysis as ou
from ouanalysis import symbolic


@pytest.fixture(scope="module")
def steps():
    return tried(lambda: derived_in_sections(second_moments))


@pytest.fixture
def derivation(steps):
    return steps.derivation


def planted(part):
    return part(Derivation("Planted", "a wrong form"))


def test_every_step_says_something(derivation):
    assert len(derivation.steps) >= 20
    assert all(step.left != step.right for step in derivation.steps)


def test_no_step_holds_with_its_right_side_doubled(steps):
    assert len(steps.doubled) >= 20
    assert steps.held == []


@pytest.mark.parametrize("part", [second_moments.pairs, second_moments.enumerated])
@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (lambda right, n, B, _: right(n, B, replacement=True), "Without replacement"),
        (lambda right, n, B, _: right(n, B, replacement=False), "With replacement"),
        (lambda right, n, B, how: (right(n, B, replacement=how)[0], 0), "With replacement"),  # draws that never meet
        (lambda right, n, B, how: (sympy.S.One / B, right(n, B, replacement=how)[1]), "Without replacement"),
    ],
    ids=["one for both", "the other for both", "no b", "a without its share"],
)
def test_wrong_weights_are_found(part, wrong, found, monkeypatch):
    right = second_moments.weights
    monkeypatch.setattr(
        second_moments, "weights", lambda size, batch, *, replacement: wrong(right, size, batch, replacement)
    )
    with pytest.raises(AssertionError, match=found):
        planted(part)


def test_batches_that_are_not_all_are_found(monkeypatch):
    right = second_moments.batches
    monkeypatch.setattr(
        second_moments, "batches", lambda *sizes, replacement: right(*sizes, replacement=replacement)[1:]
    )
    with pytest.raises(AssertionError, match="n = 2 and B = 1"):
        planted(second_moments.enumerated)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda after, m: after.subs(m.n, 2 * m.n),
        lambda after, m: after - 4 * m.eta**2 / m.n * m.K * m.noise * m.K / m.B,  # no noise
        lambda after, m: after - 4 * m.eta**2 / m.n * m.Q,  # as the diffusion has it
    ],
    ids=["half the data", "no noise", "no Q"],
)
def test_a_wrong_recursion_is_found(wrong, monkeypatch):
    monkeypatch.setattr(second_moments, "after", wrong(second_moments.after, second_moments))
    with pytest.raises(AssertionError, match="So for every n and B"):
        planted(second_moments.recursion)


def test_a_wrong_covariance_of_leading_order_is_found(monkeypatch):
    right = symbolic.ou.stationary_covariance
    monkeypatch.setattr(symbolic.ou, "stationary_covariance", lambda *where, **noise: right(*where, **noise) / 2)
    with pytest.raises(AssertionError, match="stationary_covariance"):
        planted(second_moments.equality)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize(("n", "batch"), [(2, 1), (2, 2), (5, 1), (5, 3), (5, 5)])
def test_the_weights_are_those_of_a_sampling(n, batch, replacement):
    sampling = ou.Sampling(lr=1.0, batch_size=batch, replacement=replacement)
    derived = [float(weight) for weight in second_moments.weights(n, batch, replacement=replacement)]
    np.testing.assert_allclose(sampling.weights(n), derived, rtol=FORMULA, atol=FORMULA / batch)


def test_batches_without_replacement_are_subsets_in_any_order():
    drawn = second_moments.batches(4, 2, replacement=False)
    assert {tuple(sorted(one)) for one in drawn} == set(combinations(range(4), 2))
    assert len(drawn) == 12
    assert len(second_moments.batches(4, 2, replacement=True)) == 16


@pytest.mark.parametrize("replacement", [True, False])
def test_the_law_at_rest_solves_the_derived_equation(derivation, replacement):
    setting, theta = planted_network()
    lr, sigma, batch = 0.02, np.array([0.3, 0.5, 0.7, 0.2]), 3
    law = ou.linearized_sgd(setting, theta, lr=lr, noise_std=sigma, batch_size=batch, replacement=replacement)
    [step] = [step for step in derivation.steps if step.statement.startswith("At rest")]
    gram, moments = ou.gram(setting, theta), law.function_covariance()
    m = second_moments
    matrices = {m.K: gram, m.S: moments, m.Delta: np.diag(np.diag(moments)), m.noise: np.diag(sigma**2)}
    a, b = (float(weight) for weight in m.weights(4, batch, replacement=replacement))
    numbers = {m.first: a, m.second: b, m.eta: lr, m.B: batch}
    change = evaluated(sympy.expand(step.right).subs(numbers), matrices)
    np.testing.assert_allclose(change, 0, rtol=0, atol=ALGEBRA * np.max(np.abs(gram @ moments)))
    assert np.max(np.abs(evaluated(sympy.expand(m.Q).subs(numbers), matrices))) > 0


def planted_network():
    x = np.array([[-1.0, 1.0], [0.2, 1.0], [0.9, 1.0], [2.0, 1.0]])
    theta = np.random.default_rng(0).normal(size=9)
    setting = ou.SigmoidNetwork(x, np.zeros(4), width=3)
    return setting.with_labels(setting.predictions(theta)), theta


def evaluated(polynomial, matrices):
    """A sum of products of symbols that do not commute, at these matrices."""
    total = 0.0
    for term in sympy.Add.make_args(polynomial):
        numbers, symbols = term.args_cnc()
        powers = [one.as_base_exp() for one in symbols]
        factors = [matrices[base] for base, power in powers for _ in range(int(power))]
        total = total + float(sympy.Mul(*numbers)) * np.linalg.multi_dot(factors)
    return total


def test_the_limit_is_where_the_enumerated_step_stops_shrinking():
    # Two data: the step on the entries (S_00, S_01, S_11), as a matrix, from the derivation's own enumeration.
    left, _, values = second_moments.averaged_step(2, 1, replacement=True)
    setting = ou.Setting(lambda theta, x: theta[..., 0] * x + theta[..., 1] * x**2, [1.0, 2.0], [0.0, 0.0], dim=2)
    gram = ou.gram(setting, [0.0, 0.0])
    limit = ou.max_stable_lr(setting, [0.0, 0.0])
    moved = sympy.Matrix(left.subs(values).doit()).subs(dict(zip(sympy.symbols("N_0:2"), (0, 0), strict=True)))
    names = sympy.symbols("S_00 S_01 S_11")
    step = sympy.Matrix([moved[0, 0], moved[0, 1], moved[1, 1]]).jacobian(names)
    step = step.subs({sympy.Symbol(f"K_{row}{col}"): gram[row, col] for row, col in ((0, 0), (0, 1), (1, 1))})
    below, above = (
        max(abs(np.linalg.eigvals(np.array(step.subs(second_moments.eta, share * limit), float))))
        for share in (0.999, 1.001)
    )
    assert below < 1 < above


def test_text_and_latex_hold_every_step(derivation):
    latex, text = derivation.latex(), derivation.text()
    assert latex.isascii()
    assert latex.count(r"\item ") == len(derivation.steps)
    assert f"\n{len(derivation.steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derivation.steps)


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
