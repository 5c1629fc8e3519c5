"""Sigmoid networks on one datum: from h to the stationary networks, their cost and their Hessian.

Run it as `python -m ouanalysis.derivations.sigmoid_network`. Source: Blanc et al. 2020 (arXiv:1904.09080), section 4.3;
theory.md, section 4.3.

φ is a symbolic function until it is tanh or the logistic; its derivatives are printed as φ', φ'', φ'''. r is ‖x‖. With
one datum reg and h are sums over the neurons, each a function of its c and z = wᵀx, so one neuron stands for all.
"""

from functools import cache
from typing import Literal

import sympy
from sympy import Derivative, Function, Rational, Symbol, exp, log, sqrt, tanh

from ouanalysis.settings.sigmoid_network import SigmoidNetwork
from ouanalysis.symbolic import trace
from ouanalysis.symbolic.sigmoid_network import hessian_block, regularizer, stationarity, stationary_neuron

from .derivation import Derivation, main
from .notation import Form

__all__ = ["derive", "written_out"]

c, z, lam = sympy.symbols("c z lambda", real=True)
q, r, s, u, v, w = sympy.symbols("q r s u v w", positive=True)
logistic = 1 / (1 + exp(-z))


@cache
def activation(order: int) -> type[Function]:
    """φ or its derivative of this order, as a SymPy function printed without its argument where that is z."""

    def shown(self, printer, name):
        return name + "'" * order + ("" if self.args == (z,) else f"({printer.doprint(self.args[0])})")

    def in_notation(self, notation):
        name = notation.symbol("phi", "′" * order)
        return Form(name) if self.args == (z,) else notation.applied(name, self.args)

    def derivative(self, _argument=1):
        return activation(order + 1)(*self.args)

    methods = {
        "fdiff": derivative,
        "_sympystr": lambda self, printer: shown(self, printer, "phi"),
        "_notation": in_notation,
    }
    return type(f"phi_{order}", (Function,), methods)


phi, phi1, phi2, phi3 = (activation(order)(z) for order in range(4))
reg_of_neuron = phi**2 + c**2 * phi1**2 * r**2
lagrangian = reg_of_neuron - lam * c * phi
c_stationary = lam * phi / (2 * phi1**2 * r**2)

# At a stationary neuron: φ'² − φ φ'', and two entries of its block of the Hessian.
gap = phi1**2 - phi * phi2
mixed_entry = r * lam * (2 * phi * phi2 - phi1**2) / phi1
last_entry = 2 * r**2 * (phi1**2 + phi**2 * phi1 * phi3 / gap)


def derive() -> Derivation:
    """The steps, each asserted, from h to `ouanalysis.symbolic.sigmoid_network`."""
    steps = Derivation(
        "Two-layer network with sigmoid activations, one datum: stationary networks are simple",
        "Blanc et al. 2020 (arXiv:1904.09080), section 4.3; theory.md, section 4.3",
    )
    for part in (gradient, stationary_points, tanh_roots, logistic_roots, multiplier, tanh_cost, logistic_cost):
        part(steps)
    for part in (hessian, stationary_hessian, tanh_hessian, logistic_hessian, zero_neurons):
        part(steps)
    return steps


def gradient(steps: Derivation) -> None:
    """The gradient of h, and its square."""
    w_1, w_2, x_1, x_2 = sympy.symbols("w_1:3 x_1:3", real=True)
    model = c * activation(0)(w_1 * x_1 + w_2 * x_2)
    slope = activation(1)(w_1 * x_1 + w_2 * x_2)
    steps.identity(
        "The model is h = Σ c φ(wᵀx). One neuron, x of two entries: ∂h/∂c",
        Derivative(model, c),
        model / c,
        reduce=_done,
    )
    steps.identity(
        "Its derivative by w_1, and by the other entries of w alike",
        Derivative(model, w_1),
        c * slope * x_1,
        reduce=_done,
    )
    squares = sympy.Add(*(model.diff(symbol) ** 2 for symbol in (c, w_1, w_2)))
    square = reg_of_neuron.subs(z, w_1 * x_1 + w_2 * x_2).subs(r, sqrt(x_1**2 + x_2**2))
    steps.identity("Squared and added, the neuron's part of ‖∇h‖²: φ² + c² φ′² r² with r = ‖x‖", squares, square)
    steps.claim(
        "The whole of reg, on the right, by ouanalysis.symbolic.sigmoid_network.regularizer, is the mean of ‖∇h‖² over "
        "the data",
        "(1/n) Σ_i ‖∇h_i‖²",
        "=",
        "reg",
        holds=written_out("tanh", size=2) == 0 and written_out("logistic", size=1) == 0,
        argument="No two neurons share a parameter, so the squares of all derivatives add up neuron by neuron. Both "
        "sides were written out, two tanh neurons on two data and one logistic neuron on one: their difference is "
        "zero.",
    )


