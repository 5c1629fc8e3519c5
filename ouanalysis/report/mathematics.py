"""From LaTeX to MathML, which browsers show without help, and to the words of one who reads it aloud."""

import re
from importlib import import_module
from xml.etree.ElementTree import fromstring

from .markup import Markup, element

__all__ = ["display", "spoken"]

# MathML Core knows no bold but that of Unicode's own letters.
BOLD = re.compile(r'<mn mathvariant="bold">(\d)</mn>')
BETWEEN = {"msup": "^", "msub": "_", "mfrac": "/", "munder": "_", "mover": "^"}
BEFORE = {"msqrt": "√"}


def display(*lines: str) -> Markup:
    """A formula on a line of its own, or on several; one that is too wide scrolls in its own box."""
    return element("div", *(_written(line, "block") for line in lines), class_="formula")


def spoken(latex: str) -> str:
    r"""A formula as a line of Unicode, for those who hear it.

    >>> spoken(r"\eta^2 \sigma / B_{max} = 0.02")
    'η^2σ/B_max=0.02'
    """
    return _said(fromstring(_written(latex, "inline")))


def _said(part):
    inside = [_said(child) for child in part]
    kind = part.tag.rpartition("}")[2]
    return BEFORE.get(kind, "") + (part.text or "") + BETWEEN.get(kind, "").join(inside)


def _written(latex, style):
    written = import_module("ouanalysis.derivations.prose").mathml(latex, display=style)
    if "\\" in written:
        raise ValueError(f"latex: expected what latex2mathml knows, got {latex}")
    return Markup(BOLD.sub(lambda digit: f"<mn>{chr(0x1D7CE + int(digit[1]))}</mn>", written))
