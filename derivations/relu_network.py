"""ReLU networks on one-dimensional data: from h to the weighted total variation of f', its dual, its stationary points.

Run it as `python -m ouanalysis.derivations.relu_network`. Source: Blanc et al. 2020 (arXiv:1904.09080), section 4.2;
theory.md, section 4.2.

Data are written as gaps from a kink or from a datum, with positive symbols, so that SymPy knows which of them are
active. One to three data stand for any number: every sum over the data is taken term by term.
"""

from typing import Literal

import sympy
from sympy import Derivative, Expr, Max, Piecewise, Rational, Symbol, sqrt

from ouanalysis.settings.relu_network import ReluNetwork
from ouanalysis.symbolic import trace
from ouanalysis.symbolic.relu_network import kink_cost, regularizer

from .derivation import Derivation, main

__all__ = ["derive", "written_out"]

a, b, c, k, x, alpha, beta, eps = sympy.symbols("a b c k x alpha beta epsilon", real=True)
x_1, x_2, x_3, k_1, k_2 = sympy.symbols("x_1:4 k_1:3", real=True)
g, h, p, q, r, s, t, s_1, s_2, tau = sympy.symbols("g h p q r s t s_1 s_2 tau", positive=True)
C, E, Z = sympy.symbols("C E Z", positive=True)


def derive() -> Derivation:
    """The steps, each asserted, from h to `ouanalysis.symbolic.relu_network` and to what follows from it."""
    steps = Derivation(
        "Two-layer ReLU network: the regularizer is a price of kinks",
        "Blanc et al. 2020 (arXiv:1904.09080), section 4.2; theory.md, section 4.2",
    )
    for part in (gradient, balance, price, convexity, jump, program, duality, certificate):
        part(steps)
    for part in (one_facing, one_sign, opposite_kinks, simplest):  # at a stationary network, no kink on a datum
        part(steps)
    return steps


def gradient(steps: Derivation) -> None:
    """The squares of the derivatives of h are the summands of reg."""
    z = a * x + b
    model = c * Piecewise((z, z > 0), (0, True)) + alpha * x + beta
    statement = (
        "The model is h = Σ c (a x + b)₊ + α x + β, where (z)₊ = z 1[z > 0], and 1[z > 0] is 1 for z > 0 and else 0. "
        "One neuron, one datum: ∂h/∂"
    )
    for symbol, value in ((a, c * x), (b, c), (c, z)):
        steps.identity(
            f"{statement}{symbol}", Derivative(model, symbol), Piecewise((value, z > 0), (0, True)), reduce=_done
        )
        statement = "In the same way ∂h/∂"
    hidden = sympy.Add(*(model.diff(symbol) ** 2 for symbol in (a, b, c)))
    neuron = Piecewise((z**2 + c**2 * (1 + x**2), z > 0), (0, True))
    steps.identity("Their squares add up to the neuron's part of ‖∇h‖²", hidden, neuron, reduce=_done)
    linear = Derivative(alpha * x + beta, alpha) ** 2 + Derivative(alpha * x + beta, beta) ** 2
    steps.identity("The linear and the constant unit add a constant", linear, 1 + x**2, reduce=_done)

    setting = ReluNetwork([-1, 2], [0, 0], width=2)
    formula = regularizer(setting).formula
    summands = sympy.Add(*(term.function for term in formula.atoms(sympy.Sum)))
    summands = summands.xreplace({item: Symbol(str(item.base), real=True) for item in summands.atoms(sympy.Indexed)})
    statement = "Both are the summands of ouanalysis.symbolic.relu_network.regularizer (right), without their indices"
    steps.identity(statement, neuron + 1 + x**2, summands, reduce=_done)
    steps.claim(
        "The whole of reg, on the right, by ouanalysis.symbolic.relu_network.regularizer, is the mean of ‖∇h‖² over "
        "the data",
        "(1/n) Σ_i ‖∇h_i‖²",
        "=",
        "reg",
        holds=written_out(setting) == 0,
        argument="No two neurons share a parameter, so the squares of all derivatives add up neuron by neuron, and α "
        "and β enter once. Both sides were written out for two neurons and two data; their difference is zero.",
    )


