"""A mutant: one line of the package told wrong, and the formula whose tests must find it."""

import re
from dataclasses import dataclass
from pathlib import Path

from documentation import DOCS

__all__ = ["Mutant", "mapped_tests"]


@dataclass(frozen=True)
class Mutant:
    """What is changed, and who must see it.

    Attributes
    ----------
    formula : str
        Its heading in docs/formulas.md, under which the tests are that run.
    path : str
        Of the file, below the checkout.
    old, new : str
        The text, which occurs there once, and the wrong one in its place.
    """

    formula: str
    path: str
    old: str
    new: str

    def source(self, root: Path) -> str:
        """The file of a checkout, mutated."""
        source = (root / self.path).read_text(encoding="utf-8")
        if source.count(self.old) != 1:
            raise ValueError(f"{self.path}: expected {self.old!r} once, got it {source.count(self.old)} times")
        return source.replace(self.old, self.new)

    def __str__(self) -> str:
        old, new = (" ".join(text.split()) for text in (self.old, self.new))
        return f"{self.formula}: {self.path}: {old} → {new}"


def mapped_tests() -> dict[str, list[str]]:
    """{heading: the tests that docs/formulas.md names below it}, as pytest takes them."""
    page = (DOCS / "formulas.md").read_text(encoding="utf-8")
    found = {}
    for section in re.split(r"^### ", page, flags=re.MULTILINE)[1:]:
        title, _, rest = section.partition("\n")
        (row,) = re.findall(r"^\| tested \| (.*) \|$", rest, flags=re.MULTILINE)
        found[title] = re.findall(r"\[`([^`]+::[^`]+)`\]", row)
    return found
