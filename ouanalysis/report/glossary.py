"""What the letters mean: the glossary of docs/theory.md, which an installed package does not have."""

import re
from pathlib import Path

from .markup import Markup, element, joined
from .prose import prose
from .repository import ROOT, text

__all__ = ["read", "section"]


def read(root: Path = ROOT) -> list[tuple[str, str]]:
    """(sign, what it is) of each row; none where there is no docs/theory.md."""
    _, _, rest = text("docs/theory.md", root).partition("### Glossary")
    rows = re.findall(r"^\| (.+?) \| .*? ?\| (.+) \|$", rest.partition("\n###")[0], flags=re.MULTILINE)
    return [(sign, said.replace("**", "")) for sign, said in rows[1:]]


def section(glossary: list[tuple[str, str]]) -> Markup:
    """Sign by sign; nothing if there is none."""
    if not glossary:
        return Markup("")
    listed = (joined((element("dt", prose(sign)), element("dd", prose(said)))) for sign, said in glossary)
    lead = "Those of docs/theory.md, whose sections are the ones that are cited here."
    return element(
        "section", element("h2", "Letters", id="letters"), element("p", lead), element("dl", *listed, class_="letters")
    )