def balance(steps: Derivation) -> None:
    """Rescaling a neuron leaves h alone; it costs least where it is balanced."""
    statement = "Rescaling (a, b, c) → (τ a, τ b, c/τ), τ > 0, leaves h alone"
    argument = "τ z > 0 exactly where z > 0: the same data stay active, and at the others both sides are 0."
    steps.identity(statement, (c / tau) * (tau * a * x + tau * b), c * (a * x + b), argument=argument)
    cost = sum((a * point + b) ** 2 + c**2 * (1 + point**2) for point in (x_1, x_2))
    scaled = cost.subs({a: tau * a, b: tau * b, c: c / tau}, simultaneous=True)
    parts = {Z: sum((a * point + b) ** 2 for point in (x_1, x_2)), C: c**2 * (2 + x_1**2 + x_2**2)}
    scaled_cost = tau**2 * Z + C / tau**2
    statement = "n times a neuron's part of reg becomes τ² Z + C/τ², Z = Σ z², C = c² Σ (1 + x²) over its active data"
    steps.identity(f"{statement}; here two", scaled, scaled_cost.subs(parts))
    argument = "A square is not negative: the cost is at least 2√(Z C), and it is that where the square is 0."
    square = (tau * sqrt(Z) - sqrt(C) / tau) ** 2
    steps.identity("Completing the square", scaled_cost - 2 * sqrt(Z * C), square, argument=argument)
    statement = "The square is 0 at τ⁴ = C/Z, where the neuron is balanced; there the derivative by τ vanishes too"
    steps.identity(statement, Derivative(scaled_cost, tau), 2 * Z * (tau**4 - C / Z) / tau**3, reduce=_done)


def price(steps: Derivation) -> None:
    """A balanced neuron costs its slope change times the weight of its kink."""
    steps.identity("The kink is at k = −b/a, so z is", (a * x + b).subs(b, -a * k), a * (x - k))
    argument = (
        "Beyond the kink it is 0. So f′ changes by Δf′ = c |a|, whose size is s = |c a| and whose sign is that of c."
    )
    slope = Derivative(c * (a * x + b), x)
    steps.identity("The slope of a neuron on its active side", slope, c * a, reduce=_done, argument=argument)
    sides: tuple[tuple[Literal["right", "left"], int, tuple[Expr, ...]], ...] = (
        ("right", 1, (k - p, k + q, k + q + r)),
        ("left", -1, (k - p - r, k - p, k + q)),
    )
    for facing, sign, data in sides:
        z = [sign * tau * (point - k) for point in data]  # |a| = τ, |c| = s/τ
        active = [number for number in range(3) if z[number].is_positive]
        squares = sympy.factor(sympy.Add(*(z[number] ** 2 for number in active)))
        gradients = (s / tau) ** 2 * sympy.Add(*(1 + data[number] ** 2 for number in active))
        places = ", ".join(map(str, data)).replace("-", "−")
        statement = f"A balanced neuron facing {facing} costs (2/n)√(Z C); on data {places} this is s"
        statement += " times ouanalysis.symbolic.relu_network.kink_cost (right)"
        steps.identity(statement, 2 * sqrt(squares) * sqrt(gradients) / 3, s * kink_cost(data, k, facing=facing))
    turned = s * Max(x - k, 0) - s * Max(k - x, 0)
    steps.identity(
        "So it costs s w(k), with w₊ for a neuron facing right and w₋ for one facing left. A kink may face either way: "
        "the two differ by an affine function, which α and β take over at no cost",
        turned,
        s * (x - k),
        reduce=lambda difference: sympy.simplify(difference.rewrite(sympy.Abs)),
        argument="So a kink of f costs min(w₊, w₋)(k) |Δf′(k)|. Several neurons at one kink cost no less, as |Δf′| is "
        "at most the sum of theirs. The least reg of all networks that are f is R(f) = const + Σ min(w₊, w₋)(k) "
        "|Δf′(k)| over the kinks of f, const = (1/n) Σ (1 + x²).",
    )


