"""What lies along the zero-error set, however little of a vector that is, and the largest gradient."""

import numpy as np
import pytest
from rounding import EPS

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set import row_space as module
from ouanalysis.numeric.zero_error_set.row_space import largest_gradient, row_space


@pytest.mark.parametrize("share", [1.0, 1e-4, 1e-8, 1e-12])
def test_a_tangent_part_is_normal_to_every_gradient_to_its_own_rounding(share):
    setting, theta = ou.planted_sigmoid_network(3, 4, 5, rng=1)
    space = row_space(setting, theta)
    rng = np.random.default_rng(0)
    tangent = space.tangent(rng.normal(size=setting.dim))
    found = space.tangent(space.basis @ rng.normal(size=space.rank) + share * tangent)
    # Once more than p = 25 products of unit vectors: what is left of the normal part is eps of what was found.
    assert np.max(np.abs(space.basis.T @ found)) <= 25 * EPS * np.linalg.norm(found)
    np.testing.assert_allclose(found, share * tangent, rtol=0, atol=25 * EPS)  # of the normal part, which is of order 1


@pytest.mark.parametrize("held", [1 << 26, 0])
def test_the_largest_gradient_is_of_a_datum_with_all_of_its_outputs(held, monkeypatch):
    """h = (3, 4) θx at x = 1 and 2: the Jacobians of the data have norms 5 and 10."""
    monkeypatch.setattr(module, "HELD", held)
    setting = ou.Setting(lambda theta, x: theta * x[..., None] * np.array([3.0, 4.0]), [1.0, 2.0], np.ones((2, 2)), 1)
    assert largest_gradient(setting, np.ones(1)) == pytest.approx(10.0, rel=4 * EPS)
