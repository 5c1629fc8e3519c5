"""A figure as a part of the page: SVG whose ids are its own, named by what it says in words."""

import io
import re
from dataclasses import dataclass
from typing import Any

from ..figures import drawn, save, summary
from .described import described
from .markup import Markup, element

__all__ = ["Picture", "picture"]


@dataclass(frozen=True)
class Picture:
    """A figure of the page.

    Attributes
    ----------
    name, alt : str
        Its module, and what it shows in words.
    svg : Markup
    """

    name: str
    alt: str
    svg: Markup


def picture(name: str, result: Any) -> Picture:
    """Draw the result of an experiment."""
    figure = drawn(name, result)
    alt = f"{summary(name)} {described(figure)}"
    with io.BytesIO() as file:
        save(figure, file, "svg")
        return Picture(name, alt, _part_of_a_page(file.getvalue().decode(), name, alt))


def _part_of_a_page(text, name, alt):
    """The <svg> alone, without what it says of the size, and of the style, of all that is around it."""
    text = text[text.index("<svg") :]
    text = re.sub(r"<(metadata|style)\b.*?</\1>", "", text, flags=re.DOTALL)
    text = re.sub(r'(\bid="|url\(#|href="#)', rf"\g<1>{name}-", text).replace("xlink:href", "href")
    head, _, rest = text.partition(">")
    (box,) = re.findall(r'viewBox="([^"]+)"', head)
    (namespace,) = re.findall(r'xmlns="([^"]+)"', head)
    opened = element("svg", xmlns=namespace, viewBox=box, role="img", aria_label=alt).removesuffix("></svg>")
    return Markup(f"{opened}>{rest}")
