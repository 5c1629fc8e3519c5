"""The figures as the page shows them, with the README's sentence for each and the claims that it belongs to."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..figures import LONG, summary
from .markup import Markup, anchor, element, joined, link
from .pictures import Picture
from .prose import prose
from .repository import ROOT, text

__all__ = ["captions", "section"]


def captions(root: Path = ROOT) -> Mapping[str, str]:
    """{figure: what the README says of it}; nothing where there is no README."""
    rows = r"^\| !\[\]\(figures/(\w+)\.png\) \| (.+) \|$"
    return dict(re.findall(rows, text("README.md", root), flags=re.MULTILINE))


def section(pictures: list[Picture], missing: Mapping[str, str], ledger: Mapping[str, Any]) -> Markup:
    """Each picture, and the traceback of each that could not be drawn."""
    said = captions()
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in ledger["claims"]:
        for name in row["experiments"]:
            rows.setdefault(name, []).append(row)
    lead = "Each shows the result of one experiment, the one that the claims under it were judged by."
    if ledger["size"] == "quick":
        lead += " The sentence under each says what the full size shows."
    left_out = element("code", f"python -m ouanalysis.figures {' '.join(LONG)}")
    return element(
        "section",
        element("h2", "Figures", id="figures"),
        element("p", lead),
        *(_shown(one, said.get(one.name, ""), rows.get(one.name, [])) for one in pictures),
        *(
            joined((element("h3", _title(name)), element("pre", error, class_="error")))
            for name, error in missing.items()
        ),
        element("p", "Left out, for it takes minutes: ", left_out),
    )


def _shown(one, caption, rows):
    claims = [element("li", link(anchor("claim", row["id"]), prose(row["statement"]))) for row in rows]
    return element(
        "figure",
        element("h3", prose(_title(one.name))),
        element("div", one.svg, class_="card", tabindex=0, role="group", aria_label=one.name.replace("_", " ")),
        element("figcaption", element("p", prose(caption)), element("ul", *claims) if claims else ""),
        id=anchor("figure", one.name),
    )


def _title(name):
    return summary(name).removesuffix(".")