def stationary_points(steps: Derivation) -> None:
    """What N∇reg = 0 says of a neuron's c and z."""
    steps.identity(
        "From here one datum. At N∇reg = 0 on M there is a λ with ∇reg = λ ∇h. Each neuron's part, by c",
        Derivative(lagrangian, c),
        2 * phi1**2 * r**2 * (c - c_stationary),
        reduce=_done,
        argument="So c = λ φ/(2 φ′² r²), as φ′ > 0. The share c φ = λ φ²/(2 φ′² r²) of a neuron in y has the sign of "
        "λ: no two neurons work against each other, and λ has the sign of y.",
    )
    factor = phi * lam**2 / (2 * phi1**3 * r**2)
    steps.identity(
        "By w the gradient is x times the derivative by z = wᵀx. With this c it is, on the right, a factor times "
        "ouanalysis.symbolic.sigmoid_network.stationarity",
        lagrangian.diff(z).subs(c, c_stationary),
        factor * stationarity(phi, z, norm=r, multiplier=lam),
        argument="λ is not 0 unless all c are 0, and then h is. So a neuron with φ ≠ 0 has 4 r² φ′⁴/λ² = φ′² − φ φ′′. "
        "A neuron with φ = 0 has c = 0: with φ(0) = 0 it has z = 0 too, and does nothing.",
    )


def tanh_roots(steps: Derivation) -> None:
    """With tanh all active neurons have one |z|."""
    found = stationarity(tanh(z), z, norm=r, multiplier=lam).subs(tanh(z), s)
    root = 4 * r**2 * (1 - s**2) ** 3 / lam**2 - (1 + s**2)
    steps.identity("With tanh and s = φ(z) the stationarity is", found, (1 - s**2) * root)
    falling = root.subs(s, sqrt(q))
    steps.identity(
        "Let q = s². The second factor changes with q at the rate",
        Derivative(falling, q),
        -12 * r**2 * (1 - q) ** 2 / lam**2 - 1,
        reduce=_done,
    )
    steps.claim(
        "So it falls",
        steps.steps[-1].right,
        "<",
        0,
        holds=steps.steps[-1].right.subs(lam, Symbol("lambda", positive=True)).is_negative,
        argument="A square and 1 are subtracted. So there is at most one root s² in (0, 1): |z| is the same for all "
        "neurons with φ ≠ 0, and so is |c|, which is |λ| |s|/(2 (1 − s²)² r²).",
    )


def logistic_roots(steps: Derivation) -> None:
    """With the logistic there are at most two kinds of neuron."""
    found = stationarity(logistic, z, norm=r, multiplier=lam).subs(z, log(s / (1 - s)))
    steps.identity(
        "With the logistic and s = φ(z) the stationarity is",
        sympy.simplify(found),
        s**3 * (1 - s) * (4 * r**2 * s * (1 - s) ** 3 / lam**2 - 1),
    )
    bump = s * (1 - s) ** 3
    steps.identity(
        "So 4 r² s (1 − s)³ = λ². Here s (1 − s)³ changes at the rate",
        Derivative(bump, s),
        (1 - s) ** 2 * (1 - 4 * s),
        reduce=_done,
        argument="It rises up to s = ¼ and falls from there to 1: it takes a value at most twice. So stationary "
        "networks have at most two kinds of neuron.",
    )
    steps.identity(
        "The peak of s (1 − s)³, at s = ¼", sympy.Subs(bump, s, Rational(1, 4)), Rational(27, 256), reduce=_done
    )


