"""How a formula is drawn for LaTeX's math mode."""

import sympy

from .notation import PRODUCT, Form, Notation
from .prose import OPERATORS, in_math

__all__ = ["Latex"]


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
        # Said for latex2mathml, which in brackets would write the bounds beside the sign.
        command = {"Σ": r"\sum\limits", "∫": r"\int", "lim": r"\lim\limits"}[sign]
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
