"""The diffusion: Euler-Maruyama with dt = η is full-batch SGD, and finer steps converge."""

import numpy as np
import pytest
from rounding import ALGEBRA
from scipy.integrate import solve_ivp
from standard_errors import z_of_mean

import ouanalysis as ou
from ouanalysis.simulate import linear_process, relaxation
from ouanalysis.simulate.warn_once import warn_once

SETTING, TRUTH = ou.planted_matrix_sensing(3, 2, 4, rng=1)


def test_one_substep_is_full_batch_sgd_with_noise_raised_by_the_root_of_n_over_b():
    run = {"lr": 0.01, "steps": 300, "rng": 2, "chains": 2, "record": 100}
    sde = ou.label_noise_sde(SETTING, TRUTH, noise_std=0.1, batch_size=2, substeps=1, **run)
    sgd = ou.label_noise_sgd(SETTING, TRUTH, noise_std=0.1 * np.sqrt(4 / 2), batch_size="full", **run)
    np.testing.assert_allclose(sde.theta, sgd.theta, rtol=0, atol=1e-13)  # eps of θ a step, 300 of them


def test_without_noise_euler_converges_to_the_gradient_flow_at_first_order():
    start, lr, steps = TRUTH + 0.2, 0.02, 20

    def downhill(_time, theta):
        return -2 / SETTING.n * (SETTING.predictions(theta) - SETTING.y) @ ou.jacobian(SETTING, theta)

    flow = solve_ivp(downhill, (0, lr * steps), start, rtol=1e-10, atol=1e-12).y[:, -1]
    substeps = np.array([4, 8, 16])
    ends = [
        ou.label_noise_sde(SETTING, start, lr=lr, noise_std=0.0, steps=steps, rng=0, substeps=int(m)).theta[0, 0]
        for m in substeps
    ]
    errors = [np.linalg.norm(end - flow) for end in ends]
    slope = -np.polyfit(np.log(substeps), np.log(errors), 1)[0]
    assert slope == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("substeps", [1, 2, 5])
def test_stationary_variance_of_euler_on_one_datum_has_its_exact_bias(substeps):
    # h = u² at u = 1: λ = 8; Euler's stationary variance is (ησ²/B)/(1 − λ dt/2), first order in dt.
    lr, noise_std, batch = 0.05, 1e-3, 2
    trajectory = ou.label_noise_sde(
        ou.MatrixSensing([[[1.0]]], [1.0]),
        [1.0],
        lr=lr,
        noise_std=noise_std,
        steps=60,
        rng=3,
        chains=10_000,
        batch_size=batch,
        substeps=substeps,
    )
    expected = lr * noise_std**2 / batch / (1 - 4 * lr / substeps)
    assert z_of_mean((trajectory.theta[:, 0, 0] - 1) ** 2, expected) < 4


def test_the_diffusion_records_sgd_steps():
    trajectory = ou.label_noise_sde(SETTING, TRUTH, lr=0.01, noise_std=0.1, steps=10, rng=0, substeps=7, record=4)
    assert trajectory.steps.tolist() == [0, 4, 8, 10]
    np.testing.assert_array_equal(trajectory.theta[0, 0], TRUTH)


def test_the_linear_process_moves_in_the_row_space_only_and_starts_at_its_point():
    trajectory = ou.ornstein_uhlenbeck(SETTING, TRUTH, lr=0.01, noise_std=0.1, steps=100, rng=0, chains=3, record=50)
    np.testing.assert_array_equal(trajectory.theta[:, 0], np.broadcast_to(TRUTH, (3, 9)))
    local = ou.local_ou(SETTING, TRUTH, lr=0.01, noise_std=0.1)
    moved = trajectory.theta[:, -1] - TRUTH
    np.testing.assert_allclose(moved @ local.basis @ local.basis.T, moved, rtol=0, atol=1e-14)  # a few eps of θ
    assert np.all(np.linalg.norm(moved, axis=1) > 0)


