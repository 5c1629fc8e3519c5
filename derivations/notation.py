"""How a formula is written: the field's notation, once for a line of text, for a block of lines and for LaTeX.

What stands beside what is decided here, the same for all three: η and σ lead a product, 1 − ηk begins with its 1, a
fraction before a sum is a factor of it, what depends on θ is shown without it. How a fraction, a power or a bracket is
drawn is decided by what draws: `Line` in line.py, `Block` in block.py and `Latex` in latex.py. terms.py has the order.
"""

from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import sympy
from sympy.printing.printer import Printer

from .terms import (
    LOOSE,
    NAMES,
    has_fraction,
    is_below,
    is_letter,
    is_next,
    is_partial,
    is_root,
    ordered,
    split_product,
    without_sign,
)

__all__ = ["ATOM", "OVER", "POWER", "PREFIX", "PRODUCT", "SUM", "Form", "Notation"]

# How tightly a form holds together: what is looser than its place allows is put in brackets.
SUM, OVER, PREFIX, PRODUCT, POWER, ATOM = range(6)

RAISED = {"T": "ᵀ", "+": "⁺", "": ""}


class Form(NamedTuple):
    """What has been drawn, and how tightly it holds together."""

    content: Any
    binding: int = ATOM


class Notation(Printer):
    """The notation, for a room that says how to draw."""

    printmethod = "_notation"

    # What a room draws with.

    @abstractmethod
    def sign(self, text: str) -> Any:
        """Some signs on the line."""

    @abstractmethod
    def name(self, base: str, index: str = "", raised: str = "") -> Any:
        """A letter or a word with what hangs on it."""

    @abstractmethod
    def row(self, parts: Sequence[Any]) -> Any:
        """One beside the other."""

    @abstractmethod
    def bracket(self, inside: Any, left: str = "(", right: str = ")") -> Any:
        """In brackets as high as they must be."""

    @abstractmethod
    def over(self, above: Form, below: Form) -> Form:
        """A fraction."""

    @abstractmethod
    def power(self, base: Any, exponent: Any) -> Any:
        """A power."""

    @abstractmethod
    def large(self, sign: str, below: Any, above: Any = None) -> Any:
        """Σ, ∫ or lim, with what is written under and over it."""

    @abstractmethod
    def root(self, inside: Form) -> Any:
        """A square root."""

    @abstractmethod
    def at(self, inside: Any, where: Any) -> Any:
        """A bar, with the place at which what stands before it is taken."""

    @abstractmethod
    def table(self, rows: Sequence[Sequence[Any]]) -> Any:
        """A matrix."""

    @abstractmethod
    def touches(self, left: Any, right: Any) -> bool:
        """Whether two factors are written without a space."""

    # What is written.

    def draw(self, expression: Any) -> Any:
        """The whole of it."""
        return self._print(sympy.sympify(expression)).content

    def parts(self, expression: Any) -> list[Any]:
        """The whole in parts, before each of which a line may end."""
        if isinstance(expression, sympy.Add | sympy.MatAdd):
            found: list[Any] = []
            for term in ordered(expression):
                negative, term = without_sign(term)
                sign = "−" if negative else "+" if found else ""
                first, *rest = self.parts(term)
                found += [self.row([self.sign(f"{sign} " if found else sign), first]) if sign else first, *rest]
            return found
        if isinstance(expression, sympy.MatMul):
            coefficient, matrices = expression.as_coeff_matrices()
            if all(isinstance(matrix, sympy.MatrixBase) for matrix in matrices):
                first, *rest = [self.draw(matrix) for matrix in matrices]
                return [self._product([self._as_factor(coefficient), Form(first)]).content, *rest]
        for before, inside in self._opened(expression):
            first, *rest = self.parts(inside)
            opened = [self.row([*before, self.sign("("), first]), *rest]
            return [*opened[:-1], self.row([opened[-1], self.sign(")")])]
        return [self.draw(expression)]

    def _opened(self, expression):
        """What is before the bracket that a sum ends with, and the sum in it, if the expression ends with one."""
        number, factors = split_product(expression) if isinstance(expression, sympy.Mul) else (1, [])
        if factors and isinstance(factors[-1], sympy.Sum | sympy.Add):
            before = factors[:-1]
            if number > 0 and not any(isinstance(factor, LOOSE) for factor in before):
                coefficient = sympy.Mul(number, *before)
                begun = [] if coefficient == 1 else [self.row([self._as_factor(coefficient).content, self.sign(" ")])]
                if isinstance(factors[-1], sympy.Add):
                    yield begun, factors[-1]
                for inner, inside in self._opened(factors[-1]):
                    yield [*begun, *inner], inside
        elif isinstance(expression, sympy.Sum) and isinstance(expression.function, sympy.Add):
            yield self._sums(expression), expression.function
        elif isinstance(expression, sympy.Derivative) and isinstance(expression.expr, sympy.Add):
            yield [self._operator(expression).content], expression.expr

    def exponent(self, expression: Any) -> Any:
        """What is raised, where there is no room to stack."""
        return self.draw(expression)

    def within(self, form: Form, binding: int) -> Any:
        """In brackets where it holds together less than that."""
        return form.content if form.binding >= binding else self.bracket(form.content)

    def _print_Add(self, expression):
        return self._sum(ordered(expression))

    _print_MatAdd = _print_Add

    def _sum(self, terms):
        parts: list[Any] = []
        of_matrices = any(term.is_commutative is False for term in terms)
        for term in terms:
            negative, term = without_sign(term)
            sign = (" − " if negative else " + ") if parts else "−" if negative else ""
            form = self._print(term)
            if of_matrices and term.is_commutative:  # a number among matrices
                form = (
                    Form(self.name("I")) if term == 1 else self._product([self._as_factor(term), Form(self.name("I"))])
                )
            parts += [self.sign(sign), self.within(form, OVER)] if sign else [self.within(form, OVER)]
        return Form(self.row(parts), SUM)

    def _print_Mul(self, expression):
        number, factors = split_product(expression)
        if number < 0:
            return Form(self.row([self.sign("−"), self.within(self._print(without_sign(expression)[1]), OVER)]), SUM)
        roots = [factor for factor in factors if is_root(factor)]
        if len(roots) > 1:  # under one sign
            factors = [factor for factor in factors if factor not in roots]
        loose = [factor for factor in factors if factor.is_commutative is False or isinstance(factor, LOOSE)]
        scalar = [factor for factor in factors if factor not in loose]
        below = [1 / factor for factor in scalar if is_below(factor)]
        above = [factor for factor in scalar if not is_below(factor)]
        over, under = (number.p, number.q) if number.is_Rational else (number, 1)
        if below or under > 1:  # no fraction on top of a fraction
            tall = [factor for factor in above if not factor.is_Symbol and has_fraction(factor)]
            above, loose = [factor for factor in above if factor not in tall], [*tall, *loose]
        merged = [Form(self.root(self._print(sympy.Mul(*roots) ** 2)))] if len(roots) > 1 else []
        top = self._product([self._as_factor(sympy.sympify(over)), *map(self._factor, above), *merged])
        bottom = self._product([self._as_factor(sympy.sympify(under)), *map(self._factor, below)])
        whole = self.over(top or Form(self.sign("1")), bottom) if bottom else top
        if not loose:
            return whole or Form(self.sign("1"))
        return self._product([*([whole] if whole else []), *map(self._factor, loose)])

    def _factor(self, factor):
        form = self._print(factor)
        return Form(form.content, OVER) if isinstance(factor, sympy.Mul) else form  # a product in a product is kept

    def _as_factor(self, coefficient):
        return Form(self.sign(""), ATOM) if coefficient == 1 else self._print(coefficient)

    def _product(self, forms):
        forms = [form for form in forms if form.content != self.sign("")]
        if len(forms) < 2:
            return forms[0] if forms else None
        drawn = [*(self.within(form, PRODUCT) for form in forms[:-1]), self.within(forms[-1], PREFIX)]
        parts = [drawn[0]]
        for left, right in pairwise(drawn):
            parts += [right] if self.touches(left, right) else [self.sign(" "), right]
        return Form(self.row(parts), PRODUCT)

    def _print_MatMul(self, expression):
        negative, expression = without_sign(expression)
        if not isinstance(expression, sympy.MatMul):
            whole = self._print(expression)
        else:
            coefficient, matrices = expression.as_coeff_matrices()
            whole = self._product([self._as_factor(coefficient), *(self._print(matrix) for matrix in matrices)])
        return Form(self.row([self.sign("−"), self.within(whole, OVER)]), SUM) if negative else whole

    def _print_Pow(self, expression):
        base, exponent = expression.args
        if exponent == sympy.Rational(1, 2):
            return Form(self.root(self._print(base)))
        if expression.is_commutative and is_below(expression):
            return self.over(Form(self.sign("1")), self._print(1 / expression))
        return Form(self.power(self.within(self._print(base), ATOM), self.exponent(exponent)), POWER)

    _print_MatPow = _print_Pow

    def _print_exp(self, expression):
        return Form(self.power(self.name("e"), self.exponent(expression.args[0])), POWER)

    def _print_Rational(self, number):
        return self._print_Integer(number) if number.q == 1 else self._print_Mul(number)

    def _print_Integer(self, number):
        return Form(self.sign(str(number).replace("-", "−")), ATOM if number >= 0 else SUM)

    def _print_Float(self, number):
        return Form(self.sign(f"{float(number):g}".replace("-", "−")), ATOM if number >= 0 else SUM)

    def _print_Infinity(self, _infinity):
        return Form(self.sign("∞"))

    def symbol(self, name: str, raised: str = "") -> Any:
        """A name of SymPy's, such as theta_a, J^T, S_oo or U_1_0, with ′ or the like on it."""
        name, _, power = name.partition("^")
        base, _, index = name.partition("_")
        parts = (NAMES.get(part, part) for part in index.split("_"))
        return self.name(NAMES.get(base, base), "".join(parts), RAISED.get(power, power) + raised)

    def _print_Symbol(self, symbol):
        return Form(self.symbol(symbol.name))

    _print_MatrixSymbol = _print_Symbol

    def _print_Dummy(self, symbol):
        return Form(self.symbol(symbol.name))

    def _print_Indexed(self, entry):
        between = "" if all(len(str(index)) == 1 for index in entry.indices) else ","
        return Form(self.symbol(f"{entry.base}_{between.join(map(str, entry.indices))}"))

    def _print_KroneckerDelta(self, delta):
        return Form(self.name("δ", "".join(map(str, sorted(delta.args, key=str)))))

    def _print_AppliedUndef(self, function):
        """h(i, theta_a, theta_b) as h_i, c(t) as c(t), E(x) as E[x]."""
        name = function.func.__name__
        if name == "E":
            return Form(self.row([self.name("E"), self.bracket(self.draw(function.args[0]), "[", "]")]))
        shown = [place for place in function.args if not str(place).startswith("theta")]
        if len(shown) < len(function.args):
            return Form(self.symbol("_".join([name, *map(str, shown)])))
        return self.applied(self.symbol(name), function.args)

    def applied(self, name: Any, arguments: Iterable[Any]) -> Form:
        """A function of its arguments."""
        drawn: list[Any] = []
        for argument in arguments:
            form = self._sum(argument.args[::-1]) if is_next(argument) else self._print(argument)
            drawn += [self.sign(", ")] * bool(drawn) + [form.content]
        return Form(self.row([name, self.bracket(self.row(drawn))]))

    def _print_Function(self, function):
        return self.applied(self.name(function.func.__name__), function.args)

    def _print_Max(self, function):
        return self.applied(self.name("max"), sorted(function.args, key=lambda place: place.is_number))

    def _print_Abs(self, function):
        return Form(self.bracket(self.draw(function.args[0]), "|", "|"))

    def _print_Trace(self, trace):
        return self.applied(self.name("tr"), trace.args)

    def _print_Transpose(self, matrix):
        inside = matrix.arg
        if isinstance(inside, sympy.MatrixSymbol):
            return Form(self.symbol(inside.name, "ᵀ"))
        return Form(self.power(self.within(self._print(inside), ATOM), self.sign("ᵀ")), POWER)

    def _print_Identity(self, _matrix):
        return Form(self.name("I"))

    def _print_ZeroMatrix(self, _matrix):
        return Form(self.sign("0"))

    def _print_MatrixBase(self, matrix):
        return Form(self.table([[self.draw(entry) for entry in row] for row in matrix.tolist()]))

    def _operator(self, derivative):
        """∂²/∂x∂y of a derivative, or the whole of it where what is differentiated is a letter."""
        curly = "∂" if is_partial(derivative) else "d"
        order = sum(count for _, count in derivative.variable_count)
        sign = self.sign(curly) if order == 1 else self.power(self.sign(curly), self.draw(order))
        below = []
        for variable, count in derivative.variable_count:
            drawn = self.draw(variable)
            below += [self.sign(curly), drawn if count == 1 else self.power(drawn, self.draw(count))]
        of = [self.draw(derivative.expr)] if is_letter(derivative.expr) else []
        return self.over(Form(self.row([sign, *of]), PRODUCT), Form(self.row(below), ATOM))

    def _print_Derivative(self, derivative):
        operator = self._operator(derivative)
        if is_letter(derivative.expr):
            return operator
        inside = self.draw(derivative.expr)
        if not isinstance(derivative.expr, sympy.Function | sympy.Pow):
            inside = self.bracket(inside)
        return Form(self.row([operator.content, self.sign(" "), inside]), PREFIX)

    def _print_Subs(self, taken):
        where: list[Any] = []
        for variable, point in zip(taken.variables, taken.point, strict=True):
            where += [self.sign(", ")] * bool(where) + [self.draw(variable), self.sign("="), self.draw(point)]
        inside = self._print(taken.expr)
        known = isinstance(taken.expr, sympy.Derivative)
        return Form(self.at(inside.content if known else self.within(inside, ATOM), self.row(where)), PREFIX)

    def _sums(self, total):
        drawn = []
        for index, low, high in reversed(total.limits):
            below = self.row([self.draw(index), self.sign("="), self.draw(low)])
            drawn += [self.large("Σ", below, self.draw(high)), self.sign(" ")]
        return drawn

    def _print_Sum(self, total):
        return Form(self.row([*self._sums(total), self.within(self._print(total.function), OVER)]), PREFIX)

    def _print_Integral(self, integral):
        ((variable, low, high),) = integral.limits
        inside = self.within(self._print(integral.function), OVER)
        sign = self.large("∫", self.draw(low), self.draw(high))
        return Form(self.row([sign, self.sign(" "), inside, self.sign(" d"), self.draw(variable)]), PREFIX)

    def _print_Limit(self, limit):
        inside, variable, place, _ = limit.args
        sign = self.large("lim", self.row([self.draw(variable), self.sign(" → "), self.draw(place)]))
        return Form(self.row([sign, self.sign(" "), self.within(self._print(inside), OVER)]), PREFIX)

    def _print_Piecewise(self, pieces):
        """What is 0 outside of where a condition holds, as a product with 1[condition]."""
        (value, condition), *rest = pieces.args
        if [tuple(piece) for piece in rest] != [(sympy.S.Zero, sympy.true)]:
            return self.emptyPrinter(pieces)
        indicator = Form(self.row([self.sign("1"), self.bracket(self.draw(condition), "[", "]")]))
        return self._product([indicator] if value == 1 else [self._print(value), indicator])

    def _print_Relational(self, relation):
        sign = {">=": "≥", "<=": "≤", "==": "=", "!=": "≠"}.get(relation.rel_op, relation.rel_op)
        return Form(self.row([self.draw(relation.lhs), self.sign(f" {sign} "), self.draw(relation.rhs)]), SUM)

    def emptyPrinter(self, expr):
        """What has no notation here, as SymPy writes it."""
        return Form(self.sign(sympy.sstr(expr)), SUM)
