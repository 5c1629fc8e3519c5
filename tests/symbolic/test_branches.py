"""Branches in branches, in conditions and on constants: by hand, and as LaTeX that a person can read."""

import autograd.numpy as anp
import numpy as np
import pytest
import sympy
from rounding import FORMULA

import ouanalysis as ou
from ouanalysis.activations import maximum, relu, sign, where_positive
from ouanalysis.symbolic.functions import LargestShare, Maximum, WherePositive


def composed(theta, x):
    return theta[..., 0] * relu(theta[..., 1] * relu(theta[..., 2] * x))


def test_a_relu_of_a_relu_by_hand():
    form = ou.symbolic.regularizer(ou.Setting(composed, [2.0], [0.0], dim=3))
    # h = 2abc where bc > 0 and c > 0: ‖∇h‖² = 4 (b²c² + a²c² + a²b²)
    assert form([1.0, 3.0, 5.0]) == 4 * (15**2 + 5**2 + 3**2)
    assert form([1.0, 3.0, -5.0]) == 0.0
    assert form([1.0, -3.0, 5.0]) == 0.0
    assert form([1.0, 3.0, 0.0]) == 0.0  # on the inner kink: 1[0 > 0] = 0
    assert form([1.0, 0.0, 5.0]) == 0.0  # on the outer one
    np.testing.assert_array_equal(form([[1.0, 3.0, 5.0], [0.0, 1.0, 1.0]]), [1036.0, 4.0])


@pytest.mark.parametrize("depth", [3, 8])
def test_a_chain_of_relus_is_the_product_of_its_weights(depth):
    def chain(theta, x):
        value = x
        for k in range(depth):
            value = relu(theta[..., k] * value)
        return value

    setting = ou.Setting(chain, [1.0], [0.0], dim=depth)
    traced = ou.symbolic.trace(setting)
    theta = np.arange(1.0, depth + 1)
    jacobian = ou.symbolic.compile(traced.jacobian, traced.theta)(theta)
    np.testing.assert_allclose(jacobian[0], theta.prod() / theta, rtol=FORMULA)
    assert not np.any(ou.symbolic.compile(traced.jacobian, traced.theta)(-theta))


def branches_in_conditions(theta, x):
    a, b, c = theta[..., 0], theta[..., 1], theta[..., 2]
    return where_positive(relu(a) - maximum(b, x), sign(c) * a**2, where_positive(sign(b * x), c**3, b))


@pytest.mark.parametrize(
    ("theta", "gradient"),
    [
        ([3.0, 1.0, -2.0], [-6.0, 0.0, 0.0]),  # 3 > max(1, 2): −a²
        ([1.0, 1.0, -2.0], [0.0, 0.0, 12.0]),  # 1 < 2 and 2b > 0: c³
        ([1.0, -1.0, -2.0], [0.0, 1.0, 0.0]),  # b
        ([2.0, 2.0, 1.0], [0.0, 0.0, 3.0]),  # a tie is `otherwise`
        ([3.0, 1.0, 0.0], [0.0, 0.0, 0.0]),  # sign(0) = 0
    ],
)
def test_branches_in_conditions_by_hand(theta, gradient):
    traced = ou.symbolic.trace(ou.Setting(branches_in_conditions, [2.0], [0.0], dim=3))
    np.testing.assert_array_equal(ou.symbolic.compile(traced.jacobian, traced.theta)(theta), [gradient])


def on_constants(theta, x):
    return where_positive(x - 1.5, theta[..., 0], theta[..., 1] ** 2) * relu(x) + anp.where(x < 0, 1.0, theta[..., 1])


def test_conditions_on_data_alone_are_decided_by_the_data():
    traced = ou.symbolic.trace(ou.Setting(on_constants, [2.0, 1.0, -1.0], [0.0] * 3, dim=2))
    a, b = traced.theta
    assert traced.h == sympy.Matrix([2 * a + b, b**2 + b, 1])


def test_all_data_on_one_side_leave_no_branch_and_symbolic_data_keep_it():
    setting = ou.Setting(lambda theta, x: theta[..., 0] * relu(x), [1.0, 2.0], [0.0, 0.0], dim=1)
    assert not ou.symbolic.trace(setting).regularizer.has(WherePositive)
    traced = ou.symbolic.trace(setting, symbolic_data=True)
    assert traced.h.has(WherePositive)
    compiled = ou.symbolic.compile(traced.regularizer, [*traced.theta, *traced.x])
    np.testing.assert_array_equal(compiled([[1.0, -1.0, 2.0], [1.0, 0.0, -3.0]]), [2.0, 0.0])


