"""The derived law of several outputs is that of every batch and of `ou.linearized_sgd`; a wrong one is found."""

from functools import lru_cache

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from autograd import hessian
from doubled import tried
from ouanalysis.derivations import second_moments, several_outputs
from ouanalysis.derivations.derivation import Derivation
from reading import check_mathml, check_text
from rounding import ALGEBRA, SUMS
from sections import derived_in_sections

import ouanalysis as ou

OUTPUTS, DIM = 3, 9


def linear_in_tanh(theta, x):
    """(…, 3): the outputs W tanh(V x), of V (2,) and W (3, 2) and an offset of the first."""
    inner, outer = theta[..., :2], anp.reshape(theta[..., 2:8], (*theta.shape[:-1], OUTPUTS, 2))
    hidden = anp.tanh(inner * x[..., None])
    first = anp.array([1.0, 0.0, 0.0])
    return anp.sum(outer * hidden[..., None, :], axis=-1) + theta[..., 8:] * first


THETA = np.random.default_rng(4).normal(size=DIM)


def planted_network(x):
    x = np.array(x)
    return ou.Setting(linear_in_tanh, x, linear_in_tanh(THETA[None], x), dim=DIM)


@lru_cache
def steps():
    return tried(lambda: derived_in_sections(several_outputs))


def derivation():
    return steps().derivation


def planted(part):
    return part(Derivation("Planted", "a wrong form"))


def test_every_step_says_something():
    assert len(derivation().steps) >= 20
    assert all(step.left != step.right for step in derivation().steps)


def test_no_step_holds_with_its_right_side_doubled():
    assert len(steps().doubled) >= 20
    assert steps().held == []


def test_the_diagonal_in_place_of_the_blocks_is_found(monkeypatch):
    right = second_moments.of_each_datum
    monkeypatch.setattr(second_moments, "of_each_datum", lambda moments, _outputs: right(moments))
    with pytest.raises(AssertionError, match=r"With replacement, n = 2 data of k = 2 outputs and B = 1"):
        planted(several_outputs.enumerated)


def test_rows_drawn_each_on_their_own_are_found(monkeypatch):
    """As of nk data of one output, of which a batch may draw the one output without the other."""
    right = second_moments.averaged_step

    def of_rows(size, batch, *, replacement, outputs):
        left, _, values = right(size * outputs, batch, replacement=replacement)
        _, closed, others = right(size, batch, replacement=replacement, outputs=outputs)
        return left, closed, values | others

    monkeypatch.setattr(second_moments, "averaged_step", of_rows)
    with pytest.raises(AssertionError, match="k = 2 outputs and B = 1"):
        planted(several_outputs.enumerated)


def test_counts_of_the_other_output_first_are_found(monkeypatch):
    """I ⊗ D for D ⊗ I: rows in the order of outputs, not of data."""
    monkeypatch.setattr(
        second_moments,
        "counted",
        lambda counts, outputs=1: sympy.diag(*(one for _ in range(outputs) for one in counts)),
    )
    for part in (several_outputs.one_batch, several_outputs.enumerated):
        with pytest.raises(AssertionError, match=r"D ⊗ I|n = 2 data of k = 2"):
            planted(part)


@pytest.mark.parametrize("part", [several_outputs.pairs, several_outputs.enumerated])
@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        (lambda right, n, B, how: right(2 * n, B, replacement=how), "With replacement"),  # rows for data
        (lambda right, n, B, _: right(n, B, replacement=True), "Without replacement"),
        (lambda right, n, B, how: (right(n, B, replacement=how)[0], 0), "With replacement"),  # data that never meet
    ],
    ids=["nk for n", "one for both", "no b"],
)
def test_wrong_weights_are_found(part, wrong, found, monkeypatch):
    right = second_moments.weights
    monkeypatch.setattr(
        second_moments, "weights", lambda size, batch, *, replacement: wrong(right, size, batch, replacement)
    )
    with pytest.raises(AssertionError, match=found):
        planted(part)


@pytest.mark.parametrize("part", [several_outputs.recursion, several_outputs.at_rest, several_outputs.one_datum])
def test_a_wrong_recursion_is_found(part, monkeypatch):
    m = second_moments
    monkeypatch.setattr(m, "after", m.after - 4 * m.eta**2 / m.n * m.Q)  # as the diffusion has it
    with pytest.raises(AssertionError, match=r"So averaged over|At rest|A step is then"):
        planted(part)


