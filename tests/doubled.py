"""A derivation in which each identity is tried with its right side doubled too, which must not hold."""

from collections.abc import Callable
from typing import NamedTuple

import pytest
from ouanalysis.derivations.derivation import Derivation


class Tried(NamedTuple):
    """A derivation, the statements of which the right side was doubled, and those that held all the same."""

    derivation: Derivation
    doubled: list[str]
    held: list[str]


def tried(derive: Callable[[], Derivation]) -> Tried:
    """What `derive` gives, step by step tried; steps whose right side is 0 are not."""
    assert_identity, doubled, held = Derivation.identity, [], []

    def twice(steps, statement, left, right, **options):
        assert_identity(steps, statement, left, right, **options)
        if right != 0 and not getattr(right, "is_ZeroMatrix", False):
            doubled.append(statement)
            try:
                assert_identity(Derivation("Planted", "a factor 2"), statement, left, 2 * right, **options)
            except AssertionError:
                return
            held.append(statement)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Derivation, "identity", twice)
        return Tried(derive(), doubled, held)
