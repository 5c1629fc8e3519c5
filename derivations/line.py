"""How a formula is drawn on one line of text."""

import re

from .notation import OVER, POWER, PRODUCT, RAISED, Form, Notation

__all__ = ["Line", "raised_text", "touching"]

POWERS = str.maketrans("0123456789−", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
SIMPLE = re.compile(r"[α-ωΑ-ΩA-Za-z][⁰¹²³⁴-⁹⁻⁺ᵀ′]*")


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
