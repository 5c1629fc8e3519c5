"""The derivation of the price of kinks: it ends in the closed forms, and fails where one of them is wrong."""

import dataclasses
import re

import pytest
import sympy
from ouanalysis.derivations import relu_network
from reading import check_mathml, check_text
from sections import derived_in_sections

from ouanalysis.settings.relu_network import ReluNetwork
from ouanalysis.symbolic.relu_network import kink_cost, regularizer


@pytest.fixture(scope="module")
def derivation():
    return derived_in_sections(relu_network)


@pytest.mark.parametrize(("facing", "data"), [("right", (-1, 2, 7)), ("left", (-6, -1, 2))])
def test_a_balanced_neuron_costs_the_closed_form(derivation, facing, data):
    (step,) = [step for step in derivation.steps if f"neuron facing {facing} costs" in step.statement]
    values = {"k": 0, "p": 1, "q": 2, "r": 5, "s": 7}
    expected = 7 * kink_cost(data, 0, facing=facing)
    for side in (step.left, step.right):
        assert sympy.simplify(side.subs({symbol: values[symbol.name] for symbol in side.free_symbols}) - expected) == 0


def test_the_summand_is_that_of_the_closed_form(derivation):
    (step,) = [step for step in derivation.steps if "the summands of" in step.statement]
    a, b, c, x = sympy.symbols("a b c x", real=True)
    point = {a: 2, b: 1, c: 3, x: 5}
    assert step.left.subs(point) == step.right.subs(point) == 11**2 + 3**2 * (1 + 5**2) + 1 + 5**2
    assert step.right.subs(point | {a: -2}) == 1 + 5**2  # the neuron is not active


@pytest.mark.parametrize(("x", "width"), [([2.0], 3), ([0.0, 1.0, 3.0], 1), ([-1.0, 0.5, 2.0], 2)])
def test_reg_written_out_is_the_closed_form(x, width):
    assert relu_network.written_out(ReluNetwork(x, [0.0] * len(x), width=width)) == 0


def test_one_kink_costs_what_the_dual_allows(derivation):
    (step,) = [step for step in derivation.steps if "the bound is attained" in step.statement]
    y = sympy.symbols("y_1:4", real=True)
    assert step.left.subs(dict(zip(y, (1, 0, 1), strict=True))) == 4 * sympy.sqrt(2) / 3


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


WRONG_COSTS = {
    "half": lambda x, k, facing: kink_cost(x, k, facing=facing) / 2,
    "the other facing": lambda x, k, facing: kink_cost(x, k, facing={"left": "right", "right": "left"}[facing]),
    "kink misplaced": lambda x, k, facing: kink_cost(x, k, facing=facing) * (1 + k**2),
    "distances not squared": lambda x, k, facing: kink_cost(x, k, facing=facing) ** 2,
}


@pytest.mark.parametrize("wrong", WRONG_COSTS)
def test_a_wrong_kink_cost_fails(monkeypatch, wrong):
    monkeypatch.setattr(relu_network, "kink_cost", WRONG_COSTS[wrong])
    with pytest.raises(AssertionError, match="kink_cost"):
        relu_network.derive()


def test_a_kink_cost_without_its_jump_fails(monkeypatch):
    # A datum counts as active at its own kink: right everywhere but at a datum.
    def planted(x, k, facing):
        if any(point == k for point in x):
            gap = sympy.Symbol("gap", positive=True)
            return kink_cost(x, k - gap if facing == "right" else k + gap, facing=facing).subs(gap, 0)
        return kink_cost(x, k, facing=facing)

    monkeypatch.setattr(relu_network, "kink_cost", planted)
    with pytest.raises(AssertionError, match="falls"):
        relu_network.derive()


WRONG_FORMULAS = {
    "twice": lambda formula: 2 * formula,
    "inactive neurons count": lambda formula: formula.replace(
        lambda term: isinstance(term, sympy.Piecewise), lambda term: term.args[0].expr
    ),
    "b enters with the other sign": lambda formula: formula.replace(
        lambda term: str(term) == "b[j]", lambda term: -term
    ),
    "c is not squared": lambda formula: formula.replace(
        lambda term: term.is_Pow and str(term.base) == "c[j]", lambda term: term.base
    ),
}


@pytest.mark.parametrize("wrong", WRONG_FORMULAS)
def test_a_wrong_regularizer_fails(monkeypatch, wrong):
    def planted(setting):
        form = regularizer(setting)
        return dataclasses.replace(form, formula=WRONG_FORMULAS[wrong](form.formula))

    monkeypatch.setattr(relu_network, "regularizer", planted)
    with pytest.raises(AssertionError, match="reg"):
        relu_network.derive()


def test_it_can_be_read(derivation):
    check_text(derivation)
    check_mathml(derivation)