def convexity(steps: Derivation) -> None:
    """Between two data the weight of a kink is convex, so kinks of one kind merge into one."""
    Q, (m, C, D) = sympy.Function("Q")(k), sympy.symbols("m C D", positive=True)
    numerator = 2 * Q * Q.diff(k, 2) - Q.diff(k) ** 2
    statement = (
        "Between two data w is a constant times √Q, Q(k) the sum of (x − k)² over the active data; its curvature"
    )
    steps.identity(statement, Derivative(sqrt(Q), (k, 2)), numerator / (4 * Q ** Rational(3, 2)), reduce=_done)
    quadratic = C - 2 * D * k + m * k**2
    statement = "With m active data, C = Σ x² and D = Σ x: Q = C − 2 D k + m k², and a quarter of the numerator is"
    steps.identity(statement, numerator.subs(Q, quadratic).doit() / 4, m * C - D**2)
    data = [x_1, x_2, x_3, *sympy.symbols("x_4:6", real=True)]
    pairs = [sum((v - u) ** 2 for i, u in enumerate(data[:size]) for v in data[:i]) for size in range(1, 6)]
    values = [size * sum(u**2 for u in data[:size]) - sum(data[:size]) ** 2 for size in range(1, 6)]
    assert all(sympy.expand(left - right) == 0 for left, right in zip(values, pairs, strict=True))
    steps.identity(
        "That is a sum of squares, one for each pair of active data; here m = 3",
        values[2],
        pairs[2],
        argument="For any m: add (x_i − x_l)² = x_i² − 2 x_i x_l + x_l² over all i and l. That is m C − 2 D² + m C, "
        "with each pair twice. (Asserted for m = 1 to 5.) So w is convex between neighbouring data; with m = 1 it is "
        "linear.",
    )
    steps.identity(
        "Two kinks of one facing and sign in one interval merge into one, at their weighted mean k",
        s_1 * (x - k_1) + s_2 * (x - k_2),
        (s_1 + s_2) * (x - (s_1 * k_1 + s_2 * k_2) / (s_1 + s_2)),
        argument="f stays the same at every datum, and w is convex, so (s_1 + s_2) w(k) is at most s_1 w(k_1) + s_2 "
        "w(k_2): merging never raises reg. One kink for each interval, facing and sign is enough.",
    )


def jump(steps: Derivation) -> None:
    """At a datum the weight falls."""
    data, others = (x_1, x_1 + q), 1 + (x_1 + q) ** 2
    drop = kink_cost(data, x_1 - p, facing="right").subs(p, 0) - kink_cost(data, x_1, facing="right")
    fall = q * (1 + x_1**2) / (sqrt(others) + sqrt(others + 1 + x_1**2))
    steps.identity(
        "At a datum x_1 the weight w₊ falls: its limit from the left less its value there; here with one datum to the "
        "right, x_1 + q",
        drop,
        fall,
        reduce=lambda difference: sympy.simplify(difference * (sqrt(others) + sqrt(others + 1 + x_1**2))),
        argument="Left of x_1, at x_1 − p, the formula of w₊ is continuous in p, so its limit is its value at p = 0.",
    )
    argument = (
        "Each factor is positive. At k = x_1 the datum x_1 is not active and its 1 + x_1² is saved. w₋ is the mirror."
    )
    steps.claim("The fall is above 0", fall, ">", 0, holds=fall.is_positive, argument=argument)


def program(steps: Derivation) -> None:
    """The least reg of all interpolants as a second-order cone program."""
    m = Symbol("m", real=True)
    steps.identity(
        "With the slope change s and the moment m = s k a kink is linear, s (x − k) = s x − m on its active data, and "
        "its cost s w(k) is (2/n)√(Σ (1 + x²)) times a norm; here with two active data",
        s * sqrt((x_1 - m / s) ** 2 + (x_2 - m / s) ** 2),
        sqrt((s * x_1 - m) ** 2 + (s * x_2 - m) ** 2),
        argument="A norm of a linear map of (s, m) is convex, and it scales with (s, m). So the least R(f) of all "
        "interpolants is a second-order cone program: for each interval, facing and sign one pair (s, m), s ≥ 0, with "
        "m/s in the interval, ends included. There the cost is the limit of w, not below its value: nothing is gained.",
    )


