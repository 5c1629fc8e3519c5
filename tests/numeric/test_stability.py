"""Verdicts and spectra against closed forms by hand, dense finite differences, and constructions of known inertia."""

from dataclasses import replace
from importlib import import_module

import autograd.numpy as anp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA, SUMS
from scipy.linalg import null_space

import ouanalysis as ou

LANCZOS = 1e-8  # of the largest curvature: it is asked for 1e-9 of the least less the largest
MODULE = import_module("ouanalysis.numeric.long_time.second_order")


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


PRODUCT = ou.Setting(product, [1.0], [2.0], dim=2)


# one datum, tanh: theory.md, section 4.3


def tanh_network(width, equal, *, y=1.5, x=(0.8, -0.6, 1.1), signs=1):
    """A stationary network of so many equal active neurons, the others zero, and its λ, s, c and ‖x‖."""
    x = np.array(x)
    norm, share = np.linalg.norm(x), y / equal
    w = norm * abs(share)
    s = np.sqrt(w / np.sqrt(1 + w**2))  # s⁴ = w²/(1 + w²)
    multiplier = np.sign(y) * 2 * norm * np.sqrt((1 - s**2) ** 3 / (1 + s**2))
    signs = np.resize(signs, equal)
    c, W = np.zeros(width), np.zeros((width, len(x)))
    c[:equal] = signs * share / s
    W[:equal] = np.outer(signs * np.arctanh(s), x / norm**2)
    setting = ou.SigmoidNetwork([x], [y], width)
    return setting, setting.pack(c=c, W=W), multiplier, s, share / s, norm


def tanh_spectrum(width, equal, multiplier, s, c, norm):
    """The curvatures in coordinates (c_j, w_jᵀx/‖x‖), ascending; the unseen are left out."""
    first, second, third = 1 - s**2, -2 * s * (1 - s**2), (1 - s**2) * (6 * s**2 - 2)  # φ', φ'', φ'''
    cc = 2 * norm**2 * first**2
    cz = 4 * c * norm**2 * first * second - multiplier * first
    zz = 2 * first**2 + 2 * s * second + 2 * c**2 * norm**2 * (second**2 + first * third) - multiplier * c * second
    block = np.array([[cc, norm * cz], [norm * cz, norm**2 * zz]])
    tangent = np.array([c * first * norm, -s])
    tangent /= np.linalg.norm(tangent)
    zeros = [2 * norm**2 - abs(multiplier) * norm, 2 * norm**2 + abs(multiplier) * norm]
    return np.sort(
        [*np.linalg.eigvalsh(block).tolist() * (equal - 1), tangent @ block @ tangent, *zeros * (width - equal)]
    )


@pytest.mark.parametrize("y", [1.5, -0.4, 5.0])
@pytest.mark.parametrize(("width", "equal"), [(1, 1), (2, 1), (2, 2), (4, 1), (4, 3), (5, 4), (6, 6)])
def test_equal_tanh_neurons_have_the_curvatures_of_the_closed_form(width, equal, y):
    setting, theta, *formula = tanh_network(width, equal, y=y)
    found = ou.stability(setting, theta)
    expected = tanh_spectrum(width, equal, *formula)
    np.testing.assert_allclose(found.eigenvalues, expected, rtol=0, atol=ALGEBRA * largest(found))
    np.testing.assert_allclose(found.multipliers, formula[0], rtol=ALGEBRA)
    assert found.negative == np.sum(expected < 0) == equal - 1
    assert found.verdict == ("minimum up to symmetry" if equal == 1 else "saddle")
    assert (found.unseen, found.symmetries, found.zero, found.rank) == (2 * width, 0, 0, 1)
    assert found.distance < ALGEBRA
    assert found.residual < ALGEBRA * largest(found)


def test_a_single_tanh_neuron_of_one_input_is_a_strict_minimum():
    setting, theta, *_ = tanh_network(1, 1, x=(1.3,))
    found = ou.stability(setting, theta)
    assert found.verdict == "strict minimum"
    assert "label noise stays about here" in repr(found)
    assert len(found.eigenvalues) == 1
    assert found.eigenvalues[0] > 0


