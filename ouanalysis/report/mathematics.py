"""From LaTeX to MathML, which browsers show without help, and to the words of one who reads it aloud."""

import html
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import convert_to_element

from .markup import Markup, element

__all__ = ["display", "inline", "spoken"]

# MathML Core knows no bold but that of Unicode's own letters.
BOLD = {ord("0") + digit: chr(0x1D7CE + digit) for digit in range(10)}
BETWEEN = {"msup": "^", "msub": "_", "mfrac": "/", "munder": "_", "mover": "^"}
BEFORE = {"msqrt": "√"}


def inline(latex: str) -> Markup:
    """A formula in a line of text."""
    return _written(latex, "inline")


def display(*lines: str) -> Markup:
    """A formula on a line of its own, or on several; one that is too wide scrolls in its own box."""
    return element("div", *(_written(line, "block") for line in lines), class_="formula")


def spoken(latex: str) -> str:
    r"""A formula as a line of Unicode, for those who hear it.

    >>> spoken(r"\eta^2 \sigma / B_{max} = 0.02")
    'η^2σ/B_max=0.02'
    """
    return _said(_converted(latex))


def _said(part):
    inside = [_said(child) for child in part]
    return BEFORE.get(part.tag, "") + (part.text or "") + BETWEEN.get(part.tag, "").join(inside)


def _written(latex, style):
    tree = _converted(latex)
    tree.set("display", style)
    return Markup(tostring(tree, encoding="unicode"))


def _converted(latex: str) -> Element:
    tree = convert_to_element(latex)
    for part in tree.iter():
        part.text = html.unescape(part.text or "")
        if "\\" in part.text:
            raise ValueError(f"latex: expected what latex2mathml knows, got {part.text} in {latex}")
        if part.attrib.pop("mathvariant", None) == "bold":
            part.text = part.text.translate(BOLD)
    return tree