def multiplier(steps: Derivation) -> None:
    """λ is the slope of the least cost."""
    cost = reg_of_neuron.subs(c, v / phi)
    steps.identity(
        "A neuron that contributes v = c φ costs φ² + v² r² φ′²/φ². Its derivative by v with z held",
        Derivative(cost, v),
        (2 * phi1**2 * r**2 * c / phi).subs(c, v / phi),
        reduce=_done,
        argument="This is λ, by c = λ φ/(2 φ′² r²). Where z makes the cost g(v) least, a change of z adds nothing at "
        "first order: λ = g′(v), and for k equal neurons, v = y/k, it is the derivative of the cost k g(y/k) by y.",
    )


def tanh_cost(steps: Derivation) -> None:
    """The least cost of a share with tanh, and that it is concave: one neuron is best."""
    root = sqrt(1 + w**2)
    cost = _at(reg_of_neuron, tanh(z), sqrt(q)).subs(c, w / (r * sqrt(q)))
    least = 2 * w * (root - w)
    steps.identity(
        "tanh, with q = φ² and w = r |v|: the cost of a share, with its square completed",
        cost,
        (sqrt(q) * root - w / sqrt(q)) ** 2 + least,
        argument="The square is not negative and vanishes at q = w/√(1 + w²), which lies in (0, 1): there the cost is "
        "least.",
    )
    neuron = stationary_neuron("tanh", v, norm=r)
    statement = "At w = r v that is φ² of ouanalysis.symbolic.sigmoid_network.stationary_neuron (left)"
    steps.identity(statement, neuron.phi**2, sympy.Subs(w / root, w, r * v), reduce=_done)
    statement = "With φ and c of stationary_neuron the cost φ² + c² φ′² r² is (right) its cost"
    steps.identity(statement, _at(reg_of_neuron, tanh(z), neuron.phi).subs(c, neuron.c), neuron.cost)
    slope = _at(2 * phi1**2 * r**2 * c / phi, tanh(z), neuron.phi).subs(c, neuron.c)
    steps.identity("The derivative of that cost is λ = 2 φ′² r² c/φ", Derivative(neuron.cost, v), slope, reduce=_done)
    steps.identity(
        "The least cost g(w) rises with w, at the rate",
        Derivative(least, w),
        2 / (root * (root + w) ** 2),
        reduce=_done,
    )
    bend = -2 * (2 * root + w) / (root**3 * (root + w) ** 2)
    steps.identity("The second derivative of g", Derivative(least, (w, 2)), bend, reduce=_done)
    steps.claim(
        "So g is concave",
        bend,
        "<",
        0,
        holds=bend.is_negative and least.subs(w, 0) == 0,
        argument="Each factor is positive. As g(0) = 0, g(t w) ≥ t g(w) for t in (0, 1): splitting w between neurons "
        "costs more, and shares of both signs have a larger sum of |v|. So one active neuron is best: the least reg "
        "is g(r |y|).",
    )


def logistic_cost(steps: Derivation) -> None:
    """The least cost of a share with the logistic, convex for small shares."""
    top = w**2 / (1 + w**2)
    cost = sympy.simplify(_at(reg_of_neuron, logistic, s))
    steps.identity(
        "Logistic, w = r |v|, c = v/s: the cost of a share, with its square completed",
        cost.subs(c, w / (r * s)),
        (1 + w**2) * (s - top) ** 2 + top,
        argument="It is least at s = w²/(1 + w²), which lies in (0, 1), and equal to it there.",
    )
    neuron = stationary_neuron("logistic", v, norm=r)
    inserted = {c: neuron.c, s: neuron.phi}
    statement = (
        "φ and c of ouanalysis.symbolic.sigmoid_network.stationary_neuron in φ² + c² φ′² r² give (right) its cost"
    )
    steps.identity(statement, cost.subs(inserted), neuron.cost)
    slope = sympy.simplify(_at(2 * phi1**2 * r**2 * c / phi, logistic, s)).subs(inserted)
    steps.identity("The derivative of that cost is λ = 2 φ′² r² c/φ", Derivative(neuron.cost, v), slope, reduce=_done)
    steps.identity(
        "The second derivative of the least cost g(w)",
        Derivative(top, (w, 2)),
        2 * (1 - 3 * w**2) / (1 + w**2) ** 3,
        reduce=_done,
        argument="g is convex for w < 1/√3, then concave, and it rises. Two shares beyond 1/√3 cost less when one "
        "gives to the other, and shares below it cost least when they are equal: at the least reg all are equal but "
        "at most one.",
    )