@pytest.mark.parametrize("replacement", [True, False])
@pytest.mark.parametrize("batch", [1, 2, 3])
def test_the_law_at_rest_solves_the_derived_equation(batch, replacement):
    setting = planted_network([-1.0, 0.4, 1.3])
    lr, sigma = 0.3 * ou.max_stable_lr(setting, THETA, batch_size=batch, replacement=replacement), 0.2
    law = ou.linearized_sgd(setting, THETA, lr=lr, noise_std=sigma, batch_size=batch, replacement=replacement)
    gram, moments = ou.gram(setting, THETA), law.function_covariance()
    a, b = (float(weight) for weight in second_moments.weights(3, batch, replacement=replacement))
    blocks = np.array(second_moments.of_each_datum(sympy.Matrix(moments), OUTPUTS), float)
    source = gram @ (a * blocks + b * moments + sigma**2 / batch * np.eye(len(gram))) @ gram
    change = 2 * lr * source - gram @ moments - moments @ gram
    np.testing.assert_allclose(change, 0, rtol=0, atol=ALGEBRA * np.max(np.abs(gram @ moments)))


@pytest.mark.parametrize("batch", [1, 4, "full"])
@pytest.mark.parametrize("fraction", [0.05, 0.5, 0.9])
def test_one_datum_has_its_closed_form_and_limit(batch, fraction):
    setting, sigma = planted_network([0.8]), 0.2
    gram = ou.gram(setting, THETA)
    limit = ou.max_stable_lr(setting, THETA, batch_size=batch)
    assert limit == pytest.approx(1 / np.linalg.eigvalsh(gram)[-1], rel=SUMS)
    with pytest.raises(ValueError, match="stability limit"):  # though each output alone would be stable
        ou.linearized_sgd(setting, THETA, lr=1.001 * limit, noise_std=sigma, batch_size=batch)
    assert 1.001 * limit * np.max(np.diag(gram)) < 1
    lr = fraction * limit
    law = ou.linearized_sgd(setting, THETA, lr=lr, noise_std=sigma, batch_size=batch)
    size = 1 if batch == "full" else batch
    expected = lr * sigma**2 / size * gram @ np.linalg.inv(np.eye(OUTPUTS) - lr * gram)
    tolerance = ALGEBRA / (1 - fraction) * np.max(np.abs(expected))
    np.testing.assert_allclose(law.function_covariance(), expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("batch", [1, 2, "full"])
def test_the_drift_is_the_sum_over_all_rows_and_to_leading_order_that_of_reg(batch):
    setting, sigma = planted_network([-1.0, 0.4]), 0.2
    lr = 0.3 * ou.max_stable_lr(setting, THETA, batch_size=batch)
    law = ou.linearized_sgd(setting, THETA, lr=lr, noise_std=sigma, batch_size=batch)
    jacobian, covariance = ou.jacobian(setting, THETA), law.covariance()
    tangent = np.eye(DIM) - np.linalg.pinv(jacobian) @ jacobian
    pushed = np.zeros(DIM)
    for i, x in enumerate(setting.x):
        for j in range(OUTPUTS):
            bend = hessian(lambda theta, x=x, j=j: linear_in_tanh(theta, x)[j])(THETA)
            pushed += bend @ covariance @ jacobian[i * OUTPUTS + j]
    expected = -2 * lr / setting.n * tangent @ pushed
    np.testing.assert_allclose(law.tangent_drift(), expected, rtol=0, atol=ALGEBRA * np.linalg.norm(pushed) * lr)
    size = setting.n if batch == "full" else batch
    leading = ou.local_ou(setting, THETA, lr=lr, noise_std=sigma, batch_size=batch).tangent_drift()
    descent = -(lr**2) * sigma**2 / size * tangent @ ou.regularizer_gradient(setting, THETA)
    np.testing.assert_allclose(leading, descent, rtol=0, atol=ALGEBRA * np.linalg.norm(descent))


def test_text_and_latex_hold_every_step():
    latex, text = derivation().latex(), derivation().text()
    assert latex.isascii()
    assert latex.count(r"\item ") == len(derivation().steps)
    assert f"\n{len(derivation().steps)}. " in text
    assert text.count("By argument:") == sum(bool(step.argument) for step in derivation().steps)


def test_it_can_be_read():
    check_text(derivation())
    check_mathml(derivation())
