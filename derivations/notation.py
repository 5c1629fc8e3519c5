"""How a formula is written: the field's notation, once for a line of text, for a block of lines and for LaTeX.

What stands beside what is decided here, the same for all three: η and σ lead a product, 1 − ηk begins with its 1, a
fraction before a sum is a factor of it, what depends on θ is shown without it. How a fraction, a power or a bracket is
drawn is decided by the room that draws: `Line` and `Latex` below, `Block` in block.py.
"""

import re
from abc import abstractmethod
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import sympy
from sympy.core.function import AppliedUndef
from sympy.matrices.expressions.matexpr import MatrixExpr
from sympy.printing.printer import Printer

from .prose import OPERATORS, SIGNS, in_math

__all__ = ["Form", "Latex", "Line", "Notation", "raised_text", "touching"]

# How tightly a form holds together: what is looser than its place allows is put in brackets.
SUM, OVER, PREFIX, PRODUCT, POWER, ATOM = range(6)

FIRST = {"eta": 0, "sigma": 1, "B": 4}  # of the letters in a product, else Greek before Latin
SMALL = ("eta", "tau", "epsilon")  # a sum goes by ascending powers of these
LOOSE = (sympy.Sum, sympy.Integral, sympy.Derivative, sympy.Subs, sympy.Limit, MatrixExpr, sympy.MatrixBase)
NAMES = {code[1:]: sign for sign, code in SIGNS.items() if sign.isalpha() and code[0] == "\\"} | {"oo": "∞"}
RAISED = {"T": "ᵀ", "+": "⁺", "": ""}
POWERS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SIMPLE = re.compile(r"[α-ωΑ-ΩA-Za-z][⁰¹²³⁴-⁹⁻⁺ᵀ′]*")


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
            for term in self.ordered(expression):
                negative, term = _without_sign(term)
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
        number, factors = _split(expression) if isinstance(expression, sympy.Mul) else (1, [])
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

    def ordered(self, total: Any) -> list[Any]:
        """The terms as they are written: by powers of what is small, ascending where there is a number, not − first."""
        terms = list(total.args) if isinstance(total, sympy.MatAdd) else total.as_ordered_terms()
        if len(total.free_symbols) == 1 and any(term.is_Number for term in terms):
            terms.reverse()
        terms.sort(key=lambda term: (_smallness(term), not term.is_Number))
        first = next((place for place, term in enumerate(terms) if not _without_sign(term)[0]), 0)
        return [terms[first], *terms[:first], *terms[first + 1 :]]

    def _print_Add(self, expression):
        return self._sum(self.ordered(expression))

    _print_MatAdd = _print_Add

    def _sum(self, terms):
        parts: list[Any] = []
        of_matrices = any(term.is_commutative is False for term in terms)
        for term in terms:
            negative, term = _without_sign(term)
            sign = (" − " if negative else " + ") if parts else "−" if negative else ""
            form = self._print(term)
            if of_matrices and term.is_commutative:  # a number among matrices
                form = (
                    Form(self.name("I")) if term == 1 else self._product([self._as_factor(term), Form(self.name("I"))])
                )
            parts += [self.sign(sign), self.within(form, OVER)] if sign else [self.within(form, OVER)]
        return Form(self.row(parts), SUM)

    def _print_Mul(self, expression):
        number, factors = _split(expression)
        if number < 0:
            return Form(self.row([self.sign("−"), self.within(self._print(_without_sign(expression)[1]), OVER)]), SUM)
        roots = [factor for factor in factors if _is_root(factor)]
        if len(roots) > 1:  # under one sign
            factors = [factor for factor in factors if factor not in roots]
        loose = [factor for factor in factors if factor.is_commutative is False or isinstance(factor, LOOSE)]
        scalar = [factor for factor in factors if factor not in loose]
        below = [1 / factor for factor in scalar if _is_below(factor)]
        above = [factor for factor in scalar if not _is_below(factor)]
        if below or number.q > 1:  # no fraction on top of a fraction
            tall = [factor for factor in above if not factor.is_Symbol and _has_fraction(factor)]
            above, loose = [factor for factor in above if factor not in tall], [*tall, *loose]
        under = [Form(self.root(self._print(sympy.Mul(*roots) ** 2)))] if len(roots) > 1 else []
        top = self._product([self._as_factor(sympy.Integer(number.p)), *map(self._factor, above), *under])
        bottom = self._product([self._as_factor(sympy.Integer(number.q)), *map(self._factor, below)])
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
        negative, expression = _without_sign(expression)
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
        if expression.is_commutative and _is_below(expression):
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
            form = self._sum(argument.args[::-1]) if _is_next(argument) else self._print(argument)
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
        curly = "∂" if _is_partial(derivative) else "d"
        order = sum(count for _, count in derivative.variable_count)
        sign = self.sign(curly) if order == 1 else self.power(self.sign(curly), self.draw(order))
        below = []
        for variable, count in derivative.variable_count:
            drawn = self.draw(variable)
            below += [self.sign(curly), drawn if count == 1 else self.power(drawn, self.draw(count))]
        of = [self.draw(derivative.expr)] if _is_letter(derivative.expr) else []
        return self.over(Form(self.row([sign, *of]), PRODUCT), Form(self.row(below), ATOM))

    def _print_Derivative(self, derivative):
        operator = self._operator(derivative)
        if _is_letter(derivative.expr):
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


