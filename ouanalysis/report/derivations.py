"""The derivations in full: each module's sections are its functions that take steps, each taken and asserted."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any

from .markup import Markup, anchor, element, joined
from .mathematics import display
from .prose import cited, prose

__all__ = ["Derived", "derived", "section", "section_anchor", "sections"]


@dataclass(frozen=True)
class Derived:
    """A derivation as the page shows it.

    Attributes
    ----------
    name, title, lead : str
        Its module, and the first line and the rest of that module's docstring.
    steps : int
    body : Markup
    """

    name: str
    title: str
    lead: str
    steps: int
    body: Markup


def section_anchor(name: str) -> str:
    """Where ``"local_ou.noise_floor"`` is on this page."""
    return anchor("derivation", name)


def derived(name: str) -> Derived:
    """Run a derivation, section by section; an AssertionError if a step of it does not hold."""
    module = import_module(f"ouanalysis.derivations.{name}")
    title, _, rest = (module.__doc__ or "").partition("\n")
    lead = re.sub(r"Run it as `[^`]*`\. ", "", " ".join(rest.split()))
    steps, parts = 0, []
    for function in sections(module):
        taken = import_module("ouanalysis.derivations.derivation").Derivation(function.__name__, "")
        function(taken)
        parts.append(_section(name, function, taken.steps, steps + 1))
        steps += len(taken.steps)
    return Derived(name, title, lead, steps, joined(parts))


def sections(module: ModuleType) -> Iterator[Callable[[Any], None]]:
    """Its functions that take steps and nothing else, in the order in which they are written and run."""
    for function in vars(module).values():
        own = inspect.isfunction(function) and function.__module__ == module.__name__
        if own and list(inspect.signature(function).parameters) == ["steps"]:
            yield function


def _section(module, function, steps, first):
    name = function.__name__
    said = element("p", prose(" ".join(function.__doc__.split()))) if function.__doc__ else ""
    return element(
        "section",
        element("h4", name.replace("_", " ").capitalize(), id=section_anchor(f"{module}.{name}")),
        said,
        element("ol", *map(_step, steps), start=first, class_="steps"),
    )


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
    return element(
        "details",
        element("summary", element("h3", prose(one.title)), element("span", f"{one.steps} steps")),
        element("p", cited(one.lead)),
        one.body,
        id=anchor("derivations", one.name),
        class_="derivation",
    )