def test_along_the_direction_of_a_saddle_reg_falls_on_the_zero_error_set():
    setting, theta, *_ = tanh_network(3, 2)
    found = ou.stability(setting, theta)
    assert np.linalg.norm(found.direction) == pytest.approx(1, rel=FORMULA)
    for step in (1e-2, 2e-2):
        moved = ou.interpolate(setting, theta + step * found.direction)
        fall = ou.regularizer(setting, moved) - found.reg
        # Even in the step, as exchanging the two neurons turns the direction round: the next term is its fourth power.
        assert fall == pytest.approx(found.eigenvalues[0] * step**2 / 2, rel=10 * step**2)
    assert "saddle: escapes along .direction" in repr(found)


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.permutations(range(4)),
    st.lists(st.sampled_from([-1.0, 1.0]), min_size=4, max_size=4),
)
def test_permuted_and_sign_flipped_tanh_neurons_are_judged_alike(width, equal, order, signs):
    equal = min(width, equal)
    setting, theta, *_ = tanh_network(width, equal)
    part, order, signs = setting.unpack(theta), [k for k in order if k < width], np.array(signs[:width])
    turned = setting.pack(c=(signs * part["c"])[order], W=(signs[:, None] * part["W"])[order])
    judged_alike(ou.stability(setting, theta), ou.stability(setting, turned))


def largest(found):
    return np.max(np.abs(found.eigenvalues), initial=EPS)


def judged_alike(one, other):
    for name in ("verdict", "symmetries", "unseen", "negative", "zero", "rank"):
        assert getattr(one, name) == getattr(other, name), name
    np.testing.assert_allclose(other.eigenvalues, one.eigenvalues, rtol=0, atol=ALGEBRA * largest(one))
    np.testing.assert_allclose(
        other.multipliers, one.multipliers, rtol=0, atol=ALGEBRA * np.max(np.abs(one.multipliers))
    )
    assert other.reg == pytest.approx(one.reg, rel=SUMS)
    steep = np.linalg.norm(ou.regularizer_gradient(one.setting, one.theta))
    assert other.gradient_norm == pytest.approx(one.gradient_norm, rel=ALGEBRA, abs=ALGEBRA * steep)


@given(st.permutations(range(3)), st.sampled_from([0.0, 0.3]))
def test_the_rate_of_a_repellent_point_does_not_depend_on_the_order_of_the_neurons(order, shift):
    setting, theta = ou.planted_sigmoid_network(2, 3, 3, rng=1)
    part = setting.unpack(theta + shift)
    setting = ou.SigmoidNetwork(setting.x, setting.predictions(theta + shift), 3)
    turned = setting.pack(c=part["c"][order], W=part["W"][order])
    one = ou.stability(setting, theta + shift)
    judged_alike(one, ou.stability(setting, turned))
    assert one.verdict == "repellent"
    assert one.unseen == 3 * (3 - 2)


# dense references: the Hessian of reg along a retraction, by finite differences


def brought_back(setting, theta):
    for _ in range(6):
        residual = setting.predictions(theta) - setting.y
        theta = theta - np.linalg.lstsq(ou.jacobian(setting, theta), residual, rcond=None)[0]
    return theta


def dense_spectrum(setting, theta, step):
    """Eigenvalues of the Hessian of t → reg(retraction of θ + Tt), central differences; those of symmetry included."""
    tangent = null_space(ou.jacobian(setting, theta))
    size = tangent.shape[1]

    def reg(offset):
        return ou.regularizer(setting, brought_back(setting, theta + tangent @ offset))

    unit, hessian = step * np.eye(size), np.zeros((size, size))
    for i in range(size):
        for j in range(i, size):
            plus, minus = unit[i] + unit[j], unit[i] - unit[j]
            hessian[i, j] = (reg(plus) + reg(-plus) - reg(minus) - reg(-minus)) / (4 * step**2)
            hessian[j, i] = hessian[i, j]
    return np.linalg.eigvalsh(hessian)


def with_zeros(found):
    return np.sort(np.concatenate([found.eigenvalues, np.zeros(found.symmetries + found.unseen)]))