class Line(Notation):
    """On one line of text."""

    def sign(self, text):
        return text

    def name(self, base, index="", raised=""):
        return f"{base}_{index if len(index) < 5 else f'{{{index}}}'}{raised}" if index else f"{base}{raised}"

    def row(self, parts):
        return "".join(parts)

    def bracket(self, inside, left="(", right=")"):
        return f"{left}{inside}{right}"

    def over(self, above, below):
        short = {("1", "2"): "½", ("1", "4"): "¼"}.get((above.content, below.content))
        if short:
            return Form(short)
        return Form(f"{self.within(above, PRODUCT)}/{self.within(below, POWER)}", OVER)

    def power(self, base, exponent):
        short = raised_text(exponent) or ("^" + exponent if len(exponent) == 1 else f"^{{{exponent}}}")
        return base + short

    def large(self, sign, below, above=None):
        return f"{sign}_{{{below.replace(' = ', '=')}}}" + (f"^{above}" if above else "")

    def root(self, inside):
        return f"√{inside.content}" if len(inside.content) == 1 else f"√({inside.content})"

    def at(self, inside, where):
        return f"{inside}│{where.replace(' ', '')}"

    def table(self, rows):
        return f"[{'; '.join(', '.join(row) for row in rows)}]"

    def touches(self, left, right):
        return touching(left, right)


class Latex(Notation):
    """For LaTeX and, by way of it, for MathML."""

    def sign(self, text):
        return in_math(text)

    def name(self, base, index="", raised=""):
        letter = in_math(base) if len(base) == 1 or base in OPERATORS else rf"\mathrm{{{base}}}"
        return letter + (in_math(f"_{{{index}}}") if index else "") + in_math(raised)

    def row(self, parts):
        return "".join(parts)

    def bracket(self, inside, left="(", right=")"):
        return rf"\left{left} {inside} \right{right}"

    def over(self, above, below):
        return Form(rf"\frac{{{above.content}}}{{{below.content}}}", PRODUCT)

    def power(self, base, exponent):
        if exponent.startswith("^"):
            return f"{{{base}}}{exponent}"
        return f"{{{base}}}^{{{exponent}}}"

    def exponent(self, expression):
        if isinstance(expression, sympy.Rational) and expression.q > 1:
            return f"{expression.p}/{expression.q}"
        return self.draw(expression)

    def large(self, sign, below, above=None):
        command = {"Σ": r"\sum", "∫": r"\int", "lim": r"\lim"}[sign]
        return f"{command}_{{{below}}}" + (f"^{{{above}}}" if above else "")

    def root(self, inside):
        return rf"\sqrt{{{inside.content}}}"

    def at(self, inside, where):
        return rf"\left. {inside} \right|_{{{where}}}"

    def table(self, rows):
        body = r" \\ ".join(" & ".join(row) for row in rows)
        return rf"\begin{{bmatrix}} {body} \end{{bmatrix}}"

    def touches(self, left, right):  # noqa: ARG002, LaTeX spaces by itself
        return False


def touching(left: str, right: str) -> bool:
    """Whether two factors can do without a space: letters and numbers, and what is in brackets."""
    if right[0] in "(√":
        return left.isdigit() or left[0] in "(√½¼" or bool(SIMPLE.fullmatch(left))
    if left.isdigit():
        return True
    closed = left in "½¼" or SIMPLE.fullmatch(left) or (left[0] in "(√" and left[-1] == ")" and "/" not in left)
    return bool(closed and SIMPLE.fullmatch(right))


def raised_text(exponent: str) -> str:
    """An exponent of raised digits, or "" where there are no such signs."""
    if exponent in RAISED.values():
        return exponent
    return exponent.translate(POWERS) if all(sign in "0123456789−" for sign in exponent) else ""


def _split(term):
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


def _is_root(factor):
    return isinstance(factor, sympy.Pow) and factor.args[0].is_Symbol and abs(factor.args[1]) == sympy.Rational(1, 2)


def _is_below(factor):
    """Whether a factor is written under the bar."""
    return isinstance(factor, sympy.Pow) and factor.args[1].could_extract_minus_sign()


def _without_sign(term):
    """(whether it begins with a −, what follows)."""
    if isinstance(term, sympy.MatMul):
        coefficient, matrices = term.as_coeff_matrices()
        if _split(coefficient)[0] >= 0:
            return False, term
        kept = [] if coefficient == -1 else [-coefficient]
        return True, sympy.MatMul(*kept, *matrices, evaluate=False) if len([*kept, *matrices]) > 1 else matrices[0]
    number, factors = _split(term)
    if number >= 0 or not (term.is_Number or isinstance(term, sympy.Mul)):
        return False, term
    return True, sympy.Mul(*([] if number == -1 and factors else [-number]), *factors, evaluate=False)


def _smallness(term):
    coefficient = term.as_coeff_matrices()[0] if isinstance(term, sympy.MatMul) else term
    powers = [factor.as_base_exp() for factor in sympy.Mul.make_args(coefficient)]
    return sum(power for base, power in powers if getattr(base, "name", "") in SMALL and power.is_Number and power > 0)


def _is_letter(expression):
    if isinstance(expression, AppliedUndef):
        return all(place.is_Symbol for place in expression.args)
    return isinstance(expression, sympy.Symbol | sympy.Indexed)


def _has_fraction(expression):
    parts = (
        part for part in sympy.preorder_traversal(expression) if isinstance(part, sympy.Mul | sympy.Add | sympy.Pow)
    )
    return any(
        _is_below(part)
        or (any(isinstance(side, sympy.Rational) and side.q > 1 for side in part.args) and not part.is_Pow)
        for part in parts
    )


def _is_next(argument):
    """Whether it is t + 1 for a letter t."""
    return argument.is_Add and argument.args[0] == 1 and len(argument.args) == 2 and argument.args[1].is_Symbol


def _is_partial(derivative):
    return len(derivative.expr.free_symbols) > 1 or any(
        str(place).startswith("theta") for place in derivative.variables
    )
