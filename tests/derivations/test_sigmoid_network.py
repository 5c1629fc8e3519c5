"""The derivation of the simple stationary networks: it ends in the closed forms, and fails where one is wrong."""

import dataclasses
import re

import pytest
import sympy
from ouanalysis.derivations import sigmoid_network
from reading import check_mathml, check_text
from sections import derived_in_sections

from ouanalysis.symbolic.sigmoid_network import hessian_block, regularizer, stationarity, stationary_neuron


@pytest.fixture(scope="module")
def derivation():
    return derived_in_sections(sigmoid_network)


@pytest.mark.parametrize("name", ["regularizer", "stationarity", "stationary_neuron", "hessian_block"])
def test_it_ends_in_the_closed_form(derivation, name):
    lines = [f"{step.statement} {step.right}" for step in derivation.steps]
    assert any(f"ouanalysis.symbolic.sigmoid_network.{name}" in line for line in lines)


def test_the_multiplier_is_the_slope_of_the_cost(derivation):
    steps = [step for step in derivation.steps if step.statement.startswith("The derivative of that cost")]
    r, v = sympy.symbols("r v", positive=True)
    of_tanh, of_logistic = (step.right.subs({r: 2, v: sympy.Rational(3, 8)}) for step in steps)
    # w = 3/4: 2r(√(1 + w²) − w)²/√(1 + w²) = 4 (1/2)²/(5/4), and 2rw/(1 + w²)² = 3/(25/16)²
    assert sympy.simplify(of_tanh - sympy.Rational(4, 5)) == 0
    assert sympy.simplify(of_logistic - 3 * sympy.Rational(16, 25) ** 2) == 0


def test_the_logistic_peaks_at_a_quarter(derivation):
    assert sympy.Rational(27, 256) in [step.right for step in derivation.steps]


def test_the_block_of_a_tanh_neuron_by_numbers(derivation):
    q, r = sympy.symbols("q r", positive=True)
    determinant, along = (
        next(step.right for step in derivation.steps if step.statement == name and step.right.has(q))
        for name in ("The determinant of H", "And tᵀH t")
    )
    z, at = sympy.Symbol("z"), {q: sympy.Rational(1, 4), r: 1}
    # φ = 1/2, r = 1: λ² = 4 (3/4)³/(5/4) and c = φ/√(1 − q²)
    multiplier, c = 2 * sympy.sqrt(sympy.Rational(27, 80)), sympy.Rational(1, 2) / sympy.sqrt(sympy.Rational(15, 16))
    block = hessian_block(sympy.tanh(z), z, c=c, norm=1, multiplier=multiplier)
    block = block.subs(z, sympy.atanh(sympy.Rational(1, 2)))
    t = sympy.Matrix([sympy.Rational(3, 4) * c, -sympy.Rational(1, 2)])
    assert sympy.simplify(block.det() - determinant.subs(at)) == 0
    assert sympy.simplify((t.T * block * t)[0] - along.subs(at)) == 0


@pytest.mark.parametrize(("name", "size"), [("tanh", 1), ("tanh", 2), ("logistic", 1)])
def test_reg_written_out_is_the_closed_form(name, size):
    assert sigmoid_network.written_out(name, size=size) == 0


def test_every_inequality_says_by_which_argument(derivation):
    claims = [step for step in derivation.steps if step.relation != "="]
    assert claims
    assert all(step.argument for step in claims)


def test_the_latex_is_ascii_and_balanced(derivation):
    document = derivation.latex()
    assert document.isascii()
    open_environments = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+\*?)\}", document):
        if kind == "begin":
            open_environments.append(name)
        else:
            assert open_environments.pop() == name
    assert not open_environments
    assert len(re.findall(r"\\left\b", document)) == len(re.findall(r"\\right\b", document))
    assert document.count("{") - document.count(r"\{") == document.count("}") - document.count(r"\}")
    assert document.count(r"\[ ") == document.count(r" \]") == len(derivation.steps)


def wrong_regularizer(setting):
    form = regularizer(setting)
    formula = form.formula.replace(lambda term: term.is_Pow and str(term.base) == "c[j]", lambda term: term.base)
    return dataclasses.replace(form, formula=formula)


def wrong_sign(phi, z, **rest):
    return stationarity(phi, z, **rest) - 2 * phi * phi.diff(z, 2)


def wrong_factor(phi, z, *, norm, multiplier):
    return stationarity(phi, z, norm=norm / sympy.sqrt(2), multiplier=multiplier)


def wrong_share(kind, v, *, norm):
    return stationary_neuron(kind, v, norm=norm)._replace(cost=stationary_neuron(kind, 2 * v, norm=norm).cost)


def wrong_balance(kind, v, *, norm):
    if kind == "tanh":
        return stationary_neuron(kind, v, norm=norm)
    return stationary_neuron(kind, v, norm=norm)._replace(phi=sympy.Rational(1, 2), c=2 * v)


def wrong_order(phi, z, **rest):
    return hessian_block(phi, z, **rest).subs(sigmoid_network.phi3, 0)


def wrong_coordinates(phi, z, **rest):
    change = sympy.diag(1, 1 / rest["norm"])  # (c, wᵀx) in place of (c, wᵀx/‖x‖)
    return change * hessian_block(phi, z, **rest) * change


@pytest.mark.parametrize(
    ("name", "planted"),
    [
        ("regularizer", wrong_regularizer),
        ("stationarity", wrong_sign),
        ("stationarity", wrong_factor),
        ("stationary_neuron", wrong_share),
        ("stationary_neuron", wrong_balance),
        ("hessian_block", wrong_order),
        ("hessian_block", wrong_coordinates),
    ],
)
def test_a_wrong_closed_form_fails(monkeypatch, name, planted):
    monkeypatch.setattr(sigmoid_network, name, planted)
    with pytest.raises(AssertionError, match="expected"):
        sigmoid_network.derive()


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