@pytest.mark.parametrize(
    ("steps", "record"),
    [(12, 1), (60, 7), (400, [1, 2, 5, 30, 31]), (25, None)],
    ids=["every step", "a stride", "unequal spacings", "the end alone"],
)
def test_the_linear_process_has_its_covariance_at_and_between_records_however_they_are_spaced(steps, record):
    # Cov(δ(s), δ(t)) = (ησ²/B)(1 − e^{−2λ min(s,t)}) e^{−λ|t − s|} in each mode, and none between modes.
    setting, theta = ou.planted_sigmoid_network(2, 2, 4, rng=11)
    lr, noise_std, batch, chains = 0.02, 1e-3, 3, 4000
    run = ou.ornstein_uhlenbeck(
        setting, theta, lr=lr, noise_std=noise_std, steps=steps, rng=5, chains=chains, batch_size=batch, record=record
    )
    jacobian = ou.jacobian(setting, theta)
    values, vectors = np.linalg.eigh(jacobian @ jacobian.T)
    later = run.steps > 0
    modes = (run.theta[:, later] - theta) @ jacobian.T @ vectors / np.sqrt(values)
    time, rate = lr * run.steps[later], (values * 2 / setting.n)[:, None, None]
    earlier, apart = np.minimum(time[:, None], time), np.abs(time[:, None] - time)
    expected = np.zeros((2, 2, len(time), len(time)))
    expected[[0, 1], [0, 1]] = lr * noise_std**2 / batch * -np.expm1(-2 * rate * earlier) * np.exp(-rate * apart)
    products = np.einsum("csi,ctj->cijst", modes, modes)
    assert np.max(z_of_mean(products, expected)) < 4