def stationary_sensing(rng, d=4, n=6, rank=2):
    """From the flow."""
    setting, _ = ou.planted_matrix_sensing(d, rank, n, rng=rng)
    theta = ou.interpolate(setting, np.eye(d).ravel() / 2 + np.random.default_rng(rng).normal(size=d * d) / 10)
    flow = ou.regularized_flow(setting, theta, times=[500.0], gradient_tolerance=1e-8, rtol=1e-10)
    assert flow.status == "stationary"
    return setting, flow.theta[-1]


def of_exact_rank(setting, theta):
    """The same with the singular values below 1e-5 of the largest set to zero."""
    left, singular, right = np.linalg.svd(setting.unpack(theta)["U"])
    kept = np.where(singular > 1e-5 * singular[0], singular, 0)
    return brought_back(setting, setting.pack(U=(left * kept) @ right)), np.count_nonzero(kept)


@pytest.fixture(scope="module", params=[0, 1, 2])
def sensing(request):
    return stationary_sensing(request.param)


def test_sensing_curvatures_are_those_of_reg_along_a_retraction(sensing):
    setting, theta = sensing
    theta, _ = of_exact_rank(setting, theta)
    found = ou.stability(setting, theta)
    # Differences of step h: h² of truncation, and rounding of reg over h².
    np.testing.assert_allclose(
        with_zeros(found), dense_spectrum(setting, theta, 2e-4), rtol=0, atol=1e-4 * np.max(np.abs(found.eigenvalues))
    )


def test_sensing_symmetries_are_the_dimension_of_the_orbit_of_rotations(sensing):
    setting, theta = sensing
    theta, rank = of_exact_rank(setting, theta)
    found, d = ou.stability(setting, theta), setting.d
    # Rotations of the d columns, less those of the d − rank that are zero.
    assert found.symmetries == (d * (d - 1) - (d - rank) * (d - rank - 1)) // 2
    assert len(found.eigenvalues) == setting.dim - setting.n - found.symmetries
    assert (found.zero, found.negative, found.unseen) == (0, 0, 0)
    assert found.verdict == "minimum up to symmetry"


def test_where_the_flow_ends_is_judged_like_the_low_rank_point_that_it_tends_to(sensing):
    # At distance 1e-7 of it the columns that vanish there must not count as rotated into each other.
    setting, theta = sensing
    limit, _ = of_exact_rank(setting, theta)
    assert np.linalg.norm(limit - theta) < 1e-7 * np.linalg.norm(theta)
    near, at = ou.stability(setting, theta), ou.stability(setting, limit)
    assert (near.verdict, near.symmetries) == (at.verdict, at.symmetries)
    np.testing.assert_allclose(near.eigenvalues, at.eigenvalues, rtol=0, atol=10 * 1e-7 * largest(at))


def test_rotating_u_changes_no_verdict(sensing):
    setting, theta = sensing
    limit, _ = of_exact_rank(setting, theta)
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    turned = setting.pack(U=setting.unpack(limit)["U"] @ rotation)
    judged_alike(ou.stability(setting, limit), ou.stability(setting, turned))


def test_a_sensing_start_is_repellent_at_the_rate_at_which_its_flow_falls():
    setting, _ = ou.planted_matrix_sensing(4, 1, 6, rng=0)
    theta = ou.interpolate(setting, np.eye(4).ravel() / 2)
    found = ou.stability(setting, theta)
    assert found.verdict == "repellent"
    rotation = np.linalg.qr(np.random.default_rng(0).normal(size=(4, 4)))[0]
    judged_alike(found, ou.stability(setting, setting.pack(U=setting.unpack(theta)["U"] @ rotation)))
    assert f"reg falls by {found.gradient_norm**2:.4g} a flow time; see regularized_flow" in repr(found)

    run = {"lr": 1e-3, "noise_std": 0.3, "batch_size": 2, "momentum": 0.5}
    expected = (1e-3 * 0.3 / 0.5) ** 2 / 2 * found.gradient_norm**2
    assert found.fall_per_step(**run) == pytest.approx(expected, rel=FORMULA)
    full = found.fall_per_step(lr=1e-3, noise_std=0.3, batch_size="full")
    assert full == pytest.approx((1e-3 * 0.3) ** 2 / 6 * found.gradient_norm**2, rel=FORMULA)

    time = 1e-4 * found.reg / found.gradient_norm**2
    reg = ou.regularized_flow(setting, theta, times=time * np.arange(3), rtol=1e-12).reg
    rate = (3 * reg[0] - 4 * reg[1] + reg[2]) / (2 * time)  # to second order in time
    # Its truncation is the square of time over that in which the rate changes, 1e-8, as is rtol of reg over the fall.
    assert rate == pytest.approx(found.gradient_norm**2, rel=1e-6)