def duality(steps: Derivation) -> None:
    """Numbers μ on the data bound the regularizer of every interpolant from below."""
    k_right, data = q + r, (-p, q, q + r + t)  # measured from the kink that faces left
    mu = sympy.symbols("mu_1:4", real=True)
    values = [alpha * point + beta + s_1 * Max(point - k_right, 0) - s_2 * Max(-point, 0) for point in data]
    steps.identity(
        "Pair an interpolant f with numbers μ. Here on x = −p, q, q + r + t, with a kink at q + r, facing right with "
        "slope change s_1, and one at 0, facing left with slope change −s_2, yᵀμ is",
        _dot(mu, values),
        alpha * _dot(mu, data) + beta * sum(mu) + s_1 * mu[2] * t - s_2 * mu[0] * p,
        argument="Let Σ μ = 0 and Σ μ x = 0. Then yᵀμ is the sum over the kinks of Δf′ times Σ μ |x − k| over the "
        "active data. So it is for any number of data and kinks: both sides are linear in f.",
    )
    weights, slacks = sympy.symbols("w_1 w_2", positive=True), sympy.symbols("e_1 e_2", nonnegative=True)
    sums = (weights[0] - slacks[0], slacks[1] - weights[1])
    excess = _dot((s_1, s_2), weights) - (s_1 * sums[0] - s_2 * sums[1])
    steps.claim(
        "Weak duality: let also |Σ μ (x − k)| ≤ w(k), over the active data, for all k and both facings. Then",
        "const + yᵀμ",
        "≤",
        "R(f) for every interpolant f",
        holds=sympy.expand(excess).is_nonnegative,
        argument="Each kink adds at most |Δf′| w(k) to yᵀμ, and R(f) − const is the sum of these. (Asserted for the "
        "two kinks: with the sums w_1 − e_1 and e_2 − w_2 the difference is s_1 e_1 + s_2 e_2, e_1 and e_2 not "
        "negative.)",
    )
    m, B, C, D = sympy.symbols("m B C D", positive=True)
    V = Symbol("V", real=True)
    Q = C - 2 * D * k + m * k**2
    steps.identity(
        "To check μ between two data: with V = Σ μ x, B = Σ μ over the active data the ratio is (V − B k)/√Q; it "
        "changes at",
        Derivative((V - B * k) / sqrt(Q), k),
        (B * D - V * m) * (k - (B * C - V * D) / (B * D - V * m)) / Q ** Rational(3, 2),
        reduce=_done,
        argument="The numerator is linear in k. So the ratio is largest in size at an end of the interval or at the "
        "zero k = (B C − V D)/(B D − V m); if B D = V m there is no zero, or the ratio is constant.",
    )
    one = ((V - B * k) ** 2 / Q).subs({V: B * x_1, C: x_1**2, D: x_1, m: 1})
    steps.identity("With one active datum x_1 and μ = B there, the ratio is constant; its square is", one, B**2)


def certificate(steps: Derivation) -> None:
    """An example by hand, in which that bound is attained."""
    u, y, scale = Symbol("u", positive=True), sympy.symbols("y_1:4", real=True), 2 * sqrt(2) / 3
    data, inner, outer = (-1, 0, 1), -u / (1 + u), u / (1 + u)
    excess = sympy.factor(kink_cost(data, inner, facing="right") ** 2 - (scale * (1 + inner)) ** 2)
    steps.claim(
        "An example by hand: x = (−1, 0, 1) and μ = (2√2/3) (1, −2, 1). At −1 < k = −u/(1 + u) < 0, w₊² less the "
        "square of the sum",
        excess,
        ">",
        0,
        holds=excess.is_positive and sympy.simplify(kink_cost(data, outer, facing="right") / (1 - outer)) == scale,
        argument="The sum is −2 (0 − k) + (1 − k) = 1 + k, times 2√2/3, and all terms are positive. On 0 ≤ k < 1 only "
        "the last datum is active, and w₊ equals the sum. Left of all data the sum is 0. By symmetry w₋ is the same.",
    )
    steps.identity(
        "So yᵀμ bounds R(f) − const for every f with values y_1, y_2, y_3. If y_1 − 2 y_2 + y_3 ≥ 0 the bound is "
        "attained, by one kink at 0: its cost (right) by ouanalysis.symbolic.relu_network.kink_cost",
        _dot((scale, -2 * scale, scale), y),
        (y[0] - 2 * y[1] + y[2]) * kink_cost(data, 0, facing="right"),
        argument="Such an f has the slopes y_2 − y_1 and y_3 − y_2. No interpolant has a smaller R.",
    )


