"""HTML as strings that know that they are HTML, while all other text is escaped; what comes out is XML too."""

import html
from collections.abc import Iterable

__all__ = ["Markup", "anchor", "disclosure", "element", "joined", "link"]

VOID = {"br", "meta", "hr"}


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def element(tag: str, *content: str, **attributes: str | int | bool | None) -> Markup:
    """An element, its text escaped; ``class_`` is class, ``aria_label`` aria-label, and False or None leaves it out.

    >>> element("a", "p < q & r", href="#top", class_="far")
    '<a href="#top" class="far">p &lt; q &amp; r</a>'
    """
    given = {name: value for name, value in attributes.items() if value is not None and value is not False}
    written = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{"" if value is True else html.escape(str(value))}"'
        for name, value in given.items()
    )
    return Markup(f"<{tag}{written}/>" if tag in VOID else f"<{tag}{written}>{joined(content)}</{tag}>")


def joined(content: Iterable[str], between: str = "") -> Markup:
    """Markup as it is and text escaped, one after the other."""
    return Markup(between.join(one if isinstance(one, Markup) else html.escape(one, quote=False) for one in content))


def link(anchor: str, *content: str) -> Markup:
    """To a place on this page."""
    return element("a", *content, href=f"#{anchor}")


def disclosure(summary: str, *content: str, class_: str | None = None) -> Markup:
    """What is read on demand."""
    return element("details", element("summary", summary), *content, class_=class_)


def anchor(kind: str, name: str) -> str:
    """An id for this page: of what kind, and its name with all but letters and digits made hyphens.

    >>> anchor("formula", "Drift of log det K")
    'formula-drift-of-log-det-k'
    """
    letters = "".join(sign if sign.isalnum() else " " for sign in name.lower())
    return "-".join([kind, *letters.split()])
