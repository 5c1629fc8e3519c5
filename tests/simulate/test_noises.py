"""Other noises and batches: unequal σ, isotropic noise on the gradient, batches of distinct data."""

import pickle
from itertools import combinations, product

import autograd.numpy as anp
import numpy as np
import pytest
from scipy.stats import chisquare
from standard_errors import z_of_mean

import ouanalysis as ou
from ouanalysis.simulate import segments
from ouanalysis.simulate.draws import draw_subsets, spawn_streams


def product_of_two(theta, x):
    return theta[..., 0] * theta[..., 1] * x


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


SENSING, TRUTH = ou.planted_matrix_sensing(3, 1, 4, rng=0)
SQUARE = ou.MatrixSensing([[[1.0]]], [4.0])  # h = u²
PRODUCTS = ou.Setting(product_of_two, [1.0, 2.0, 3.0], [1.0, 1.0, 1.0], dim=2)  # h = abx


def generic(setting):
    return ou.Setting(setting.h, setting.x, setting.y, setting.dim)


def ones(_rng, size):
    return np.ones(size)


def first_chain(rng):
    return spawn_streams(np.random.default_rng(rng), 1)[0]


def test_a_third_stream_leaves_the_first_two_as_they_were():
    for chain, alone in zip(spawn_streams(np.random.default_rng(3), 4), np.random.default_rng(3).spawn(4), strict=True):
        indices, noise = alone.spawn(2)
        np.testing.assert_array_equal(chain.indices.integers(0, 9, 50), indices.integers(0, 9, 50))
        np.testing.assert_array_equal(chain.noise.standard_normal(50), noise.standard_normal(50))


def test_streams_are_those_of_generators_that_spawn_in_whatever_order_they_are_asked_for():
    chains, alone = spawn_streams(np.random.default_rng([3, 4]), 2), np.random.default_rng([3, 4]).spawn(2)
    for chain, expected in zip(chains, (generator.spawn(3) for generator in alone), strict=True):
        for stream, other in reversed(list(zip(("indices", "noise", "gradient_noise"), expected, strict=True))):
            np.testing.assert_array_equal(getattr(chain, stream).random(5), other.random(5))
            assert getattr(chain, stream).spawn(1)[0].random() == other.spawn(1)[0].random()


def test_a_copy_of_streams_goes_on_from_where_each_is_and_leaves_it_there():
    chain, alone = first_chain(5), first_chain(5)
    chain.noise.random(3)
    alone.noise.random(3)
    for copy in (chain.copy(), pickle.loads(pickle.dumps(chain))):
        copy.noise.random(9)
        copy.indices.random(9)
    for one, other in zip(chain.copy(), alone, strict=True):
        np.testing.assert_array_equal(one.random(5), other.random(5))
    for one, other in zip(chain, first_chain(5), strict=True):
        assert (one.random() == other.random()) == (one is not chain.noise)


@pytest.mark.parametrize(
    ("options", "drawn"),
    [
        ({}, {"indices", "noise"}),
        ({"batch_size": "full"}, {"noise"}),
        ({"gradient_noise_std": 0.1}, {"indices", "noise", "gradient_noise"}),
    ],
)
def test_a_stream_that_nothing_is_drawn_from_is_not_made(options, drawn):
    run = ou.label_noise_sgd(SENSING, TRUTH, lr=0.01, noise_std=0.2, steps=2, rng=0, **options)
    assert vars(run.state.streams[0]).keys() & {"indices", "noise", "gradient_noise"} == drawn


class EveryDraw:
    """In place of a Generator: each tuple of integers that it could draw, once."""

    def integers(self, low, high, *, size, dtype, endpoint):
        assert endpoint
        draws = np.array(list(product(*(range(low, last + 1) for last in high))), dtype=dtype)
        assert draws.shape[1] == size[1]
        return draws


@pytest.mark.parametrize(("n", "batch"), [(2, 1), (5, 1), (5, 2), (5, 4), (6, 3), (7, 5)])
def test_every_set_of_distinct_data_comes_from_as_many_draws_as_any_other(n, batch):
    (drawn,) = draw_subsets(n, [EveryDraw()], (0, batch))
    sets, times = np.unique(np.sort(drawn, axis=1), axis=0, return_counts=True)
    assert sets.tolist() == [list(chosen) for chosen in combinations(range(n), batch)]
    assert len(set(times)) == 1


