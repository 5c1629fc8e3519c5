"""What findings hold, by hand."""

import numpy as np
import pytest
from rounding import FORMULA
from scipy import stats

from ouanalysis.claims import Bounded, Certified, Measured, Proved


def test_a_measured_value_is_judged_by_its_standard_errors_either_way():
    for measured in (1.3, 0.7):
        found = Measured.of("x", 1.0, measured, 0.1)
        assert found.z == pytest.approx(3, rel=FORMULA)
        assert found.holds(3.1)
        assert not found.holds(2.9)


def test_the_worst_of_many_is_shown_and_counted():
    found = Measured.of("x", [1.0, 2.0, 3.0], [1.1, 2.0, 2.5], [0.1, 0.1, 0.1])
    assert (found.predicted, found.measured, found.count) == (3.0, 2.5, 3)
    assert found.z == pytest.approx(5, rel=FORMULA)
    assert str(found) == "2.5 ± 0.1, predicted 3: z = 5.0, the largest of 3"


def test_what_the_prediction_leaves_out_is_allowed_and_no_more():
    assert Measured.of("x", 1.0, 1.2, 0.1, allowance=0.2).z == 0
    assert Measured.of("x", 1.0, 1.3, 0.1, allowance=0.2).z == pytest.approx(1, rel=1e-12)
    assert "(± 0.2 left out)" in str(Measured.of("x", 1.0, 1.3, 0.1, allowance=0.2))


def test_few_samples_make_a_student_t_with_the_chance_of_z():
    found = Measured.of("x", 0.0, 6.0, 1.0, samples=4)
    assert stats.norm.sf(found.z) == pytest.approx(stats.t.sf(6.0, 3), rel=1e-9)
    assert found.z < Measured.of("x", 0.0, 6.0, 1.0, samples=400).z < 6
    assert np.isfinite(Measured.of("x", 0.0, 1e9, 1.0, samples=400).z)


@pytest.mark.parametrize(("measured", "error"), [(np.nan, 1.0), (np.inf, 1.0), (2.0, 0.0), (2.0, np.nan)])
def test_what_is_not_a_number_or_has_no_error_agrees_with_nothing_and_is_no_contrast(measured, error):
    assert not Measured.of("x", 1.0, measured, error).holds(1e300)
    assert not Measured.of("x", 1.0, measured, error, contrast=True).holds(0.0)


def test_an_error_that_is_infinite_or_no_number_agrees_with_nothing_but_itself():
    for error in (np.inf, np.nan, 0.0):
        assert not Measured.of("x", 1.0, 1.1, error, allowance=0.2).holds(1e300)


def test_too_few_samples_are_judged_at_full_size_only():
    assert Measured.of("x", 1.0, 9.0, 1.0, samples=9).full
    assert not Measured.of("x", 1.0, 9.0, 1.0, samples=10).full


def test_an_exact_agreement_needs_no_error():
    assert Measured.of("x", 1.0, 1.0, 0.0).holds(4.0)


def test_a_contrast_holds_where_each_value_departs():
    apart = {"predicted": [0.0, 0.0], "error": [1.0, 1.0], "contrast": True}
    assert Measured.of("x", measured=[9.0, -9.0], **apart).holds(4.0)
    assert not Measured.of("x", measured=[9.0, 0.5], **apart).holds(4.0)


@pytest.mark.parametrize("kind", [Bounded, Certified])
def test_a_gap_is_allowed_up_to_its_bound_and_a_contrast_from_it(kind):
    assert kind.of("x", [0.1, 0.2], allowed=0.2).holds(0)
    assert not kind.of("x", [0.1, 0.3], allowed=0.2).holds(0)
    assert kind.of("x", [0.3, 0.4], allowed=0.2, contrast=True).holds(0)
    assert not kind.of("x", [0.1, 0.4], allowed=0.2, contrast=True).holds(0)
    assert not kind.of("x", -0.3, allowed=0.2).holds(0)  # a size: a gap below zero is a bound that is none
    for contrast in (False, True):
        assert not kind.of("x", [np.nan, 0.25], allowed=0.25, contrast=contrast).holds(0)
    assert str(kind.of("x", [0.1, 0.2], allowed=0.25)) == "0.2 ≤ 0.25, the largest of 2"


def test_a_bound_is_no_certificate():
    roads = [kind.of("x", 0.1, allowed=0.2).road for kind in (Bounded, Certified)]
    assert roads == ["bounded", "certified"]


def test_a_section_without_steps_proves_nothing():
    assert not Proved("local_ou.nothing", 0, 0).holds(4.0)
    assert str(Proved("local_ou.noise_floor", 3, 1)) == "3 steps asserted, 1 with an argument in words"