def test_the_residual_and_rate_of_a_minimum_are_rounding():
    setting, theta, *_ = tanh_network(2, 1)
    found = ou.stability(setting, theta)
    assert found.fall_per_step(lr=0.1, noise_std=1.0) < (0.1 * SUMS) ** 2  # η²σ² by the square of a gradient


# ReLU: two neurons that share one pattern, by hand


def shared_relu(angles, width=2):
    """x = −1, 0, 1, y = 0, 0, 1; neurons active on x = 1 alone, with (c, u)_j = 2^{−1/4} cos/sin of an angle, z = √2 u.

    Σ c z = 1 and reg = Σ (z² + 2c²)/3 + const, least where the sums are balanced.
    """
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], width)
    weights = 2**-0.25 * np.array(angles)
    z = np.sqrt(2) * weights
    return setting, setting.pack(a=2 * z, b=-z, c=weights, alpha=0.0, beta=0.0)


def test_one_balanced_relu_neuron_has_curvature_8_thirds():
    # (4/3)(I + [[0, −1], [−1, 0]]) in (c, u): 0 along (1, 1), normal to the set, and 8/3 along (1, −1).
    setting, theta = shared_relu([1.0], width=1)
    found = ou.stability(setting, theta)
    assert found.verdict == "minimum up to symmetry"
    assert (found.unseen, found.symmetries) == (1, 0)
    np.testing.assert_allclose(found.eigenvalues, [8 / 3], rtol=SUMS)


@given(st.floats(0.1, 1.4), st.permutations(range(2)))
def test_relu_neurons_of_one_pattern_are_one_neuron_up_to_rotation(angle, order):
    setting, theta = shared_relu([np.cos(angle), np.sin(angle)])
    found = ou.stability(setting, theta)
    assert found.verdict == "minimum up to symmetry"
    assert (found.unseen, found.symmetries) == (2, 1)
    np.testing.assert_allclose(found.eigenvalues, [8 / 3, 8 / 3], rtol=ALGEBRA)
    part = setting.unpack(theta)
    turned = setting.pack(**{name: part[name][order] if name in "abc" else part[name] for name in part})
    judged_alike(found, ou.stability(setting, turned))


def test_a_dead_relu_neuron_is_three_unseen_parameters():
    setting, theta = shared_relu([1.0, 0.0])
    part = setting.unpack(theta)
    dead = setting.pack(**(part | {"a": [part["a"][0], -1.0], "b": [part["b"][0], -3.0], "c": [part["c"][0], 7.0]}))
    found = ou.stability(setting, dead)
    assert (found.verdict, found.unseen, found.symmetries) == ("minimum up to symmetry", 4, 0)
    assert "1 dead neuron is active on no datum" in repr(found)


@given(st.permutations(range(6)))
def test_permuted_relu_neurons_are_judged_alike(order):
    rng = np.random.default_rng(2)
    x, theta = np.linspace(-1, 1, 4), rng.normal(size=20)
    setting = ou.ReluNetwork(x, ou.ReluNetwork(x, np.zeros(4), 6).predictions(theta), 6)
    part = setting.unpack(theta)
    turned = setting.pack(**{name: part[name][order] if name in "abc" else part[name] for name in part})
    judged_alike(ou.stability(setting, theta), ou.stability(setting, turned))


# constructions of known inertia


def bent(theta, x):
    """a·x + Σ_j (u_j − q_j u_j³/6) of x = (one-hot, q): reg_uu = −2q at u = 0, where ∇²h = 0."""
    size = x.shape[-1] // 2
    a, u, hot, q = theta[..., :size], theta[..., size:], x[..., :size], x[..., size:]
    return anp.sum(a * hot, axis=-1) + anp.sum(u - q * u**3 / 6, axis=-1)


