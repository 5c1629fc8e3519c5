"""The paper's theorem on matrix sensing: label noise minimises tr(MX), whatever was planted.

Blanc et al. 2020 (arXiv:1904.09080), section 4.1; theory.md, section 4.1.
"""

import numpy as np
import pytest
from rounding import SUMS

import ouanalysis as ou

# d = 6, n = 6. Chosen after a look: of seeds 0 to 5 these two have the largest distance between the program's
# answer and the planted matrix, 1.12 and 0.70 of the latter's norm; the planted matrix costs 49 % and 9 % more,
# and the answers have rank 1 and 2. Short runs of these and of two draws with n = 7 were seen first, and all went
# the program's way; numbers of steps and thresholds were set after longer ones of these two.
SEEDS = [4, 1]
FAR = {4: 1.1, 1: 0.69}
SOLVED = 1e-9  # a hundred times what the solver of the program is asked for


def products(setting, theta):
    factor = setting.unpack(theta)["U"]
    return factor @ np.swapaxes(factor, -1, -2)


def distance(matrices, matrix):
    return np.linalg.norm(matrices - matrix, axis=(-2, -1)) / np.linalg.norm(matrix)


@pytest.fixture(scope="module", params=SEEDS)
def run(request):
    """Two chains at noise 0.1, then at 0.03, and gradient descent from the same start."""
    setting, truth = ou.planted_matrix_sensing(6, 1, 6, rng=request.param)
    start = 0.4 * np.eye(6).ravel()
    common = {"lr": 0.01, "record": 100_000}
    noisy = ou.label_noise_sgd(setting, start, noise_std=0.1, steps=4_000_000, rng=0, chains=2, **common)
    quiet = [
        ou.label_noise_sgd(setting, theta, noise_std=0.03, steps=500_000, rng=1, **common).theta[0, -1]
        for theta in noisy.theta[:, -1]
    ]
    silent = ou.label_noise_sgd(setting, start, noise_std=0.0, steps=200_000, rng=0, **common).theta[0, -1]
    return request.param, setting, truth, np.array(quiet), silent


def test_label_noise_follows_the_program_where_its_answer_is_not_what_was_planted(run):
    seed, setting, truth, ends, _ = run
    least, planted = ou.minimum(setting), products(setting, truth)
    assert distance(least.matrix, planted) > FAR[seed]
    matrices = products(setting, ends)
    # Noise of √(ησ²) = 0.003 in each of the 36 entries of U, ‖U‖ = 0.9. After a look: 2.1 to 2.4 % away.
    assert np.all(distance(matrices, least.matrix) < 0.05)
    assert np.all(distance(matrices, planted) > FAR[seed] - 0.05)


def test_label_noise_closes_the_gap_that_gradient_descent_leaves(run):
    _, setting, _, ends, silent = run
    noisy, without = ou.certify(setting, ends), ou.certify(setting, silent)
    assert noisy.certified
    assert np.all(noisy.relative_gap < 1e-3)  # after a look: 8e-5 to 2.5e-4
    assert np.all(noisy.gap >= -noisy.solver_gap)
    assert without.relative_gap > 0.5  # after a look: 0.75 and 0.78
    assert np.max(np.abs(setting.predictions(silent) - setting.y)) < SUMS


def test_the_planted_matrix_costs_more_than_the_program_and_more_than_where_noise_ends(run):
    _, setting, truth, ends, _ = run
    planted = ou.regularizer(setting, truth)
    least = ou.minimum(setting).value
    assert planted > 1.05 * least  # 9 and 49 % were seen when the seeds were chosen
    assert np.all(planted > (1.05 - 1e-3) * ou.regularizer(setting, ends))  # whose relative gap is below 1e-3


def test_the_flow_ends_at_the_value_of_the_program():
    setting, _ = ou.planted_matrix_sensing(3, 1, 3, rng=0)
    start = ou.interpolate(setting, 0.4 * np.eye(3).ravel())
    flow = ou.regularized_flow(setting, start, times=[200.0], method="LSODA", rtol=1e-6)
    found = ou.certify(setting, flow.theta[-1])
    assert -SOLVED <= found.relative_gap < 1e-5  # at rest to 10 rtol of θ
    least = ou.minimum(setting).matrix
    # The columns of U that vanish at the optimum do so slowest.
    assert distance(products(setting, flow.theta[-1]), least) < 1e-4


def test_with_enough_measurements_the_program_recovers_what_was_planted():
    for seed in range(5):
        setting, truth = ou.planted_matrix_sensing(6, 1, 12, rng=seed)
        least, planted = ou.minimum(setting), products(setting, truth)
        assert least.rank == 1
        assert distance(least.matrix, planted) < 10 * SOLVED
        assert least.value == pytest.approx(ou.regularizer(setting, truth), rel=SOLVED)
