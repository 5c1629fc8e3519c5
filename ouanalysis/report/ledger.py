"""The ledger as the page shows it: each claim, what was found, where it fails, and where the rest of it is."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .derivations import section_anchor
from .formulas import Formula
from .markup import Markup, anchor, disclosure, element, joined, link
from .mathematics import display
from .prose import cited, prose, words
from .sources import source_anchor

__all__ = ["section"]

ROADS = {
    "symbolic": "each step of a derivation asserted by SymPy",
    "certified": "a number known to rounding, not simulated: the gap between bounds of an optimum, a residual",
    "bounded": "a number within a bound set beforehand: how far a simulation ends from where it should",
    "measured": "a simulation within the threshold, in standard errors, of its prediction",
}


def section(
    ledger: Mapping[str, Any], groups: Mapping[str, Sequence[str]], formulas: Iterable[Formula], figures: Iterable[str]
) -> Markup:
    """The rows in groups: {what a group is about: its ids}."""
    rows = {row["id"]: row for row in ledger["claims"]}
    by_title, drawn = {one.title: one for one in formulas}, set(figures)
    return element(
        "section",
        element("h2", "The ledger", id="ledger"),
        element("p", "A claim holds by one road or by several:"),
        element("dl", *(_road(road, meaning) for road, meaning in ROADS.items())),
        element(
            "p",
            f"The threshold of the measured ones is {ledger['threshold']:.2f} standard errors, set before they were "
            f"run: if all claims are true, one of all their values is past it with probability {ledger['chance']:g}. ",
            "A contrast is a case outside the conditions of a claim, or before the noise, in which it must fail.",
        ),
        *(_group(title, [rows[name] for name in ids], by_title, drawn) for title, ids in groups.items()),
    )


def _road(road, meaning):
    return joined((element("dt", element("span", road, class_=f"chip {road}")), element("dd", meaning)))


def _group(title, rows, formulas, drawn):
    return element("section", element("h3", title), *(_row(row, formulas, drawn) for row in rows))


def _row(row, formulas, drawn):
    verdict, partly, _ = row["verdict"].partition(" (in part)")
    verdicts = verdict.split(", ") + ["in part"] * bool(partly)
    chips = [element("span", one, class_=f"chip {one.replace(' ', '-')}") for one in verdicts]
    inside = [one for one in row["findings"] if not one["contrast"]]
    outside = [one for one in row["findings"] if one["contrast"]]
    return element(
        "article",
        element("h4", prose(row["statement"])),
        element("p", *chips, class_="chips"),
        display(row["latex"]),
        _findings("What was found", inside),
        element("p", element("strong", "Conditions: "), prose(row["conditions"]), ".") if row["conditions"] else "",
        _findings("Where it must not hold: outside its conditions, or before the noise", outside),
        _unchecked(row["unchecked"]),
        element("pre", row["error"], class_="error") if row["error"] else "",
        _links(row, formulas, drawn),
        disclosure("source, parameters and time", _facts(row)),
        id=anchor("claim", row["id"]),
        class_="claim failed" if row["failed"] else "claim",
    )


def _findings(caption, findings):
    if not findings:
        return ""
    head = element("thead", element("tr", *(element("th", name, scope="col") for name in ("road", "what", "result"))))
    body = element("tbody", *map(_finding, findings))
    table = element("table", element("caption", caption), head, body)
    return element("div", table, class_="table")


def _finding(one):
    section = one.get("derivation")
    what = link(section_anchor(section), words(section)) if section else prose(one["what"])
    held = one["text"] if one["holds"] else joined((element("strong", "failed ", class_="failed"), one["text"]))
    return element(
        "tr",
        element("td", one["road"], class_="road"),
        element("th", what, scope="row"),
        element("td", held),
        class_=None if one["holds"] else "failed",
    )


def _unchecked(names):
    if not names:
        return ""
    listed = element("ul", *(element("li", prose(name)) for name in names))
    return joined((element("p", "Not checked at this size; the full one does:"), listed))


def _links(row, formulas, drawn):
    known = [formulas[title] for title in row["formulas"] if title in formulas]
    tests = dict.fromkeys(test for one in known for test in one.tests)
    steps = dict.fromkeys(one["derivation"] for one in row["findings"] if one["road"] == "symbolic")
    steps |= dict.fromkeys(name for one in known for name in one.derived)
    lists = {
        "figure": [link(anchor("figure", name), words(name)) for name in row["experiments"] if name in drawn],
        "derivation": [link(section_anchor(name), words(name)) for name in steps],
        "formula": [link(anchor("formula", one.title), one.title) for one in known],
        "tests": [link(source_anchor(name), words(name.partition("::test_")[2])) for name in tests],
    }
    shown = [
        joined((element("dt", kind), element("dd", joined(links, "; ")))) for kind, links in lists.items() if links
    ]
    return element("dl", *shown, class_="links") if shown else ""


def _facts(row):
    facts = {
        "source": cited(row["source"]),
        "id": element("code", row["id"]),
        "experiments": ", ".join(row["experiments"]) or "none",
        "time": f"{row['seconds']:g} s, without what rows above it had run",
        **{name: element("code", str(value)) for name, value in row["parameters"].items()},
    }
    return element("dl", *(joined((element("dt", name), element("dd", value))) for name, value in facts.items()))
