"""When two predictions are the same, and how another library's error reads."""

import numpy as np
import pytest

from ouanalysis.frameworks.refusals import alike, error_in_one_line


@pytest.mark.parametrize(
    ("got", "wanted", "same"),
    [
        ([1.0, 2.0], [1.0, 2.0 + 1e-9], True),
        ([1.0, 2.0], [1.0, 2.0 + 1e-7], False),
        ([1e-12, 1e3], [2e-12, 1e3], True),  # what is nothing beside the largest
        ([np.nan, np.inf], [np.nan, np.inf], True),
        ([np.nan, 1.0], [0.0, 1.0], False),
        ([1e-12, np.inf], [2e-12, np.inf], False),  # the largest that is finite
    ],
)
def test_predictions_are_alike_to_rounding(got, wanted, same):
    assert alike(np.array(got), np.array(wanted), rtol=1e-8) is same


def test_an_error_is_one_line_of_bounded_length():
    assert error_in_one_line(ValueError("sizes do\n  not match")) == "ValueError: sizes do not match"
    assert error_in_one_line(RuntimeError("a" * 1000)) == f"RuntimeError: {'a' * 237}..."