@pytest.mark.parametrize(
    ("noise_std", "gradient_noise_std"),
    [([1e-3, 4e-3], 0.0), ([0.0, 2e-3], 1e-2), (0.0, 1e-2), (1e-3, 5e-3)],
    ids=["unequal", "unequal and isotropic", "isotropic", "equal and isotropic"],
)
def test_the_linear_process_has_its_covariance_under_every_noise(noise_std, gradient_noise_std):
    # Cov δ(t) = ∫ e^{−Hu} D e^{−Hu} du over u < t, D = (η/B)(4/n) Jᵀ diag(σ_i²) J + η s² I, in the eigenvectors of H.
    setting, theta = ou.planted_sigmoid_network(2, 2, 2, rng=11)
    lr, batch, record = 0.02, 3, [5, 12, 90]
    run = ou.ornstein_uhlenbeck(
        setting,
        theta,
        lr=lr,
        noise_std=noise_std,
        gradient_noise_std=gradient_noise_std,
        steps=90,
        rng=5,
        chains=6000,
        batch_size=batch,
        record=record,
    )
    jacobian = ou.jacobian(setting, theta)
    rates, vectors = np.linalg.eigh(2 / 2 * jacobian.T @ jacobian)
    rates[:-2] = 0.0  # six parameters, two data
    source = lr / batch * 4 / 2 * jacobian.T @ np.diag(np.broadcast_to(noise_std, 2) ** 2) @ jacobian
    source = vectors.T @ (source + lr * gradient_noise_std**2 * np.eye(6)) @ vectors
    time, both = lr * np.array(record)[:, None, None], rates[:, None] + rates
    free = both == 0
    sums = np.where(free, time, -np.expm1(-both * time) / np.where(free, 1, both))
    at = source * sums
    moves = (run.theta - theta) @ vectors
    noisy = slice(None) if gradient_noise_std else slice(-2, None)
    for s, t in [(0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (0, 2)]:
        expected = at[s] * np.exp(-rates * (time[t] - time[s]).item())
        products = moves[:, s, :, None] * moves[:, t, None, :]
        assert np.max(z_of_mean(products[:, noisy, noisy], expected[noisy, noisy])) < 4
    if not gradient_noise_std:
        assert np.max(np.abs(moves[..., :-2])) < 1e-14  # a few eps of θ


def recursion(setting, theta, run):
    """θ* + Vδ and δ ← e^{−ηΛΔ}δ + √(ησ²(1 − e^{−2ηΛΔ})) ξ for each gap Δ, ξ from the second stream of each chain."""
    jacobian = ou.jacobian(setting, theta)
    _, singular, directions = np.linalg.svd(jacobian, full_matrices=False)
    law = ou.local_ou(setting, theta, lr=run.arguments["lr"], noise_std=run.arguments["noise_std"])
    signs = np.sign(np.sum(directions.T * law.basis, axis=0))
    rates = run.arguments["lr"] * 2 * singular**2 / setting.n
    paths = np.empty_like(run.theta)
    together = linear_process.BLOCK // (len(run.steps) * len(singular))
    streams = run.seed.generator().spawn(-(-len(paths) // together))
    noises = [alone.spawn(2)[1] for alone in streams]
    for chain in range(len(paths)):
        noise, delta = noises[chain // together], np.zeros(len(singular))
        for k, gap in enumerate(np.diff(run.steps, prepend=0)):
            spread = run.arguments["noise_std"] * np.sqrt(run.arguments["lr"] * -np.expm1(-2 * rates * gap))
            delta = np.exp(-rates * gap) * delta + spread * noise.standard_normal(len(singular))
            paths[chain, k] = theta + (signs * delta) @ directions
    return paths


@pytest.mark.parametrize("record", [1, [3, 4, 9, 11]])
def test_a_path_of_the_linear_process_is_the_recursion_of_its_modes(record, monkeypatch):
    monkeypatch.setattr(linear_process, "BLOCK", 10 * 12 * 4)
    run = ou.ornstein_uhlenbeck(SETTING, TRUTH, lr=0.01, noise_std=0.1, steps=12, rng=3, chains=35, record=record)
    expected = recursion(SETTING, TRUTH, run)
    np.testing.assert_allclose(run.theta, expected, rtol=0, atol=ALGEBRA * np.max(np.abs(TRUTH)))


@pytest.mark.parametrize("noise_std", [0.1, [0.1, 0.0, 0.3, 0.2]])
@pytest.mark.parametrize("gradient_noise_std", [0.0, 0.2])
def test_paths_of_the_linear_process_depend_on_neither_threads_nor_other_chains(
    noise_std, gradient_noise_std, monkeypatch
):
    def run(chains):
        noise = {"noise_std": noise_std, "gradient_noise_std": gradient_noise_std}
        return ou.ornstein_uhlenbeck(SETTING, TRUTH, lr=0.01, steps=40, rng=3, chains=chains, record=3, **noise).theta

    monkeypatch.setattr(linear_process, "BLOCK", 16 * 15 * 4)  # 16 chains a stream
    expected = run(35)
    for fewer in (2, 16, 17):
        np.testing.assert_array_equal(run(fewer), expected[:fewer])
    for threads in (1, 2, 8):
        monkeypatch.setattr(linear_process.os, "cpu_count", lambda threads=threads: threads)
        np.testing.assert_array_equal(run(35), expected)


def test_the_linear_process_runs_and_says_so_where_no_loop_can_be_kept_on_disk(monkeypatch):
    def refuse(*arguments, cache=False, **options):
        if cache:
            raise RuntimeError("no locator available")
        return compile_now(*arguments, **options)

    compile_now = relaxation.numba.njit
    monkeypatch.setattr(relaxation.numba, "njit", refuse)
    warn_once.cache_clear()
    with pytest.warns(UserWarning, match="compiled kernels are not kept on disk"):
        loop = relaxation.relaxation.__wrapped__()
    warn_once.cache_clear()
    modes = np.ones((1, 3, 1))
    loop(modes, np.array([0, 1, 1]), np.array([[9.0], [0.5]]), np.array([[2.0], [4.0]]))
    assert modes.ravel().tolist() == [2.0, 5.0, 6.5]