def test_sets_drawn_are_uniform_and_of_distinct_data():
    (drawn,) = np.sort(draw_subsets(6, [np.random.default_rng(0)], (60_000, 3)), axis=-1)
    assert np.all(np.diff(drawn, axis=1) > 0)
    _, times = np.unique(drawn, axis=0, return_counts=True)
    assert len(times) == 20
    assert chisquare(times).pvalue > 1e-4


@pytest.mark.parametrize("setting", [SENSING, generic(SENSING)])
@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 3, "replacement": False},
        {"batch_size": 2, "noise_std": [0.1, 0.2, 0.3, 0.4]},
        {"gradient_noise_std": 0.3},
        {"batch_size": 3, "replacement": False, "gradient_noise_std": 0.3, "momentum": 0.5, "noise": "rademacher"},
    ],
)
def test_a_path_depends_on_neither_segment_length_nor_the_number_of_chains(setting, options, monkeypatch):
    def run(chains):
        given = {"lr": 0.01, "noise_std": 0.2, "steps": 100, "rng": 7, "record": 30} | options
        return ou.label_noise_sgd(setting, TRUTH, chains=chains, **given).theta

    expected = run(3)
    for length in (1, 31, 10**6):
        monkeypatch.setattr(segments, "SEGMENT", length)
        np.testing.assert_array_equal(run(3), expected)
        np.testing.assert_array_equal(run(1), expected[:1])


@pytest.mark.parametrize("replacement", [True, False])
def test_a_segment_is_of_bounded_size_whatever_the_number_of_parameters(monkeypatch, replacement):
    sizes = []

    def law(rng, size):
        sizes.append(size)
        return rng.standard_normal(size)

    monkeypatch.setattr(segments, "SEGMENT", 50)
    run = {"lr": 0.01, "noise_std": 0.1, "steps": 7, "rng": 0, "noise": law, "batch_size": 2}
    ou.label_noise_sgd(SENSING, TRUTH, gradient_noise_std=0.1, replacement=replacement, **run)
    assert sizes == [(4, 2), (3, 2)]  # of 2 + 9 noises a step


def test_all_data_without_replacement_are_the_full_batch():
    run = {"lr": 0.01, "noise_std": [0.1, 0.2, 0.0, 0.3], "steps": 50, "rng": 7, "momentum": 0.3}
    every = ou.label_noise_sgd(SENSING, TRUTH, batch_size=4, replacement=False, **run)
    np.testing.assert_array_equal(every.theta, ou.label_noise_sgd(SENSING, TRUTH, batch_size="full", **run).theta)


@pytest.mark.parametrize(("batch_size", "replacement"), [(2, True), (2, False), ("full", True)])
def test_equal_sigmas_are_one_sigma(batch_size, replacement):
    run = {"lr": 0.01, "steps": 50, "rng": 7, "batch_size": batch_size, "replacement": replacement}
    each = ou.label_noise_sgd(SENSING, TRUTH, noise_std=np.full(4, 0.2), **run)
    np.testing.assert_array_equal(each.theta, ou.label_noise_sgd(SENSING, TRUTH, noise_std=0.2, **run).theta)


def test_a_full_batch_of_unequal_sigmas_by_hand():
    # h = abx at a = 1, b = 2 and ε_i = σ_i: r = 2x − 1 − σ_i = (1, 3, 1), mean r x = 10/3; a ← a − 2η·b·10/3, …
    run = ou.label_noise_sgd(
        PRODUCTS, [1.0, 2.0], lr=0.03, noise_std=[0.0, 0.0, 4.0], steps=1, rng=0, batch_size="full", noise=ones
    )
    np.testing.assert_allclose(run.theta[0, 0], [0.6, 1.8], rtol=1e-15)


