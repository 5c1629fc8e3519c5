"""The mutants themselves: each formula and each claim has some. That tests find them is for `make mutants` to say."""

import ast

import pytest
from documentation import ROOT
from mutants.committed import MUTANTS
from mutants.mutant import Mutant, mapped_tests

from ouanalysis.claims import CLAIMS


def test_every_formula_has_mutants_and_tests_to_find_them():
    tests = mapped_tests()
    assert {one.formula for one in MUTANTS} == set(tests)
    assert all(tests.values())
    assert len(set(MUTANTS)) == len(MUTANTS) >= 60


@pytest.mark.parametrize("claim", CLAIMS.values(), ids=CLAIMS)
def test_every_claim_has_a_formula_with_mutants(claim):
    assert claim.formulas
    assert set(claim.formulas) <= {one.formula for one in MUTANTS}


def test_every_mutant_is_another_program_in_place_of_a_text_that_is_there_once():
    for one in MUTANTS:
        assert one.old != one.new, one
        ast.parse(one.source(ROOT), one.path)


@pytest.mark.parametrize(("old", "times"), [("y", 2), ("z", 0)])
def test_a_text_that_is_not_there_once_is_refused(old, times, tmp_path):
    (tmp_path / "file.py").write_text("x = y + y\n", encoding="utf-8")
    with pytest.raises(ValueError, match=f"expected '{old}' once, got it {times} times"):
        Mutant("Loss", "file.py", old, "x").source(tmp_path)
