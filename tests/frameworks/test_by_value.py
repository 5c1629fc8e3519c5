"""Equal where two things are known to be equal, and unequal where they are not known to be."""

import collections
import copy
import functools
import pickle
from dataclasses import dataclass

import numpy as np
import pytest

from ouanalysis.frameworks.by_value import by_value


@dataclass
class Compared:
    """Has an == that fails for arrays, and no hash."""

    value: object


@dataclass(frozen=True)
class Frozen:
    """Has a hash too, which fails for arrays."""

    value: object


class Plain:
    """Knows of no =="""

    def __init__(self, value):
        self.value = value

    def method(self):
        return self.value


class Slots:
    __slots__ = ("value",)

    def __init__(self, value):
        self.value = value


def holding_itself(value):
    found = [value]
    found.append(found)
    return found


MAKERS = [
    lambda value: value,
    lambda value: [value, (value, None)],
    lambda value: {"a": {"b": value}},
    lambda value: collections.OrderedDict(a=value),
    lambda value: collections.defaultdict(list, a=value),
    lambda value: collections.deque([value]),
    lambda value: functools.partial(np.add, value),
    lambda value: functools.partial(functools.partial(np.add, value)),
    lambda value: np.array([value, None], dtype=object),
    Compared,
    Frozen,
    Plain,
    Slots,
    lambda value: Plain(value).method,
    holding_itself,
]
LARGE, OTHER = np.ones(2000), np.ones(2000)
OTHER[-900] = 2.0
PAIRS = [(LARGE, OTHER), (0.0, -0.0), (1, True), (1, 1.0), (np.nan, 1.0), ("a", b"a"), (np.ones(2), np.ones((1, 2)))]


@pytest.mark.parametrize("make", MAKERS)
@pytest.mark.parametrize(("value", "other"), PAIRS)
def test_what_holds_the_same_is_equal_and_what_does_not_is_not(make, value, other):
    same = by_value(make(value))
    for twin in (make(copy.deepcopy(value)), pickle.loads(pickle.dumps(make(value)))):
        assert by_value(twin) == same
        assert hash(by_value(twin)) == hash(same)
    assert by_value(make(other)) != same


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (lambda: 0, lambda: 0),
        ((n for n in range(2)), (n for n in range(2))),
        (collections.defaultdict(list), collections.defaultdict(dict)),
        (Compared(1.0), Frozen(1.0)),
        (np.random.default_rng(0), np.random.default_rng(1)),
        (Plain(1.0).method, Plain(2.0).method),
    ],
)
def test_what_is_not_known_to_be_equal_is_equal_to_itself_alone(one, other):
    assert by_value(one) == by_value(one)
    assert by_value(one) != by_value(other)
