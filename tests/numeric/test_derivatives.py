"""Vectorisation over leading axes, in blocks."""

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.numeric import derivatives


@pytest.mark.parametrize("quantity", ["loss", "jacobian", "gram", "regularizer", "regularizer_gradient"])
@pytest.mark.parametrize("block", [1, 100, 10**6])
def test_leading_axes_are_kept_whatever_the_block(quantity, block, monkeypatch):
    monkeypatch.setattr(derivatives, "_BLOCK", block)
    setting, _ = ou.planted_sigmoid_network(2, 2, 3, rng=0)
    theta = np.random.default_rng(0).normal(size=(4, 3, setting.dim))
    function = getattr(ou, quantity)
    stacked = function(setting, theta)
    assert stacked.shape[:2] == (4, 3)
    np.testing.assert_allclose(stacked[2, 1], function(setting, theta[2, 1]), rtol=1e-14)
    assert function(setting, theta[:0]).shape == (0, *stacked.shape[1:])


def test_the_regularizer_is_the_trace_of_the_gram_matrix():
    setting, theta = ou.planted_matrix_sensing(3, 1, 4, rng=0)
    trace = np.trace(ou.gram(setting, theta)) / setting.n
    np.testing.assert_allclose(ou.regularizer(setting, theta), trace, rtol=1e-14)