def one_facing(steps: Derivation) -> None:
    """At a stationary network all kinks in one interval face one way."""
    F = Symbol("F", positive=True)
    right, left = (p, p + q), (g, g + t)  # distances of the active data from their kinks, k_1 and k_2
    from_other = (h, h + t)  # distances of the same left data from k_1
    steps.identity(
        "Now a network with N∇reg = 0 and no kink on a datum; it is balanced. Let one interval hold k_1, facing "
        "right, and k_2, facing left, both with c > 0. Add ε to both on their active data and take it from β: h keeps "
        "its values at the data. The cost, times n/2, with E and F the roots of Σ (1 + x²), changes at the rate",
        Derivative(E * _norm(s_1 * d + eps for d in right) + F * _norm(s_2 * d + eps for d in left), eps).subs(eps, 0),
        E * sum(right) / _norm(right) + F * sum(left) / _norm(left),
        reduce=_done,
        argument="The active data are k_1 + p, k_1 + p + q and k_2 − g, k_2 − g − t; together they are all data. At ε "
        "= 0 reg is stationary, so the rate would have to be 0.",
    )
    rate = steps.steps[-1].right
    argument = "All terms are positive: such a network is not stationary. For c < 0 take −h, whose reg is the same."
    steps.claim(
        "Two facings with slope changes of one sign never share an interval",
        rate,
        ">",
        0,
        holds=rate > 0,
        argument=argument,
    )
    bent_down = zip(left, from_other, strict=True)
    cost = E * _norm(s_1 * d + eps * d for d in right) + F * _norm(-s_2 * d - eps * e for d, e in bent_down)
    steps.identity(
        "Now c < 0 at k_2. Add ε (x − k_1) to both instead, taken from α and β; the left data are g, g + t below k_2 "
        "and h, h + t below k_1",
        Derivative(cost, eps).subs(eps, 0),
        E * _norm(right) + F * _dot(left, from_other) / _norm(left),
        reduce=_done,
    )
    rate = steps.steps[-1].right
    argument = "Again all terms are positive. So all neurons with their kink in one interval face the same way."
    steps.claim("Nor do two facings with opposite signs", rate, ">", 0, holds=rate > 0, argument=argument)


def one_sign(steps: Derivation) -> None:
    """Those of one facing in one interval have one sign, and are one kink."""
    rows = sympy.Matrix([[x_1, 1], [x_2, 1], [x_3, 1]])
    steps.identity(
        "Two neurons of one facing in one interval, u = (c a, c b) and v; X has the rows (x, 1) of their active data, "
        "here three. The determinant of G = XᵀX",
        (rows.T * rows).det(),
        (x_1 - x_2) ** 2 + (x_1 - x_3) ** 2 + (x_2 - x_3) ** 2,
        argument="Moving a vector from u to v keeps h at the data. The cost is ‖X u‖ + ‖X v‖, so G (u/‖X u‖ − v/‖X "
        "v‖) = 0. The entries of X u all have the sign of its c, and those of X v too: if the signs differ, the "
        "second entry, the sum of X u/‖X u‖ − X v/‖X v‖, is not 0. So they agree. With two or more active data det G "
        "> 0, so v is a multiple of u and both have one kink. With one active datum they may be merged, which changes "
        "f at no datum.",
    )


