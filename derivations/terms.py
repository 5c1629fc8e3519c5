"""In which order terms and factors are written, and what of them is under a bar or behind a sign."""

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixExpr

from .prose import SIGNS

__all__ = [
    "LOOSE",
    "NAMES",
    "has_fraction",
    "is_below",
    "is_letter",
    "is_next",
    "is_partial",
    "is_root",
    "ordered",
    "split_product",
    "without_sign",
]

FIRST = {"eta": 0, "sigma": 1, "B": 4}  # of the letters in a product, else Greek before Latin
SMALL = ("eta", "tau", "epsilon")  # a sum goes by ascending powers of these
LOOSE = (sympy.Sum, sympy.Integral, sympy.Derivative, sympy.Subs, sympy.Limit, MatrixExpr, sympy.MatrixBase)
NAMES = {code[1:]: sign for sign, code in SIGNS.items() if sign.isalpha() and code[0] == "\\"} | {"oo": "∞"}


def ordered(total: sympy.Expr) -> list[sympy.Expr]:
    """The terms of a sum: by powers of what is small, ascending if it has one letter and a number, not − first."""
    terms = list(total.args) if isinstance(total, sympy.MatAdd) else total.as_ordered_terms()
    if len(total.free_symbols) == 1 and any(term.is_Number for term in terms):
        terms.reverse()
    terms.sort(key=lambda term: (_smallness(term), not term.is_Number))
    first = next((place for place, term in enumerate(terms) if not without_sign(term)[0]), 0)
    return [terms[first], *terms[:first], *terms[first + 1 :]]


def split_product(term: sympy.Expr) -> tuple[sympy.Number, list[sympy.Expr]]:
    """(the number, the factors in the order in which they are written) of a product, 2 − 2x being 2(1 − x) in it."""
    number, factors = sympy.S.One, []
    sums: dict[sympy.Add, sympy.Integer] = {}
    for factor in term.as_ordered_factors() if isinstance(term, sympy.Mul) else [term]:
        base, power = factor.as_base_exp()
        if factor.is_Number:
            number *= factor
            continue
        if isinstance(term, sympy.Mul) and isinstance(base, sympy.Add) and base.is_commutative and power.is_Integer:
            content, rest = base.primitive()
            if not content.is_Integer:
                content, rest = sympy.S.One, base
            if all(_is_negative(part) for part in rest.args):
                content, rest = -content, sympy.Add(*(-part for part in rest.args))
            number *= content**power
            sums[rest] = sums.get(rest, 0) + power
        else:
            factors.append(factor)
    factors += [sympy.Pow(base, power) for base, power in sums.items() if power]
    return number, sorted(factors, key=_place)


def _is_negative(term):
    return sympy.Mul.make_args(term)[0].is_Number and sympy.Mul.make_args(term)[0] < 0


def _place(factor):
    base = factor.as_base_exp()[0]
    if factor.is_commutative is False or isinstance(factor, LOOSE):
        return 7
    if isinstance(base, sympy.Symbol):
        return FIRST.get(base.name, 2 if base.name.partition("_")[0] in NAMES else 3)
    if isinstance(base, sympy.Add):
        return 5
    if base.is_Number:
        return 0
    late = sympy.Indexed | sympy.Trace | sympy.KroneckerDelta | AppliedUndef | sympy.log
    return 6 if isinstance(base, late) else 4


def is_root(factor: sympy.Expr) -> bool:
    """Whether it is √x or 1/√x of a letter that is not negative, so that √x √y is √(xy)."""
    if not isinstance(factor, sympy.Pow) or not factor.args[0].is_Symbol:
        return False
    return bool(factor.args[0].is_nonnegative) and factor.args[1] in (sympy.Rational(1, 2), -sympy.Rational(1, 2))


def is_below(factor: sympy.Expr) -> bool:
    """Whether a factor is written under the bar."""
    return isinstance(factor, sympy.Pow) and factor.args[1].could_extract_minus_sign()


def without_sign(term: sympy.Expr) -> tuple[bool, sympy.Expr]:
    """(whether it begins with a −, what follows)."""
    if isinstance(term, sympy.MatMul):
        coefficient, matrices = term.as_coeff_matrices()
        if split_product(coefficient)[0] >= 0:
            return False, term
        kept = [] if coefficient == -1 else [-coefficient]
        return True, sympy.MatMul(*kept, *matrices, evaluate=False) if len([*kept, *matrices]) > 1 else matrices[0]
    number, factors = split_product(term)
    if number >= 0 or not (term.is_Number or isinstance(term, sympy.Mul)):
        return False, term
    return True, sympy.Mul(*([] if number == -1 and factors else [-number]), *factors, evaluate=False)


def _smallness(term):
    coefficient = term.as_coeff_matrices()[0] if isinstance(term, sympy.MatMul) else term
    powers = [factor.as_base_exp() for factor in sympy.Mul.make_args(coefficient)]
    return sum(power for base, power in powers if getattr(base, "name", "") in SMALL and power.is_Number and power > 0)


def is_letter(expression: sympy.Expr) -> bool:
    """Whether a derivative of it is written as ∂x/∂y."""
    if isinstance(expression, AppliedUndef):
        return all(place.is_Symbol for place in expression.args)
    return isinstance(expression, sympy.Symbol | sympy.Indexed)


def has_fraction(expression: sympy.Expr) -> bool:
    """Whether a bar is drawn in it."""
    parts = (
        part for part in sympy.preorder_traversal(expression) if isinstance(part, sympy.Mul | sympy.Add | sympy.Pow)
    )
    return any(
        is_below(part)
        or (any(isinstance(side, sympy.Rational) and side.q > 1 for side in part.args) and not part.is_Pow)
        for part in parts
    )


def is_next(argument: sympy.Expr) -> bool:
    """Whether it is t + 1 for a letter t."""
    return argument.is_Add and argument.args[0] == 1 and len(argument.args) == 2 and argument.args[1].is_Symbol


def is_partial(derivative: sympy.Derivative) -> bool:
    """Whether there is something else that it could be differentiated by."""
    return len(derivative.expr.free_symbols) > 1 or any(
        str(place).startswith("theta") for place in derivative.variables
    )