@pytest.mark.parametrize("seed", range(3))
def test_a_batch_of_two_distinct_data_of_unequal_sigmas_by_hand(seed):
    # r x of each datum with ε_i = σ_i = (1, 2, 3): (0, 2, 6); a mean over two, and a ← 1 − 2η·mean·2, b ← 2 − 2η·mean.
    drawn = draw_subsets(3, [first_chain(seed).indices], (1, 2))[0, 0]
    mean = np.array([0.0, 2.0, 6.0])[drawn].sum() / 2
    run = ou.label_noise_sgd(
        PRODUCTS,
        [1.0, 2.0],
        lr=0.1,
        noise_std=[1, 2, 3],
        steps=1,
        rng=seed,
        batch_size=2,
        replacement=False,
        noise=ones,
    )
    np.testing.assert_allclose(run.theta[0, 0], [1 - 0.4 * mean, 2 - 0.2 * mean], rtol=1e-14)


@pytest.mark.parametrize("setting", [SQUARE, generic(SQUARE)])
def test_two_steps_with_gradient_noise_and_momentum_by_hand(setting):
    # h = u² with y = 4: ∇L = 4u(u² − 4); v ← βv − (∇L + sξ), u ← u + ηv.
    s, lr, momentum = 0.5, 0.01, 0.5
    first, second = first_chain(5).gradient_noise.standard_normal(2)
    run = ou.label_noise_sgd(
        setting, [1.0], lr=lr, noise_std=0, steps=2, rng=5, momentum=momentum, gradient_noise_std=s, record=1
    )
    v = -(4 * (1 - 4) + s * first)
    u = 1 + lr * v
    assert run.theta[0, 1, 0] == pytest.approx(u, rel=1e-15)
    v = momentum * v - (4 * u * (u**2 - 4) + s * second)
    assert run.theta[0, 2, 0] == pytest.approx(u + lr * v, rel=1e-15)


def test_gradient_noise_leaves_batches_and_label_noise_as_they_are():
    run = {"lr": 0.01, "noise_std": 0.2, "steps": 3, "rng": 7, "batch_size": 2}
    none = ou.label_noise_sgd(SENSING, TRUTH, **run).theta
    tiny = ou.label_noise_sgd(SENSING, TRUTH, gradient_noise_std=1e-12, **run).theta
    assert 0 < np.max(np.abs(tiny - none)) < 1e-12


RELAXED = {"lr": 0.1, "steps": 40, "chains": 8_000, "rng": 1}  # (1 − 2ηk)^80 is below 10^-17 at k = 2


@pytest.mark.parametrize("batch_size", [1, 3])
def test_stationary_variance_of_label_noise_on_one_datum(batch_size):
    # δ ← δ − (2η/B) Σ_b (⟨g, δ⟩ − ε_b) g: across the zero-error set variance ησ²/(B(1 − ηk)), k = ‖g‖², none along it.
    setting = ou.Setting(linear, [[1.0, -1.0]], [0.0], dim=2)
    theta = ou.label_noise_sgd(setting, [0, 0], noise_std=[0.7], batch_size=batch_size, **RELAXED).theta[:, 0]
    across, along = (theta @ np.array([1, -1]) / np.sqrt(2), theta @ np.array([1, 1]) / np.sqrt(2))
    assert z_of_mean(across**2, 0.1 * 0.49 / (batch_size * (1 - 0.1 * 2))) < 4
    assert np.max(np.abs(along)) < 1e-12


def test_stationary_variance_of_gradient_noise_on_one_datum_and_its_walk_along_the_zero_error_set():
    # δ ← δ − 2η⟨g, δ⟩g − ηsξ: across variance η²s²/(1 − (1 − 2ηk)²) = ηs²/(4k(1 − ηk)), along it η²s² a step.
    setting = ou.Setting(linear, [[1.0, -1.0]], [0.0], dim=2)
    theta = ou.label_noise_sgd(setting, [0, 0], noise_std=0, gradient_noise_std=0.7, **RELAXED).theta[:, 0]
    across, along = (theta @ np.array([1, -1]) / np.sqrt(2), theta @ np.array([1, 1]) / np.sqrt(2))
    assert z_of_mean(across**2, 0.1 * 0.49 / (4 * 2 * (1 - 0.1 * 2))) < 4
    assert z_of_mean(along**2, 0.1**2 * 0.49 * 40) < 4
    assert z_of_mean(across * along, 0.0) < 4


