"""What goes into the page: every experiment is run once, and claims and figures share its result."""

import sys
import time
import traceback
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from importlib import import_module
from multiprocessing import get_context
from typing import Any

from ..claims import CLAIMS, Laboratory, Proved, threshold
from ..claims.summary import ledger
from ..experiments import Size
from ..figures import LONG, NAMES
from .derivations import Derived, derived
from .pictures import Picture, picture

__all__ = ["Contents", "contents", "groups", "proved"]


@dataclass(frozen=True)
class Contents:
    """All that was found.

    Attributes
    ----------
    ledger : dict
        As `claims.summary.ledger` gives it.
    groups : dict
        {what a group of claims is about: their ids}.
    pictures : list of Picture
    missing : dict
        {figure: traceback} of those that could not be drawn.
    derivations : list of Derived
    seconds : float
        What it took.
    """

    ledger: Mapping[str, Any]
    groups: Mapping[str, list[str]]
    pictures: list[Picture]
    missing: Mapping[str, str]
    derivations: list[Derived]
    seconds: float


def contents(*, seed: int, size: Size, said: Callable[[str], None]) -> Contents:
    """Run it all; the derivations in a process of their own, since SymPy leaves the other cores to the simulations.

    `said` is told what has come to its end.
    """
    began = time.perf_counter()
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        derivations = pool.map(derived, import_module("ouanalysis.derivations.__main__").NAMES)
        laboratory, limit = Laboratory(seed=seed, size=size), threshold(CLAIMS.values())
        pictures, missing = [], {}
        for name in (name for name in NAMES if name not in LONG):
            try:
                pictures.append(picture(name, laboratory.result(name)))
            except Exception:
                missing[name] = traceback.format_exc()
            said(f"figure {name}{' failed' if name in missing else ''}")
        taken = list(derivations)
    laboratory.proved = cache(partial(proved, taken))
    rows = []
    for claim in CLAIMS.values():
        rows.append(laboratory.check(claim, limit))
        said(f"claim {claim.id}: {rows[-1].verdict}")
    found = ledger(rows, seed=seed, size=size, limit=limit)
    return Contents(found, groups(), pictures, missing, taken, time.perf_counter() - began)


def proved(derivations: Iterable[Derived], section: str) -> Proved:
    """What the ledger says of a section that has been taken; an AssertionError if a step of it does not hold."""
    sections = {f"{one.name}.{part.name}": part for one in derivations for part in one.sections}
    if section not in sections:
        raise LookupError(f"expected a section of a derivation, got {section}")
    part = sections[section]
    if part.error:
        raise AssertionError(part.error)
    return Proved(section, len(part.steps), part.argued)


def groups() -> dict[str, list[str]]:
    """{what a group is about: its ids}: the modules of the claims, and how their docstrings begin."""
    found: dict[str, list[str]] = {}
    for claim in CLAIMS.values():
        said = sys.modules[claim.check.__module__].__doc__ or claim.check.__module__
        found.setdefault(said.partition(". Source")[0].removesuffix("."), []).append(claim.id)
    return found
