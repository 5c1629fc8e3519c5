"""The sections of a derivation: the public functions of its module that append steps to a Derivation."""

import inspect
from collections.abc import Callable
from types import ModuleType

import pytest
from ouanalysis.derivations.derivation import Derivation


def sections(module: ModuleType) -> dict[str, Callable[[Derivation], None]]:
    """By name, as others call them."""
    found = {}
    for name, function in inspect.getmembers(module, inspect.isfunction):
        takes = [place.annotation for place in inspect.signature(function).parameters.values()]
        if takes == [Derivation] and function.__module__ == module.__name__ and name[0] != "_":
            found[name] = function
    return found


def derived_in_sections(module: ModuleType) -> Derivation:
    """What `derive` gives, each section run alone, on a derivation of its own; all must be run, and add to it."""
    ran = []

    def alone(name, section):
        def run(steps):
            own = Derivation(steps.title, steps.source)
            section(own)
            assert own.steps, name
            steps.steps += own.steps
            ran.append(name)

        return run

    with pytest.MonkeyPatch.context() as patch:
        for name, section in sections(module).items():
            patch.setattr(module, name, alone(name, section))
        derivation = module.derive()
    assert sorted(ran) == sorted(sections(module))
    return derivation
