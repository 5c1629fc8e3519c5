"""The derivations in full: each module's sections are its functions that take steps, each taken and asserted."""

import inspect
import re
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from itertools import accumulate
from types import ModuleType
from typing import Any

from .markup import Markup, anchor, element
from .mathematics import display
from .prose import cited, prose

__all__ = ["Derived", "Section", "derived", "section", "section_anchor", "sections"]


@dataclass(frozen=True)
class Section:
    """A section of a derivation, taken.

    Attributes
    ----------
    name, said : str
        The function, and what its docstring says.
    steps : tuple of Markup
    argued : int
        How many steps rest on an argument in words too.
    error : str
        The traceback of a step that does not hold; empty if all do.
    """

    name: str
    said: str
    steps: tuple[Markup, ...]
    argued: int
    error: str


@dataclass(frozen=True)
class Derived:
    """A derivation, taken section by section.

    Attributes
    ----------
    name, title, lead : str
        Its module, and the first line and the rest of that module's docstring.
    sections : tuple of Section
    """

    name: str
    title: str
    lead: str
    sections: tuple[Section, ...]

    @property
    def steps(self) -> int:
        """How many there are."""
        return sum(len(one.steps) for one in self.sections)


def section_anchor(name: str) -> str:
    """Where ``"local_ou.noise_floor"`` is on this page."""
    return anchor("derivation", name)


def derived(name: str) -> Derived:
    """Run a derivation, section by section."""
    module = import_module(f"ouanalysis.derivations.{name}")
    title, _, rest = (module.__doc__ or "").partition("\n")
    lead = re.sub(r"Run it as `[^`]*`\. ", "", " ".join(rest.split()))
    return Derived(name, title, lead, tuple(map(_taken, sections(module))))


def _taken(function):
    steps = import_module("ouanalysis.derivations.derivation").Derivation(function.__name__, "")
    error = ""
    try:
        function(steps)
    except Exception:
        error = traceback.format_exc()
    said, argued = " ".join((function.__doc__ or "").split()), sum(bool(step.argument) for step in steps.steps)
    return Section(function.__name__, said, tuple(map(_step, steps.steps)), argued, error)


def sections(module: ModuleType) -> Iterator[Callable[[Any], None]]:
    """Its functions that take steps and nothing else, in the order in which they are written and run."""
    for function in vars(module).values():
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if own and list(inspect.signature(function).parameters) == ["steps"]:
            yield function


def _step(step):
    sentence = import_module("ouanalysis.derivations.prose").prose_html
    argument = element("p", element("em", "By argument: "), Markup(sentence(step.argument))) if step.argument else ""
    return element("li", element("p", Markup(sentence(step.statement)), ":"), display(*step.lines()), argument)


def section(derivations: list[Derived]) -> Markup:
    """All of them, each closed until it is read or a link leads into it."""
    steps = sum(one.steps for one in derivations)
    lead = (
        f"From the model to each result in {steps} numbered steps. SymPy asserted each when this page was made; "
        "what no algebra decides, a limit or a sum over all data, is argued in words that say so."
    )
    return element(
        "section", element("h2", "Derivations", id="derivations"), element("p", lead), *map(_shown, derivations)
    )


def _shown(one):
    firsts = accumulate((len(part.steps) for part in one.sections), initial=1)
    return element(
        "details",
        element("summary", element("h3", prose(one.title)), element("span", f"{one.steps} steps")),
        element("p", cited(one.lead)),
        *(_section(one.name, part, first) for part, first in zip(one.sections, firsts, strict=False)),
        id=anchor("derivations", one.name),
        class_="derivation",
    )


def _section(module, part, first):
    return element(
        "section",
        element("h4", part.name.replace("_", " ").capitalize(), id=section_anchor(f"{module}.{part.name}")),
        element("p", prose(part.said)) if part.said else "",
        element("ol", *part.steps, start=first, class_="steps"),
        element("pre", part.error, class_="error") if part.error else "",
    )