def of_known_inertia(signs):
    """As many data as signs: each has its own a_i, and all see every u_j."""
    q, size = np.array(signs, dtype=float), len(signs)
    x = np.concatenate([np.eye(size), np.broadcast_to(q, (size, size))], axis=1)
    return ou.Setting(bent, x, np.ones(size), dim=2 * size), np.concatenate([np.ones(size), np.zeros(size)])


@given(st.lists(st.sampled_from([-1, 0, 1]), min_size=1, max_size=5))
def test_the_inertia_is_counted_as_constructed(signs):
    # On the set da = −Σ du, so u are coordinates, reg = const − Σ q u² + ..., and Sylvester's law gives signs.
    setting, theta = of_known_inertia(signs)
    found = ou.stability(setting, theta)
    negative, zero = signs.count(1), signs.count(0)
    # Where q = 0, u and the a_i make up for each other in a linear model: what no datum sees is no curvature.
    assert (found.negative, found.zero, len(found.eigenvalues)) == (negative, 0, len(signs) - zero)
    assert (found.symmetries, found.unseen) == (0, zero)
    expected = "saddle" if negative else "minimum up to symmetry" if zero else "strict minimum"
    assert found.verdict == expected
    if not negative:
        assert "label noise stays about here" in repr(found)
    if zero < len(signs):
        assert f"{negative} negative, 0 zero of {len(signs) - zero} curvatures" in repr(found)
    tangent = null_space(ou.jacobian(setting, theta))
    hessian = tangent.T @ np.diag([0.0] * len(signs) + [-2.0 * s for s in signs]) @ tangent
    curvatures = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(found.eigenvalues, curvatures[np.abs(curvatures) > ALGEBRA], rtol=0, atol=SUMS)


def flat_at_second_order(theta, x):
    """a x + u − q uᵏ: reg = x² + (1 − qk uᵏ⁻¹)² has the curvature 0 at u = 0 for k > 3, and is not constant."""
    return theta[..., 0] * x[..., 0] + theta[..., 1] - x[..., 1] * theta[..., 1] ** 5


@pytest.mark.parametrize("q", [-1.0, 1.0, 1e-3])
def test_flatness_at_second_order_alone_is_undecided(q):
    found = ou.stability(ou.Setting(flat_at_second_order, [[1.0, q]], [1.0], dim=2), [1.0, 0.0])
    assert (found.verdict, found.zero, found.symmetries) == ("no negative curvature above tol", 1, 0)
    assert "undecided at second order" in repr(found)


def test_of_flat_directions_only_the_symmetric_ones_are_counted_as_such():
    # Turning θ_2, θ_3, θ_4, and trading their length for a, change neither h nor reg; u is flat as above.
    def both(theta, x):
        return flat_at_second_order(theta, x) + anp.sqrt(anp.sum(theta[..., 2:] ** 2, axis=-1))

    found = ou.stability(ou.Setting(both, [[1.0, 1.0]], [4.0], dim=5), [1.0, 0.0, 1.0, 2.0, 2.0])
    assert (found.verdict, found.zero, found.symmetries) == ("no negative curvature above tol", 1, 3)


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def distance(theta, x):
    return anp.sqrt(anp.sum(theta**2, axis=-1)) * x


def test_of_a_linear_model_every_curvature_is_zero():
    found = ou.stability(ou.Setting(linear, [[1.0, 2.0, 2.0]], [9.0], dim=3), [1.0, 2.0, 2.0])
    # What no prediction depends on is counted apart.
    assert (found.verdict, found.zero, found.unseen) == ("minimum up to symmetry", 0, 2)


@pytest.mark.parametrize("theta", [[1.0, 2.0, 2.0], [2.0, 1.0, 2.0], [1.8, 2.4, 0.0]])
def test_where_reg_is_constant_rounding_is_no_curvature(theta):
    # h = ‖θ‖: ‖∇h‖ = 1 everywhere.
    found = ou.stability(ou.Setting(distance, [1.0], [3.0], dim=3), theta)
    assert (found.verdict, found.symmetries, len(found.eigenvalues)) == ("minimum up to symmetry", 2, 0)