def hessian(steps: Derivation) -> None:
    """The block of the Hessian of reg − λ h that a neuron has."""
    block = hessian_block(phi, z, c=c, norm=r, multiplier=lam)
    statement = (
        "The Hessian of reg − λ h, in (c, wᵀx/r), on the right ouanalysis.symbolic.sigmoid_network.hessian_block. "
        "Twice by c"
    )
    steps.identity(statement, Derivative(lagrangian, (c, 2)), block[0, 0], reduce=_done)
    argument = "z = r (wᵀx/r), so each derivative by wᵀx/r is r times that by z."
    steps.identity("By c and wᵀx/r", r * Derivative(lagrangian, c, z), block[0, 1], reduce=_done, argument=argument)
    steps.identity(
        "Twice by wᵀx/r",
        r**2 * Derivative(lagrangian, (z, 2)),
        block[1, 1],
        reduce=_done,
        argument="Neurons do not mix, and directions of w orthogonal to x change nothing: the Hessian has a block H "
        "for each neuron and m (d − 1) zeros.",
    )


def stationary_hessian(steps: Derivation) -> None:
    """That block at a stationary neuron, and along the direction in which its share stays."""
    block = hessian_block(phi, z, c=c_stationary, norm=r, multiplier=lam)
    squared = {lam: 2 * r * phi1**2 / sqrt(gap)}  # only λ² occurs where this is used
    steps.identity("At a stationary neuron c = λ φ/(2 φ′² r²), and the mixed entry of H is", block[0, 1], mixed_entry)
    statement = "There λ² = 4 r² φ′⁴/(φ′² − φ φ′′), and the last entry of H is"
    steps.identity(statement, block[1, 1].subs(squared), last_entry)
    bracket = 3 * phi1**2 * phi2 + phi * phi1 * phi3 - 4 * phi * phi2**2
    determinant = (block[0, 0] * last_entry - mixed_entry**2).subs(squared)
    steps.identity("The determinant of H", determinant, 4 * r**4 * phi * phi1**2 * bracket / gap)
    first = c_stationary * phi1 * r  # t = (first, −φ)
    along = (first**2 * block[0, 0] - 2 * first * phi * mixed_entry + phi**2 * last_entry).subs(squared)
    steps.identity(
        "And tᵀH t for t = (c φ′ r, −φ), the direction in which the neuron's share stays",
        along,
        2 * r**2 * phi**2 * phi1 * (4 * phi1**3 - 5 * phi * phi1 * phi2 + phi**2 * phi3) / gap,
        argument="Of k equal neurons, tangent are: t for all of them; and any (c, w) given to them with factors that "
        "add up to 0, for h stays at first order. So the Hessian on the tangent space has the eigenvalues of H, k − 1 "
        "times each, and tᵀH t/‖t‖² once.",
    )


def tanh_hessian(steps: Derivation) -> None:
    """With tanh more than one active neuron is a saddle."""
    determinant, along = -16 * r**4 * q * (2 + q) * (1 - q) ** 3 / (1 + q), 8 * r**2 * q * (1 - q) / (1 + q)
    _block(
        steps,
        "tanh, s = √q > 0, λ² = 4 r² (1 − q)³/(1 + q)",
        (tanh(z), sqrt(q), 4 * r**2 * (1 - q) ** 3 / (1 + q)),
        mixed=-r * lam * (1 + 3 * q),
        last=2 * r**2 * (1 - q) * (1 - 2 * q + 5 * q**2) / (1 + q),
        determinant=determinant,
        along=along,
    )
    inside = {q: u / (1 + u)}
    steps.claim(
        "k active neurons, equal up to the sign of (c, w), have k − 1 negative directions; one has none",
        determinant,
        "<",
        0,
        holds=sympy.factor(determinant.subs(inside)).is_negative and sympy.factor(along.subs(inside)).is_positive,
        argument="0 < q < 1, so H has one negative eigenvalue, which counts k − 1 times, and tᵀH t > 0. (The signs "
        "were asserted for q = u/(1 + u), u > 0.) So k > 1 equal neurons are a saddle of reg on M.",
    )


