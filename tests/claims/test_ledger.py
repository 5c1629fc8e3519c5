"""The ledger: what each claim must say, and what the laboratory makes of checks that go wrong."""

import json
import re
from pathlib import Path

import pytest
from rounding import SUMS
from scipy import stats

from ouanalysis.claims import CLAIMS, Bounded, Certified, Claim, Laboratory, Measured, threshold
from ouanalysis.claims.claim import claim
from ouanalysis.claims.letters import reg
from ouanalysis.claims.summary import summary
from ouanalysis.experiments import drift_scaling, tangent_drift

ROOT = Path(__file__).parents[2]
HEADINGS = re.findall(r"^### (.+)$", (ROOT / "docs" / "formulas.md").read_text(encoding="utf-8"), flags=re.MULTILINE)


@pytest.mark.parametrize("one", CLAIMS.values(), ids=CLAIMS)
def test_a_claim_says_what_is_claimed_where_it_is_from_and_how_it_is_checked(one):
    assert re.fullmatch(r"[a-z]+(-[a-z]+)*", one.id)
    assert one.statement.endswith(".")
    assert one.source
    assert one.derived or one.experiments
    assert set(one.formulas) <= set(HEADINGS)
    for name in one.derived:
        assert re.fullmatch(r"[a-z_]+\.[a-z_]+", name)


def made(values=0, conditions="", experiments=()):
    def decorate(check):
        return claim(reg, source="here", values=values, conditions=conditions, experiments=experiments)(check)

    return decorate


def test_the_name_is_the_id_and_the_docstring_the_statement():
    @made()
    def two_words():
        """One
        sentence."""

    assert isinstance(two_words, Claim)
    assert (two_words.id, two_words.statement) == ("two-words", "One sentence.")


def test_constants_of_one_name_in_two_experiments_are_both_said():
    said = CLAIMS["drift-scales-with-the-noise"].parameters
    for experiment in (drift_scaling, tangent_drift):
        assert said[f"{experiment.__name__.rpartition('.')[2]}.CURVATURES"] == experiment.CURVATURES


def test_the_threshold_is_that_of_all_values_together():
    chance = 2 * stats.norm.sf(threshold(CLAIMS.values())) * sum(one.values for one in CLAIMS.values())
    assert chance == pytest.approx(1e-3, rel=SUMS)


def test_a_check_that_raises_is_a_failed_row_with_its_traceback():
    @made()
    def broken():
        """It breaks."""
        yield Certified.of("x", 0.0, allowed=1.0)
        raise FloatingPointError("planted")

    row = Laboratory(size="quick").check(broken, 4.0)
    assert row.failed
    assert row.verdict == "failed"
    assert "FloatingPointError: planted" in row.error


def test_more_values_than_the_threshold_counts_on_are_refused():
    @made(values=1)
    def greedy():
        """Two values."""
        yield Measured.of("x", [1.0, 1.0], [1.0, 1.0], 1.0)

    assert "expected at most 1, which the threshold counts on, got 2" in Laboratory().check(greedy, 4.0).error


def test_what_a_small_experiment_cannot_judge_is_said_to_be_unchecked():
    @made()
    def long():
        """It takes long."""
        yield Bounded.of("gap", 2.0, allowed=1.0, full=True)

    quick, full = (Laboratory(size=size).check(long, 4.0) for size in ("quick", "full"))
    assert (quick.verdict, [found.what for found in quick.unchecked]) == ("not checked", ["gap"])
    assert full.verdict == "failed"


LEDGER = json.loads((ROOT / "docs" / "ledger.json").read_text(encoding="utf-8"))


def test_the_committed_ledger_is_of_these_claims_at_full_size_and_none_fails():
    assert LEDGER["size"] == "full"
    assert LEDGER["threshold"] == round(threshold(CLAIMS.values()), 3)
    said = [(row["id"], row["statement"], row["source"], row["conditions"]) for row in LEDGER["claims"]]
    assert said == [(one.id, one.statement, one.source, one.conditions) for one in CLAIMS.values()]
    assert not [row["id"] for row in LEDGER["claims"] if row["failed"] or row["unchecked"]]


@pytest.mark.parametrize("row", LEDGER["claims"], ids=[row["id"] for row in LEDGER["claims"]])
def test_what_holds_under_conditions_is_shown_where_they_fail(row):
    assert any(found["contrast"] for found in row["findings"]) == bool(row["conditions"])
    assert any(not found["contrast"] for found in row["findings"])


@pytest.mark.parametrize("one", LEDGER["claims"], ids=[row["id"] for row in LEDGER["claims"]])
def test_what_only_a_long_simulation_can_judge_is_no_certificate(one):
    assert not [found["what"] for found in one["findings"] if found["road"] == "certified" and found["full"]]


def test_the_summary_counts_what_is_certified_apart_from_what_is_bounded():
    counts = {"certified": 2, "bounded": 3, "measured": 5}
    found = [{"road": road, "count": count, "contrast": False, "holds": True} for road, count in counts.items()]
    said = summary({"threshold": 4.0, "claims": [{"id": "x", "failed": False, "findings": found, "unchecked": []}]})
    assert "2 numbers certified, 3 numbers within bounds set beforehand, 5 measured values" in said


def test_a_section_that_two_claims_share_is_counted_once():
    finding = {"road": "symbolic", "derivation": "local_ou.noise_floor", "steps": 3, "contrast": False, "holds": True}
    rows = [{"failed": False, "findings": [finding], "unchecked": []}] * 2
    assert "2 of 2 claims hold: 3 steps" in summary({"threshold": 4.0, "claims": [{"id": "x"} | row for row in rows]})


def test_the_readme_opens_with_the_summary_of_the_committed_ledger():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert summary(LEDGER) in " ".join(readme.split())