def opposite_kinks(steps: Derivation) -> None:
    """Kinks of opposite signs never lie in adjacent intervals."""
    active = ((p, h + p), (p + q, h + p + q))  # distances of the active data from the kink −h and from the datum 0
    steps.identity(
        "Adjacent intervals, their shared datum at 0, with opposite kinks: −h, facing left with c > 0, and g, facing "
        "right with c < 0. Take ε x from α and add ε x to both: the piece of f between the kinks turns about the "
        "datum. The cost of the first changes at the rate",
        Derivative(E * _norm(s_1 * d - eps * e for d, e in active), eps).subs(eps, 0),
        -E * sum(d * e for d, e in active) / _norm(d for d, _ in active),
        reduce=_done,
        argument="h keeps its values at the data, and the neuron's values shrink by ε |x|; those of the second too, "
        "in the mirror. A neuron of −h that faces right, or of g that faces left, gets −ε x instead, and α keeps as "
        "much: on its active data it shrinks by ε |x| too.",
    )
    rate = steps.steps[-1].right
    argument = (
        "All terms are negative (of a neuron that faces the datum 0 one is 0), for both kinks: such a network is not "
        "stationary."
    )
    steps.claim("Opposite kinks never lie in adjacent intervals", rate, "<", 0, holds=rate < 0, argument=argument)


def simplest(steps: Derivation) -> None:
    """So f is linear over collinear data, and changes its convexity least often."""
    rise = s - s * q / (p + q)
    argument = "It is positive, and so is the chord's slope less f′ at the first. Kinks of one sign add up."
    steps.identity(
        "A kink s > 0, p after one datum and q before the next, f′ = 0 at the first: f′ at the second less the "
        "chord's slope",
        rise,
        s * p / (p + q),
        argument=argument,
    )
    positive = sympy.together(rise).is_positive and (s * q / (p + q)).is_positive
    steps.claim(
        "So a network with N∇reg = 0 and no kink on a datum, over three collinear data in a row",
        "f",
        "=",
        "their line",
        holds=positive,
        argument="Let the first interval have kinks, say with c > 0: then they all have. f′ is above the line's slope "
        "at the second datum, and f meets the third only by bending down in the adjacent interval: excluded. Without "
        "kinks in the first interval f starts the second along the line; there kinks, all of one sign, would miss the "
        "third datum.",
    )
    steps.claim(
        "And on [x_1, x_n], for every interpolant f* of the same values",
        "changes of convexity of f",
        "≤",
        "changes of convexity of f*",
        holds=positive,
        argument="Between kinks of f of different signs lies an interval without any. So the chords' slopes rise at "
        "its first datum and fall at its last, or the reverse: they turn as often as f changes convexity. The "
        "derivative of an interpolant reaches or passes each chord's slope inside its interval (mean value theorem): "
        "it turns no less often.",
    )


def _dot(left, right):
    return sympy.Add(*(u * v for u, v in zip(left, right, strict=True)))


def _norm(entries):
    return sqrt(sympy.Add(*(entry**2 for entry in entries)))


def _done(expression):
    """Carry out the derivatives, gather the branches, take common factors out of roots."""
    gathered = sympy.piecewise_fold(expression.doit())
    roots = gathered.replace(lambda e: e.is_Pow and e.exp in (Rational(1, 2), Rational(-1, 2)), _factored_root)
    return sympy.simplify(roots)


def _factored_root(root):
    return sympy.factor(root.base) ** root.exp


def written_out(setting: ReluNetwork) -> sympy.Expr:
    """reg of a small network, traced from its own h, less the closed form: 0 where they agree."""
    on: dict = {}  # the symbol of each 1[z > 0], which is its own square

    def indicated(piece):
        (value, condition), _ = piece.args
        return value * on.setdefault(condition, sympy.Dummy())

    difference = trace(setting).regularizer.rewrite(Piecewise) - regularizer(setting).expr
    difference = sympy.expand(difference.replace(lambda e: isinstance(e, Piecewise), indicated))
    return sympy.expand(difference.subs({indicator**2: indicator for indicator in on.values()}))


if __name__ == "__main__":
    main(derive)
