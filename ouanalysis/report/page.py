"""The page: its parts in order, one stylesheet, and nothing that is fetched."""

from collections.abc import Mapping
from importlib.resources import files

from ..claims.summary import summary
from . import abstract, derivations, figures, formulas, glossary, interactive, ledger, machine, sources
from .contents import Contents
from .markup import Markup, element, link
from .prose import prose
from .repository import ROOT

__all__ = ["page"]

TITLE = "Label-noise SGD: what is claimed and what was found"
INTRODUCTION = (
    "SGD with fresh noise on its labels does not stop when it fits the data: it goes on along the zero-error set, "
    "on average downhill on an implicit regularizer, the mean over the data of ‖∇h(x_i)‖². This page checks what "
    "is claimed of that. Each claim was judged by the run that wrote the page: by derivations that SymPy asserts "
    "step by step, by certificates, and by simulations beside their predictions or within bounds set beforehand."
)
PLACES = {
    "abstract": "Abstract",
    "letters": "Letters",
    "ledger": "Ledger",
    "figures": "Figures",
    "laboratory": "Feel it",
    "derivations": "Derivations",
    "formulas": "Formulas",
    "tests": "Tests",
    "machine": "What made this",
}


def page(found: Contents, facts: Mapping[str, str]) -> str:
    """The whole file; but for the interactive part it is HTML and XML at once."""
    known, letters = formulas.read(), glossary.read()
    drawn = [one.name for one in found.pictures]
    parts = [
        abstract.section(found.ledger),
        glossary.section(letters),
        ledger.section(found.ledger, found.groups, known, drawn),
        figures.section(found.pictures, found.missing, found.ledger),
        Markup(interactive.section()),
        derivations.section(found.derivations),
        formulas.section(known, found.ledger, drawn),
        sources.section([test for one in known for test in one.tests], ROOT),
        machine.section(facts),
    ]
    body = element(
        "body",
        link("content", "Skip to the content"),
        element("header", element("h1", TITLE), *_lead(found)),
        _navigation([place for place in PLACES if {"tests": known, "letters": letters}.get(place, True)]),
        element("main", *parts, id="content", tabindex=-1),
    )
    return f"<!DOCTYPE html>\n{element('html', _head(), body, lang='en', xmlns='http://www.w3.org/1999/xhtml')}\n"


def _head():
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("title", TITLE),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("style", Markup(style)),
    )


def _lead(found):
    yield element("p", prose(INTRODUCTION))
    if found.ledger["size"] == "quick":
        warning = "Made with small experiments (--quick): a check that all runs. What they cannot judge is said below."
        yield element("p", element("strong", warning), class_="quick")
    yield element("p", summary(found.ledger), class_="summary")


def _navigation(places):
    entries = (element("li", link(place, PLACES[place])) for place in places)
    return element("nav", element("ul", *entries), aria_label="parts of this page")