def test_where_the_data_leave_no_freedom_a_point_is_a_strict_minimum():
    setting = ou.Setting(linear, np.eye(2), [1.0, 2.0], dim=2)
    found = ou.stability(setting, [1.0, 2.0])
    assert (found.verdict, len(found.eigenvalues)) == ("strict minimum", 0)
    assert "curvature" not in repr(found)


@pytest.mark.parametrize(("theta", "verdict"), [([2.0, 1.0], "repellent"), (np.sqrt([2.0, 2.0]), "strict minimum")])
def test_only_balanced_factors_stay(theta, verdict):
    found = ou.stability(PRODUCT, theta)
    assert found.verdict == verdict
    a, b = theta
    assert found.gradient_norm == pytest.approx(2 * abs(a**2 - b**2) / np.hypot(a, b), abs=FORMULA)
    if verdict == "strict minimum":  # reg = √(D² + 16), (D/ds)² = 4k along the unit tangent: 16/4 = 4
        np.testing.assert_allclose(found.eigenvalues, [4.0], rtol=FORMULA)


# where derivatives do not decide


def test_a_kink_on_a_datum_is_nonsmooth():
    setting, truth = ou.planted_relu_network(6, 1, rng=0)
    found = ou.stability(setting, truth)
    assert found.verdict == "nonsmooth"
    assert "reg jumps here; compare reg with the least regularizer instead" in repr(found)
    assert "a kink is on a datum" in repr(found)
    assert len(found.eigenvalues) == 0


def test_a_neuron_on_the_brink_everywhere_is_nonsmooth():
    # a = b = 0 and c ≠ 0: any small (a, b) adds c²(1 + x²)/n to reg.
    setting = ou.ReluNetwork([-1.0, 1.0], [0.0, 0.0], width=2)
    theta = setting.pack(a=[1.0, 0.0], b=[-2.0, 0.0], c=[0.0, 1.0], alpha=0, beta=0)
    assert ou.kink_distance(setting, theta) == 0
    assert ou.stability(setting, theta).verdict == "nonsmooth"


def test_the_notes_of_a_nonsmooth_point_name_the_kink():
    # c = 0, yet reg jumps wherever c is not.
    setting = ou.ReluNetwork([-1.0, 0.0, 1.0], [0.0, 0.0, 1.0], 2)
    theta = setting.pack(a=[2.0, 1.0], b=[-1.0, 0.0], c=[1.0, 0.0], alpha=0, beta=0)
    found = ou.stability(setting, theta)
    assert found.verdict == "nonsmooth"
    assert "kink is on a datum" in repr(found)


def test_duplicate_data_are_judged_as_the_data_once_and_named():
    x = np.array([[1.0, 2.0], [0.5, 1.0]])
    theta = np.array([1.0, -1.0, 0.5, 1.0, 0.5, 0.7, 0.5, 0.3, -0.1])
    y = ou.SigmoidNetwork(x, [0.0, 0.0], width=3).predictions(theta)
    once = ou.SigmoidNetwork(x, y, width=3)
    twice = ou.SigmoidNetwork(x[[0, 0, 1, 1]], y[[0, 0, 1, 1]], width=3)  # the means over the data are the same
    for start in (theta, ou.regularized_flow(once, theta, times=[1e4], method="LSODA").theta[-1]):
        single, double = ou.stability(once, start), ou.stability(twice, start)
        assert (double.verdict, double.rank) == (single.verdict, 2)
        assert double.reg == pytest.approx(single.reg, rel=FORMULA)
        np.testing.assert_allclose(double.eigenvalues, single.eigenvalues, rtol=0, atol=ALGEBRA * largest(single))
        assert "J has rank 2 for 4 data, constant about here" in repr(double)
        assert "2 of the data are duplicates (x_0 = x_1, x_2 = x_3)" in repr(double)


def test_where_j_vanishes_a_point_is_degenerate():
    found = ou.stability(ou.MatrixSensing([np.eye(2)], [0.0]), np.zeros(4))
    assert (found.verdict, found.rank, found.reg) == ("degenerate", 0, 0.0)
    assert (found.distance, found.fall_per_step(lr=0.1, noise_std=1.0)) == (0, 0)
    assert "J has rank 0 for 1 data, and more beside" in repr(found)