@pytest.mark.parametrize(
    ("replacement", "batch_size", "momentum"), [(True, 2, 0.0), (False, 2, 0.0), (False, 2, 0.5), (False, 3, 0.5)]
)
def test_the_covariance_of_a_linear_model_follows_the_recursion_over_all_batches(replacement, batch_size, momentum):
    data = np.array([[1.0, 0.5, 0.0], [0.0, 1.0, -0.5], [0.6, -0.2, 0.8]])
    sigma, s, lr, steps = np.array([0.5, 1.0, 2.0]), 0.4, 0.1, 25
    batches = list(product(range(3), repeat=batch_size) if replacement else combinations(range(3), batch_size))
    covariance, unit = np.zeros((6, 6)), np.eye(3)  # of (δ, v)
    for _ in range(steps):
        after = np.zeros((6, 6))
        for batch in batches:
            rows = data[list(batch)]
            curvature = 2 / batch_size * rows.T @ rows
            noise = (2 / batch_size) ** 2 * rows.T @ np.diag(sigma[list(batch)] ** 2) @ rows + s**2 * unit
            move = np.block([[unit - lr * curvature, lr * momentum * unit], [-curvature, momentum * unit]])
            kick = np.vstack([lr * unit, unit])
            after += (move @ covariance @ move.T + kick @ noise @ kick.T) / len(batches)
        covariance = after
    run = ou.label_noise_sgd(
        ou.Setting(linear, data, np.zeros(3), dim=3),
        np.zeros(3),
        lr=lr,
        noise_std=sigma,
        steps=steps,
        rng=2,
        chains=5_000,
        batch_size=batch_size,
        replacement=replacement,
        momentum=momentum,
        gradient_noise_std=s,
    )
    theta = run.theta[:, 0]
    assert np.max(z_of_mean(theta[:, :, None] * theta[:, None, :], covariance[:3, :3])) < 4


def test_one_substep_of_the_diffusion_is_full_batch_sgd_with_each_noise_raised():
    run = {"lr": 0.01, "steps": 100, "rng": 2, "chains": 2, "record": 50, "gradient_noise_std": 0.3}
    sigma = np.array([0.1, 0.0, 0.3, 0.2])
    sde = ou.label_noise_sde(SENSING, TRUTH, noise_std=sigma, batch_size=2, substeps=1, **run)
    sgd = ou.label_noise_sgd(SENSING, TRUTH, noise_std=sigma * np.sqrt(4 / 2), batch_size="full", **run)
    np.testing.assert_allclose(sde.theta, sgd.theta, rtol=0, atol=1e-13)  # eps of θ a step, 100 of them


@pytest.mark.parametrize("substeps", [1, 4])
def test_the_diffusion_of_two_orthogonal_data_has_the_variance_of_each_noise(substeps):
    # Modes of curvature 2k_i/n apart. Label noise: ησ_i²/(B(1 − ηk_i/(n·substeps))), isotropic: ηs²/((4k_i/n)(1 − …)).
    setting = ou.Setting(linear, [[1.0, 0.0], [0.0, 1.5]], [0.0, 0.0], dim=2)
    lr, batch, sigma, s, k = 0.2, 3, np.array([0.5, 2.0]), 1.5, np.array([1.0, 2.25])
    run = {"lr": lr, "steps": 100, "chains": 5_000, "batch_size": batch, "substeps": substeps}
    bias = 1 - lr * k / (2 * substeps)
    label = ou.label_noise_sde(setting, [0, 0], noise_std=sigma, rng=3, **run).theta[:, 0]
    assert np.max(z_of_mean(label**2, lr * sigma**2 / (batch * bias))) < 4
    isotropic = ou.label_noise_sde(setting, [0, 0], noise_std=0, gradient_noise_std=s, rng=4, **run).theta[:, 0]
    assert np.max(z_of_mean(isotropic**2, lr * s**2 / (2 * k * bias))) < 4
    assert z_of_mean(label[:, 0] * label[:, 1], 0.0) < 4
