"""The formulas of docs/formulas.md, each with one link to its derivation, its figure, its claims and its tests.

An installed package has neither docs/ nor tests/, and its page says so.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .derivations import section_anchor
from .markup import Markup, anchor, element, joined, link
from .prose import prose, words
from .repository import ROOT, text
from .sources import source_anchor

__all__ = ["Formula", "read", "section"]

LINK = re.compile(r"\[([^\]]+)\]\(([^)\s]+)\)")


@dataclass(frozen=True)
class Formula:
    """An entry of docs/formulas.md.

    Attributes
    ----------
    title, text : str
        Its heading and the formula, as plain text.
    derived, experiments, computed, tests : tuple of str
        ``"local_ou.noise_floor"``, ``"noise_floor"``, ``"ou.regularizer"`` and ``"tests/x/test_y.py::test_z"``.
    argued : str
        Where the argument in words is, if there is one.
    """

    title: str
    text: str
    derived: tuple[str, ...]
    experiments: tuple[str, ...]
    computed: tuple[str, ...]
    tests: tuple[str, ...]
    argued: str


def read(root: Path = ROOT) -> list[Formula]:
    """All of them, in order; none where there is no docs/formulas.md."""
    return [_formula(part) for part in re.split(r"^### ", text("docs/formulas.md", root), flags=re.MULTILINE)[1:]]


def _formula(part):
    title, _, rest = part.partition("\n")
    roles = dict(re.findall(r"^\| (\w+) \| (.*) \|$", rest, flags=re.MULTILINE))
    names = {role: tuple(name.strip("`") for name, _ in LINK.findall(row)) for role, row in roles.items()}
    derived = names.get("derived", ())
    return Formula(
        title=title,
        text="\n".join(line.strip() for line in re.findall(r"^    (.+)$", rest, flags=re.MULTILINE)),
        derived=tuple(_section(name) for name in derived if name.startswith("derivations/")),
        experiments=tuple(
            name.removeprefix("ouanalysis.experiments.").partition(":")[0]
            for name in names.get("simulated", ())
            if name.startswith("ouanalysis.experiments.")
        ),
        computed=names.get("computed", ()),
        tests=names.get("tested", ()),
        argued=next((name for name in derived if name.startswith("theory")), ""),
    )


def _section(name):
    module, _, function = name.removeprefix("derivations/").partition(".py::")
    return f"{module}.{function}"


def section(formulas: Iterable[Formula], ledger: Mapping[str, Any], figures: Iterable[str]) -> Markup:
    """Every formula and one step from it to all that is here of it."""
    formulas, drawn = list(formulas), set(figures)
    heading = element("h2", "Formulas", id="formulas")
    if not formulas:
        said = "This page was made by an installed package, without the source's docs and tests, so the list that maps "
        return element("section", heading, element("p", said, "formulas to their tests is left out."))
    claims: dict[str, list[Mapping[str, Any]]] = {one.title: [] for one in formulas}
    for row in ledger["claims"]:
        for title in row["formulas"]:
            claims[title].append(row)
    lead = "From each formula one step to its claim, its figure, its derivation and the source of its tests."
    return element("section", heading, element("p", lead), *(_entry(one, claims[one.title], drawn) for one in formulas))


def _entry(one, rows, drawn):
    derived = [link(section_anchor(name), words(name)) for name in one.derived]
    if one.argued:
        derived.append(Markup(element("span", f"in words: docs/theory.md ({one.argued})")))
    lines = {
        "claimed": [link(anchor("claim", row["id"]), prose(row["statement"])) for row in rows],
        "drawn": [link(anchor("figure", name), words(name)) for name in one.experiments if name in drawn],
        "derived": derived,
        "computed": [element("code", name) for name in one.computed],
        "tested": [link(source_anchor(name), words(name.partition("::test_")[2])) for name in one.tests],
    }
    listed = [element("dt", role) + element("dd", _listed(entries)) for role, entries in lines.items() if entries]
    return element(
        "article",
        element("h3", one.title, id=anchor("formula", one.title)),
        element("pre", one.text),
        element("dl", *map(Markup, listed)),
        class_="entry",
    )


def _listed(entries):
    return element("ul", *(element("li", one) for one in entries)) if len(entries) > 1 else joined(entries)