def test_next_to_a_low_rank_point_where_j_loses_rank_a_point_is_degenerate_too():
    # The only X ⪰ 0 of these measurements has rank one: reg is constant on the set, and J = (S_i U) has rank 4 of 6
    # there. At 2e-6 of it J's least singular value is 2e-8 of the largest, and multipliers prove nothing.
    setting, truth = ou.planted_matrix_sensing(4, 1, 6, rng=5)
    theta = ou.interpolate(setting, np.eye(4).ravel() / 2)
    factor, planted = (setting.unpack(each)["U"] for each in (theta, truth))
    np.testing.assert_allclose(factor @ factor.T, planted @ planted.T, rtol=0, atol=10 * 2e-6**2)  # the further columns
    assert ou.stability(setting, truth).verdict == "degenerate"
    assert ou.stability(setting, theta).verdict == "degenerate"


def test_a_point_without_freedom_is_a_strict_minimum_for_more_data_than_parameters_too():
    setting = ou.Setting(linear, [[1.0], [2.0]], [1.0, 2.0], dim=1)
    assert ou.stability(setting, [1.0]).verdict == "strict minimum"


def times_both(theta, x):
    return theta[..., 0] * theta[..., 1] * x


@pytest.mark.parametrize("theta", [[2.0, 1.0], np.sqrt([2.0, 2.0])])
def test_where_the_rank_is_low_everywhere_the_set_is_smooth_and_judged(theta):
    # h = abx: both data see ab alone, and reg is mean(x²) = 5/2 times that of the one x = 1.
    one, two = (
        ou.stability(ou.Setting(times_both, x, 2 * x, dim=2), theta) for x in (np.ones(1), np.array([1.0, 2.0]))
    )
    assert (two.verdict, two.rank) == (one.verdict, 1)
    assert two.reg == pytest.approx(2.5 * one.reg, rel=FORMULA)
    assert two.gradient_norm == pytest.approx(2.5 * one.gradient_norm, rel=FORMULA, abs=FORMULA)
    np.testing.assert_allclose(two.eigenvalues, 2.5 * one.eigenvalues, rtol=FORMULA)


def test_a_linear_network_of_more_data_than_inputs_is_judged():
    # h = v W x: its minimum balances the layers, W = u vᵀ; beside it noise drives it there.
    rng = np.random.default_rng(0)
    x, target = rng.standard_normal((7, 3)), rng.standard_normal(3)

    def h(theta, x):
        v, W = theta[..., :2], anp.reshape(theta[..., 2:], (*theta.shape[:-1], 2, 3))
        return anp.sum(v * anp.sum(W * x[..., None, :], axis=-1), axis=-1)

    setting = ou.Setting(h, x, x @ target, dim=8)
    theta = ou.interpolate(setting, rng.standard_normal(8))
    assert ou.stability(setting, theta).verdict == "repellent"
    end = ou.regularized_flow(setting, theta, times=[1e3], method="LSODA")
    assert end.status == "stationary"
    assert ou.stability(setting, end.theta[-1]).verdict == "minimum up to symmetry"


# many parameters: the least curvature alone


@pytest.mark.parametrize(("width", "equal"), [(1, 1), (2, 2), (4, 1), (4, 3), (5, 4)])
def test_the_least_curvature_of_a_tanh_network_is_the_dense_one(monkeypatch, width, equal):
    setting, theta, *_ = tanh_network(width, equal)
    dense = ou.stability(setting, theta)
    least_alone_agrees(monkeypatch, dense)


@pytest.mark.parametrize("signs", [[1, 0, -1], [-1, -1, -1], [0, 0, 0], [-1, 0, 0, -1], [1, 1, 1, 1, -1]])
def test_the_least_curvature_of_a_known_inertia_is_the_dense_one(monkeypatch, signs):
    least_alone_agrees(monkeypatch, ou.stability(*of_known_inertia(signs)))


def test_the_least_curvature_of_sensing_is_the_dense_one(monkeypatch, sensing):
    setting, theta = sensing
    least_alone_agrees(monkeypatch, ou.stability(setting, of_exact_rank(setting, theta)[0]))