def undefined_on_the_other_side(theta, x):
    a = theta[..., 0]
    return where_positive(a, anp.sqrt(anp.abs(a)) * x, 3 * a) + where_positive(a, anp.log(anp.abs(a) + x), anp.exp(-a))


def test_the_side_not_taken_neither_warns_nor_counts():
    traced = ou.symbolic.trace(ou.Setting(undefined_on_the_other_side, [1.0], [0.0], dim=1))
    slope = ou.symbolic.compile(traced.jacobian, traced.theta)
    assert slope([4.0])[0] == pytest.approx(0.25 + 0.2, rel=FORMULA)
    assert slope([-1000.0])[0] == -np.inf  # −e^{1000}
    a, b = sympy.symbols("a b", real=True)
    safe = WherePositive(a, sympy.sqrt(a) * b, sympy.log(-a))
    compiled = ou.symbolic.compile([safe, safe.diff(a), safe.diff(b)], [a, b])
    expected = [[6.0, 0.75, 2.0], [np.log(2), -0.5, 0.0]]
    np.testing.assert_allclose(compiled([[4.0, 3.0], [-2.0, 3.0]]), expected, rtol=FORMULA)


@pytest.mark.parametrize(("h", "dim"), [(composed, 3), (branches_in_conditions, 3), (undefined_on_the_other_side, 1)])
def test_compositions_print_without_a_trace_of_their_making(h, dim):
    latex = ou.symbolic.regularizer(ou.Setting(h, [2.0], [0.0], dim)).latex()
    assert "> 0" in latex
    assert "ITE" not in latex
    assert "WherePositive" not in latex


def test_branches_print_as_the_paper_writes_them():
    z, a = sympy.symbols("z a", real=True)
    assert sympy.latex(WherePositive(z, z, 0)) == r"\left(z\right)_{+}"
    assert sympy.latex(WherePositive(z, z, 0).diff(z)) == r"\mathbf{1}\left[z > 0\right]"
    assert sympy.latex(WherePositive(z, a + 1, 0) ** 2) == (
        r"\left(\mathbf{1}\left[z > 0\right] \left(a + 1\right)\right)^{2}"
    )
    cases = r"\begin{cases} a & \text{for}\: z > 0 \\ 1 & \text{otherwise} \end{cases}"
    assert sympy.latex(WherePositive(z, a, 1)) == cases


def test_a_branch_survives_substitution_evaluation_and_rewriting():
    a, b = sympy.symbols("a b", real=True)
    branch = WherePositive(a * WherePositive(b, b, 0), a**2, b)
    assert branch.subs({a: 2, b: 3}) == 4
    assert branch.subs(a, 0) == b
    assert branch.subs(b, -1) == -1
    assert sympy.N(branch.subs({a: sympy.Rational(1, 3), b: 1}), 30) == sympy.N(sympy.Rational(1, 9), 30)
    assert WherePositive(a, WherePositive(a, 1, 2), WherePositive(a, 3, 4)) == WherePositive(a, 1, 4)
    assert WherePositive(a, a, 0).rewrite(sympy.Piecewise) == sympy.Piecewise((a, a > 0), (0, True))


def test_a_maximum_shares_its_derivative_between_equals_as_autograd_does():
    a, b, c = symbols = sympy.symbols("a b c", real=True)
    largest = Maximum(Maximum(a, b), c)
    compiled = ou.symbolic.compile([largest, *(largest.diff(symbol) for symbol in symbols)], symbols)
    np.testing.assert_array_equal(compiled([[1, 3, 2], [1, 3, 3]]), [[3, 0, 1, 0], [3, 0, 0.5, 0.5]])
    assert LargestShare(sympy.Integer(2), sympy.Integer(2), sympy.Integer(1)) == sympy.Rational(1, 2)
    assert sympy.latex(largest) == r"\max\left(a, b, c\right)"


def test_a_long_sum_compiles():
    symbols = sympy.symbols("a:3000", real=True)
    compiled = ou.symbolic.compile(sympy.Add(*(symbol**2 for symbol in symbols)), symbols)
    assert compiled(np.ones((2, 3000))).tolist() == [3000.0, 3000.0]
