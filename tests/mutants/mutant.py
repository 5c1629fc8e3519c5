"""A mutant: one line of the package told wrong, and the formula whose tests must find it."""

import re
from dataclasses import dataclass

from documentation import DOCS, ROOT

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

    def applied(self, source: str) -> str:
        """The mutated source."""
        if source.count(self.old) != 1:
            raise ValueError(f"{self.path}: expected {self.old!r} once, got it {source.count(self.old)} times")
        return source.replace(self.old, self.new)

    def __str__(self) -> str:
        return f"{self.formula}: {self.path}: {self.old.strip()} → {self.new.strip()}"


def mapped_tests() -> dict[str, list[str]]:
    """{heading: the tests that docs/formulas.md names below it}, as pytest takes them."""
    page = (DOCS / "formulas.md").read_text(encoding="utf-8")
    _, *sections = re.split(r"^### ", page, flags=re.MULTILINE)
    found = {}
    for section in sections:
        title, _, rest = section.partition("\n")
        row = next(line for line in rest.splitlines() if line.startswith("| tested |"))
        found[title] = [name for name in re.findall(r"`(tests/[^`]+)`", row)]
    return found


def source_of(path: str) -> str:
    """The file as it is."""
    return (ROOT / path).read_text(encoding="utf-8")