def least_alone_agrees(monkeypatch, dense):
    monkeypatch.setattr(MODULE, "DENSE", 0)
    found = ou.stability(dense.setting, dense.theta)
    least = min([*dense.eigenvalues[:1], *([0.0] if dense.unseen or dense.symmetries else [])])
    assert (found.unseen, found.symmetries) == (None, None)
    np.testing.assert_allclose(found.eigenvalues, [least], rtol=0, atol=LANCZOS * largest(dense))
    assert found.verdict == ("saddle" if dense.verdict == "saddle" else "no negative curvature above tol")
    if dense.eigenvalues.any():
        assert found.residual <= LANCZOS * largest(dense)
        assert np.linalg.norm(ou.jacobian(dense.setting, dense.theta) @ found.direction) < LANCZOS
        assert np.linalg.norm(found.direction) == pytest.approx(1, rel=FORMULA)
    assert "symmetry, None" not in repr(found)
    assert repr(found)


@pytest.mark.parametrize(("equal", "verdict"), [(2, "saddle"), (1, "no negative curvature above tol")])
def test_past_3000_parameters_the_least_curvature_is_still_found(equal, verdict):
    setting, theta, *formula = tanh_network(1501, equal, x=(1.3,))
    assert setting.dim > MODULE.DENSE
    found = ou.stability(setting, theta)
    expected = tanh_spectrum(1501, equal, *formula)
    assert found.verdict == verdict
    np.testing.assert_allclose(found.eigenvalues, expected[:1], rtol=0, atol=LANCZOS * np.max(np.abs(expected)))
    assert (found.symmetries, found.unseen) == (None, None)
    assert "least curvature to within" in repr(found)


def test_past_3000_parameters_a_linear_model_has_no_curvature():
    x = np.random.default_rng(0).normal(size=(1, 3001))
    found = ou.stability(ou.Setting(linear, x, [np.sum(x)], dim=3001), np.ones(3001))
    assert (found.verdict, found.negative) == ("no negative curvature above tol", 0)


# arguments and repr


def test_a_point_off_the_zero_error_set_is_refused():
    with pytest.raises(
        ValueError, match=r"theta: expected a point of the zero-error set .* got residual 2; call inter"
    ):
        ou.stability(PRODUCT, [2.0, 2.0])


@pytest.mark.parametrize("tol", [0.0, -1.0, np.nan])
def test_tol_must_be_above_zero(tol):
    with pytest.raises(ValueError, match="tol: expected a finite number above 0"):
        ou.stability(PRODUCT, [2.0, 1.0], tol=tol)


def test_theta_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"theta: expected shape \(2,\), got \(3,\)"):
        ou.stability(PRODUCT, [2.0, 1.0, 0.0])
    with pytest.raises(TypeError, match="setting: expected a Setting, got str"):
        ou.stability("h = ab", [2.0, 1.0])


def test_tol_decides_what_counts_as_stationary():
    theta = [np.sqrt(2) * 1.001, np.sqrt(2) / 1.001]
    assert ou.stability(PRODUCT, theta).verdict == "repellent"
    assert ou.stability(PRODUCT, theta, tol=1e-2).verdict == "strict minimum"
    found = ou.stability(PRODUCT, theta)
    distance = np.linalg.norm(np.array(theta) - np.sqrt(2))
    assert found.distance == pytest.approx(distance, rel=1e-3)  # to first order in it
    assert replace(found, tol=1.0).tol == 1.0


@pytest.mark.parametrize("tol", [1e-3, 1e-6, 1e-9])
@pytest.mark.parametrize(("ratio", "rank"), [(3.0, 2), (1 / 3, 1)])
@pytest.mark.parametrize("size", [1.0, 1e-3, 1e3])
def test_the_rank_counts_squared_singular_values_of_unit_rows_down_to_tol_of_the_largest(tol, ratio, rank, size):
    # Two unit rows at an angle α: the squared singular values are 1 ± cos α, in the ratio tan²(α/2).
    angle = 2 * np.arctan(np.sqrt(ratio * tol))
    data = [[1.0, 0.0, 0.0], [size * np.cos(angle), size * np.sin(angle), 0.0]]
    assert ou.stability(ou.Setting(linear, data, [0.0, 0.0], dim=3), np.zeros(3), tol=tol).rank == rank