def logistic_hessian(steps: Derivation) -> None:
    """With the logistic equal shares are a minimum below φ = ¼ and a saddle above it."""
    _block(
        steps,
        "Logistic, λ² = 4 r² s (1 − s)³",
        (logistic, s, 4 * r**2 * s * (1 - s) ** 3),
        mixed=r * lam * s * (1 - 3 * s),
        last=2 * r**2 * s * (1 - s) * (1 - 5 * s + 5 * s**2),
        determinant=4 * r**4 * s**4 * (1 - s) ** 3 * (1 - 4 * s),
        along=2 * r**2 * s**4 * (1 - s),
        argument="It is positive, as is the first entry of H. So k > 1 equal shares are a local minimum if s < ¼, "
        "where H is positive definite, and a saddle if s > ¼, where H has one negative eigenvalue. s = w²/(1 + w²) is "
        "¼ at w = 1/√3.",
    )


def _block(steps, name, kind, *, mixed, last, determinant, along, argument=""):
    """The block H at a stationary neuron of one kind: φ as a function of z, its value, and λ²."""
    function, value, lam_squared = kind
    values = {derivative: sympy.factor(_at(derivative, function, value)) for derivative in (phi, phi1, phi2, phi3)}
    squared = {lam: sqrt(lam_squared)}  # only λ² occurs where this is used
    steps.identity(f"{name}: the mixed entry of H", mixed_entry.xreplace(values), mixed)
    steps.identity("The last entry of H", last_entry.xreplace(values), last)
    corner = 2 * r**2 * values[phi1] ** 2
    steps.identity("The determinant of H", (corner * last - mixed**2).subs(squared), determinant)
    first = (c_stationary * phi1 * r).xreplace(values)  # t = (first, −φ)
    product = first**2 * corner - 2 * first * value * mixed + value**2 * last
    steps.identity("And tᵀH t", product.subs(squared), along, argument=argument)


def zero_neurons(steps: Derivation) -> None:
    """A tanh neuron at zero stays there."""
    block = hessian_block(tanh(z), z, c=0, norm=r, multiplier=lam).subs(z, 0)
    kappa = Symbol("kappa", real=True)
    steps.identity(
        "A tanh neuron with c = z = 0: the determinant of H − κ I",
        (block - kappa * sympy.eye(2)).det(),
        (2 * r**2 - lam * r - kappa) * (2 * r**2 + lam * r - kappa),
        argument="So the eigenvalues are 2 r² − λ r and 2 r² + λ r.",
    )
    gap = 4 * r**2 - 4 * r**2 * (1 - q) ** 3 / (1 + q)
    left_over = 4 * r**2 * q * (4 - 3 * q + q**2) / (1 + q)
    steps.identity("With λ² = 4 r² (1 − q)³/(1 + q) of the active neurons, 4 r² − λ² is", gap, left_over)
    steps.claim(
        "So |λ| < 2 r, and both eigenvalues of a zero neuron are positive",
        left_over,
        ">",
        0,
        holds=sympy.factor(left_over.subs(q, u / (1 + u))).is_positive,
        argument="0 < q < 1. (The sign was asserted for q = u/(1 + u), u > 0.) A zero neuron is no escape: it stays "
        "zero.",
    )


def _at(expression, function, value):
    """An expression in φ, φ', ... where φ is this function of z and takes this value."""
    place = sympy.atanh(value) if function == tanh(z) else log(value / (1 - value))
    return expression.xreplace({activation(order)(z): function.diff(z, order) for order in range(4)}).subs(z, place)


def _done(expression):
    return sympy.simplify(expression.doit())


def written_out(name: Literal["tanh", "logistic"], *, size: int) -> sympy.Expr:
    """reg of a small network, traced from its own h, less the closed form: 0 where they agree."""
    setting = SigmoidNetwork([[1, 2], [3, -1]][:size], [0] * size, width=size, activation=name)
    difference = sympy.expand(trace(setting).regularizer - regularizer(setting).expr)
    return difference if name == "tanh" else sympy.simplify(difference.rewrite(sympy.exp))


if __name__ == "__main__":
    main(derive)
