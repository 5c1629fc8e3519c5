"""The two claims of Blanc et al. 2020 (arXiv:1904.09080), section 4.2, on ReLU networks through one-dimensional data.

1. The function changes convexity the fewest times that the data allow.
2. It is linear over every run of three or more collinear data.

Both at the least regularizer and wherever N∇reg = 0 with no kink on a datum: theory.md, section 4.2. The data are
dyadic, so that fractions decide what is collinear and how often a function through them must turn.
"""

from fractions import Fraction
from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, FORMULA
from scipy.linalg import null_space
from scipy.optimize import brentq

import ouanalysis as ou

# what the data allow, exactly


def second_differences(x, y):
    """The changes of chord slope at the inner data, as fractions; x ascending."""
    x, y = ([Fraction(float(entry)) for entry in data] for data in (x, y))
    chords = [(y[i + 1] - y[i]) / (x[i + 1] - x[i]) for i in range(len(x) - 1)]
    return [after - before for before, after in pairwise(chords)]


def sign_changes(values):
    signs = [value > 0 for value in values if value != 0]
    return sum(one != other for one, other in pairwise(signs))


def fewest_convexity_changes(x, y):
    """Between two data where the chords turn one way and the other a function through them turns both ways too."""
    return sign_changes(second_differences(x, y))


def collinear_triples(x, y):
    """(first, last) x of each; longer runs are triples that overlap."""
    return [(x[i], x[i + 2]) for i, bend in enumerate(second_differences(x, y)) if bend == 0]


def claims_violated(x, y, kinks, changes):
    """Which of the claims 1 and 2 a function through the data violates by its kinks, ascending, and slope changes."""
    violated = {1} if sign_changes(changes) > fewest_convexity_changes(x, y) else set()
    bends = [kink for kink, change in zip(kinks, changes, strict=True) if change != 0]
    inside = any(first < kink < last for first, last in collinear_triples(x, y) for kink in bends)
    return violated | ({2} if inside else set())


def test_the_count_of_what_the_data_allow_is_that_of_hand_drawn_data():
    assert fewest_convexity_changes([0, 1, 2, 3], [0, 0, 1, 3]) == 0
    assert fewest_convexity_changes([0, 1, 2, 3, 4, 5], [0, 1, 1, 2, 2, 3]) == 3
    assert fewest_convexity_changes([-2, -1, 0, 1, 2], [0, 0, 0.5, 1, 1]) == 1
    assert collinear_triples([-2, -1, 0, 1, 2], [0, 0, 0.5, 1, 1]) == [(-1, 1)]
    assert claims_violated([-2, -1, 0, 1, 2], [0, 0, 0.5, 1, 1], [-1, 1], [0.5, -0.5]) == set()
    assert claims_violated([-2, -1, 0, 1, 2], [0, 0, 0.5, 1, 1], [-0.5, 0.5], [1, -1]) == {2}
    assert claims_violated([0, 1, 2, 3], [0, 0, 1, 3], [0.5, 1, 2], [-1, 1, 1]) == {1}


# at the least regularizer


def obeys_both_claims(x, y):
    setting = ou.ReluNetwork(x, y, 1)
    found = ou.minimum(setting)
    constant = np.mean(1 + setting.x**2)
    assert found.lower_bound <= found.value * (1 + 64 * EPS)
    # What the solver is asked for is 1e-11, of its scaled variables; bends may cost the whole of value − constant.
    assert found.gap <= 1e-8 * (found.value - constant) + 64 * EPS * found.value
    assert found.convexity_changes == fewest_convexity_changes(x, y)
    assert claims_violated(x, y, found.function.kinks.tolist(), found.function.slope_changes.tolist()) == set()


def planted(rng, *, collinear):
    """4 to 8 points, dyadic, distinct, x ascending in [-4, 4]; three neighbours on one line if collinear."""
    n = int(rng.integers(4, 9))
    x = np.sort(rng.choice(np.arange(-64, 65), size=n, replace=False)) / 16
    y = rng.integers(-64, 65, size=n) / 16
    if collinear:
        first, slope = int(rng.integers(n - 2)), rng.integers(-16, 17) / 8
        triple = slice(first, first + 3)
        y[triple] = y[first] + slope * (x[triple] - x[first])  # exact: few binary places
    return x, y


@pytest.mark.parametrize("block", range(10))
@pytest.mark.parametrize("collinear", [False, True])
def test_the_optimum_of_random_data_obeys_both_claims(collinear, block):
    rng = np.random.default_rng([2020, 1904, collinear, block])
    triples = 0
    for _ in range(10):
        x, y = planted(rng, collinear=collinear)
        obeys_both_claims(x, y)
        triples += len(collinear_triples(x, y))
    assert triples >= 10 * collinear


@st.composite
def dyadic_data(draw):
    """Runs of data, some of them collinear: gaps of x in 1/8 to 2, chord slopes in [-4, 4], repeated in places."""
    lengths = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    slopes = [slope / 4 for slope in draw(st.lists(st.integers(-16, 16), min_size=len(lengths), max_size=len(lengths)))]
    chords = np.repeat(slopes, lengths)
    gaps = np.array(draw(st.lists(st.integers(1, 16), min_size=len(chords), max_size=len(chords)))) / 8
    x = draw(st.integers(-32, 16)) / 8 + np.concatenate([[0.0], np.cumsum(gaps)])
    return x, np.concatenate([[0.0], np.cumsum(chords * gaps)])


@given(dyadic_data())
@example(
    (
        np.array([-13, -12, -11, -10, -9, -8, -7, -4, -3, -2, -1, 2]) / 8,
        np.array([0, 0, 0, 0, 0, 7, 14, 35, 25, 19, 13, -5]) / 32,
    )
)
def test_the_optimum_obeys_both_claims(data):
    obeys_both_claims(*data)


# the step of the proof: two kinks of one facing and sign between the same data are better as one


def unit_of(setting, facing, kinks, changes, scales):
    """A network with a neuron a kink, facing one side, |a| = scale, and no linear or constant unit."""
    a = facing * np.array(scales)
    return setting.pack(a=a, b=-a * np.array(kinks), c=np.array(changes) / np.abs(a), alpha=0.0, beta=0.0)


@st.composite
def two_kinks(draw):
    """Data, a facing, two kinks strictly between neighbours and two slope changes of one sign."""
    x = np.cumsum(draw(st.lists(st.integers(1, 16), min_size=3, max_size=6))) / 8 - 2
    i = draw(st.integers(0, len(x) - 2))
    kinks = [x[i] + share / 64 * (x[i + 1] - x[i]) for share in draw(st.tuples(*[st.integers(1, 63)] * 2))]
    sign = draw(st.sampled_from([-1.0, 1.0]))
    changes = [sign * size / 16 for size in draw(st.tuples(*[st.integers(1, 64)] * 2))]
    return x, draw(st.sampled_from([-1, 1])), np.array(kinks), np.array(changes)


def rounding_of_kinks(x, changes):
    """What the rounding of a kink can cost: ‖x − k‖ changes by √n of it at most."""
    steepest = 2 / len(x) * np.sqrt(np.sum(1 + x**2) * len(x))
    return 4 * EPS * np.max(np.abs(x)) * steepest * np.sum(np.abs(changes))


@given(two_kinks())
def test_merging_two_kinks_of_a_facing_and_sign_within_an_interval_costs_no_more(drawn):
    x, facing, kinks, changes = drawn
    merged = changes @ kinks / np.sum(changes)
    facing = "right" if facing > 0 else "left"
    apart = np.abs(changes) @ ou.kink_cost(x, kinks, facing=facing)
    together = np.abs(np.sum(changes)) * ou.kink_cost(x, merged, facing=facing)
    assert together <= apart * (1 + 32 * EPS) + rounding_of_kinks(x, changes)


@given(two_kinks(), st.tuples(*[st.floats(0.25, 4.0)] * 2))
def test_merging_two_neurons_of_a_facing_and_sign_within_an_interval_never_raises_reg(drawn, scales):
    x, facing, kinks, changes = drawn
    setting = ou.ReluNetwork(x, np.zeros(len(x)), 2)
    apart = unit_of(setting, facing, kinks, changes, scales)
    merged = [changes @ kinks / np.sum(changes), 0.0]
    together = ou.balanced(setting, unit_of(setting, facing, merged, [np.sum(changes), 0.0], [1.0, 1.0]))
    size = np.abs(changes) @ np.abs(x - kinks[:, None])
    np.testing.assert_allclose(
        setting.predictions(together), setting.predictions(apart), rtol=0, atol=32 * EPS * np.max(size)
    )
    least = ou.regularizer(setting, together)
    assert least <= ou.regularizer(setting, apart) * (1 + 32 * EPS) + rounding_of_kinks(x, changes)


# networks with no kink on a datum: two data on a first line, single data with a piece of their own, two on a last line


def middle_pieces(x, y, slopes):
    """Kinks and slope changes of the function through the data whose pieces through the single data have these slopes.

    Its first piece is the line through the first two data and its last that through the last two.
    """
    chords = np.diff(y) / np.diff(x)
    slopes = np.array([chords[0], *slopes, chords[-1]])
    places, values = x[1:-1], y[1:-1] - slopes * x[1:-1]  # of each piece: a datum on it, its value at 0
    kinks = -np.diff(values) / np.diff(slopes)
    assert np.all((places[:-1] < kinks) & (kinks < places[1:]))
    return kinks, np.diff(slopes)


def network(x, y, slopes, facing):
    """The balanced network of that function, a neuron a kink facing right (1) or left (−1)."""
    kinks, changes = middle_pieces(x, y, slopes)
    setting, facing = ou.ReluNetwork(x, y, len(kinks)), np.array(facing)
    alpha = (y[1] - y[0]) / (x[1] - x[0]) + np.sum(changes[facing < 0])  # facing left c = change, a = −1
    hidden = changes @ np.maximum(facing * (x[0] - kinks), 0)
    return setting, ou.balanced(
        setting,
        setting.pack(a=facing, b=-facing * kinks, c=changes, alpha=alpha, beta=y[0] - alpha * x[0] - hidden),
    )


def cost(x, y, slopes, facing):
    """Its regularizer, by hand: (2/n) √Σ(1 + x²) ‖change (x − kink)‖ over the data that each neuron faces."""
    total = np.mean(1 + x**2)
    for kink, change, side in zip(*middle_pieces(x, y, slopes), facing, strict=True):
        faced = x[side * (x - kink) > 0]
        total += 2 / len(x) * np.sqrt(np.sum(1 + faced**2)) * np.linalg.norm(change * (faced - kink))
    return total


def rounding(setting, theta):
    """Of the predictions."""
    part = {name: np.abs(array) for name, array in setting.unpack(theta).items()}
    x = np.abs(setting.x)
    hidden = (part["a"] * x[:, None] + part["b"]) @ part["c"]
    return 16 * EPS * np.max(hidden + part["alpha"] * x + part["beta"])


def fits(setting, theta):
    assert np.max(np.abs(setting.predictions(theta) - setting.y)) <= rounding(setting, theta)


def tangent_gradient(setting, theta):
    """N∇reg by the Jacobian's null space, which it returns too."""
    jacobian = ou.jacobian(setting, theta)
    null = null_space(jacobian, rcond=1e-6).T
    # Rank n: the zero-error set is smooth, and N right to 1e6 eps, which is below `precision`.
    assert len(null) == setting.dim - setting.n
    return null.T @ (null @ ou.regularizer_gradient(setting, theta)), null


def rescalings(setting, theta):
    """(width, p): the directions (a, b, −c) of each neuron, along which h stands still."""
    part, directions = setting.unpack(theta), np.zeros((setting.width, setting.dim))
    for j in range(setting.width):
        directions[j, [j, setting.width + j, 2 * setting.width + j]] = part["a"][j], part["b"][j], -part["c"][j]
    return directions


STEP = EPS ** (1 / 3)  # of central differences: their error is of the order of STEP², relative


def velocities(x, y, slopes, facing):
    """(pieces, p): dθ/dp_k of the balanced network as the k-th piece turns about its datum."""
    turns = STEP * np.eye(len(slopes))
    return np.array(
        [(network(x, y, slopes + t, facing)[1] - network(x, y, slopes - t, facing)[1]) / (2 * STEP) for t in turns]
    )


def only_turning_pieces_change_reg(x, y, slopes, facing):
    """N∇reg lies in what turning the pieces adds to the rescalings. Returns the derivatives of reg by the slopes."""
    setting, theta = network(x, y, slopes, facing)
    fits(setting, theta)
    assert ou.regularizer(setting, theta) == pytest.approx(cost(x, y, slopes, facing), rel=FORMULA)
    gradient, null = tangent_gradient(setting, theta)
    scalings, turning = rescalings(setting, theta), velocities(x, y, slopes, facing)
    assert len(null) == len(scalings) + len(turning)  # the zero-error set has no other freedom
    precision = 100 * STEP**2  # third derivatives and rounding, a hundredfold
    for directions in (scalings, turning):
        seen = directions @ ou.jacobian(setting, theta).T
        assert np.max(np.abs(seen)) <= precision * np.max(np.abs(directions)) * np.max(
            np.abs(ou.jacobian(setting, theta))
        )
    total = ou.regularizer_gradient(setting, theta)
    assert np.max(np.abs(scalings @ total)) <= FORMULA * np.linalg.norm(total) * np.linalg.norm(theta)  # balanced
    basis = np.linalg.qr(scalings.T)[0]
    free = turning.T - basis @ (basis.T @ turning.T)
    share, *_ = np.linalg.lstsq(free, gradient, rcond=None)
    assert np.linalg.norm(free @ share - gradient) <= precision * np.linalg.norm(total)
    derivatives = turning @ gradient
    turns = STEP * np.eye(len(slopes))
    numeric = [(cost(x, y, slopes + t, facing) - cost(x, y, slopes - t, facing)) / (2 * STEP) for t in turns]
    # STEP²/6 of the cost's third derivative, which where a kink nears a datum is some thousand times the first.
    np.testing.assert_allclose(derivatives, numeric, rtol=1e-7, atol=precision * cost(x, y, slopes, facing))
    return derivatives


def violated_by(x, y, slopes):
    return claims_violated(x, y, *middle_pieces(x, y, slopes))


def falls_at_first_order(x, y, slopes, target, facing):
    """Along the segment of slopes to the target, end left out: at zero error, never slower than at its end."""
    shares = np.linspace(0, 1, 9)[:-1]
    curve = [network(x, y, slopes + share * (target - slopes), facing) for share in shares]
    for setting, theta in curve:
        fits(setting, theta)
    reg = [float(ou.regularizer(setting, theta)) for setting, theta in curve]
    last = slopes + shares[-1] * (target - slopes)
    rate = only_turning_pieces_change_reg(x, y, last, facing) @ (slopes - target)  # per share; reg is convex in it
    assert rate > 0
    assert np.all(-np.diff(reg) >= (1 - 1e-7) * rate / 8)  # the rate is right to as much, above


def is_repelled(x, y, slopes, target, facing):
    derivatives = only_turning_pieces_change_reg(x, y, slopes, facing)
    assert np.all(derivatives * (slopes - target) > 0)  # each piece alone, too
    falls_at_first_order(x, y, slopes, target, facing)
    assert ou.stability(*network(x, y, slopes, facing)).verdict == "repellent"


BENT_OVER_A_TRIPLE = np.array([-2.0, -1.0, 0.0, 1.0, 2.0]), np.array([0.0, 0.0, 0.5, 1.0, 1.0])


@pytest.mark.parametrize("facing", list(product([1, -1], repeat=2)))
@pytest.mark.parametrize("slope", [0.55, 0.8, 3.0])
def test_a_network_bent_over_a_collinear_triple_is_repelled_towards_its_line(facing, slope):
    assert violated_by(*BENT_OVER_A_TRIPLE, [slope]) == {2}
    is_repelled(*BENT_OVER_A_TRIPLE, np.array([slope]), np.array([0.5]), facing)


@st.composite
def bent_over_a_triple(draw):
    """Data whose middle three are collinear, steeper than both lines beside them (or less steep), a steeper piece."""
    gaps = np.array(draw(st.tuples(*[st.integers(4, 16)] * 4))) / 8
    chord, before, after = draw(st.integers(-16, 16)) / 8, *np.array(draw(st.tuples(*[st.integers(1, 16)] * 2))) / 8
    sign = draw(st.sampled_from([-1, 1]))
    chords = np.array([chord - sign * before, chord, chord, chord - sign * after])
    x = draw(st.integers(-32, 16)) / 8 + np.concatenate([[0.0], np.cumsum(gaps)])
    y = np.concatenate([[0.0], np.cumsum(chords * gaps)])
    return x, y, np.array([chord + sign * draw(st.integers(1, 16)) / 8]), np.array([chord])


@given(bent_over_a_triple(), st.tuples(*[st.sampled_from([-1, 1])] * 2))
def test_whatever_violates_the_second_claim_this_way_is_repelled(drawn, facing):
    x, y, slopes, _ = drawn
    assert violated_by(x, y, slopes) == {2}
    is_repelled(*drawn, facing)


def through(gaps, chords, start=0.0):
    """x and y of the data with these gaps and chord slopes."""
    x = start + np.concatenate([[0.0], np.cumsum(gaps)])
    return x, np.concatenate([[0.0], np.cumsum(np.array(chords) * np.array(gaps))])


@pytest.mark.parametrize("facing", list(product([1, -1], repeat=3)))
def test_a_network_that_turns_twice_too_often_is_repelled_towards_the_chord_between(facing):
    x, y = through(np.ones(5), [0.0, 0.3, 0.5, 0.7, 1.0], start=-2.5)
    slopes = np.array([0.6, 0.4])
    np.testing.assert_array_equal(np.sign(middle_pieces(x, y, slopes)[1]), [1, -1, 1])
    assert violated_by(x, y, slopes) == {1}
    is_repelled(x, y, slopes, np.array([0.5, 0.5]), facing)


@st.composite
def turned_too_often(draw):
    """Strictly convex or concave data, and pieces that cross the middle chord at its ends."""
    gaps = np.array(draw(st.tuples(*[st.integers(4, 16)] * 5))) / 8
    rises = np.array(draw(st.tuples(*[st.integers(1, 8)] * 4))) / 8
    sign = draw(st.sampled_from([-1, 1]))
    chords = draw(st.integers(-16, 16)) / 8 + sign * np.concatenate([[0.0], np.cumsum(rises)])
    beyond = np.array(draw(st.tuples(*[st.integers(1, 8)] * 2))) / 8
    target = np.full(2, chords[2])
    return *through(gaps, chords, draw(st.integers(-32, 16)) / 8), target + sign * beyond * [1, -1], target


@given(turned_too_often(), st.tuples(*[st.sampled_from([-1, 1])] * 3))
def test_whatever_violates_the_first_claim_this_way_is_repelled(drawn, facing):
    assert violated_by(*drawn[:3]) == {1}
    is_repelled(*drawn, facing)


# networks that comply


VALLEYS = [
    through([1.0, 1.0, 1.0, 1.0], [-1.0, -0.5, 0.5, 1.0], start=-2.0),
    through([1.0, 1.0, 1.5, 0.5], [-1.0, 0.0, 1.0, 2.0], start=-2.25),
    through([1.0, 0.5, 0.5, 1.0], [-2.0, -1.0, 2.0, 3.5], start=-1.5),
]


def cost_derivative(x, y, slope, facing):
    """Of `cost` by the slope of the one middle piece, by hand: change (x − kink) is linear in it."""
    total, place = 0.0, x[2]
    for kink, change, side, sign in zip(*middle_pieces(x, y, [slope]), facing, (1, -1), strict=True):
        faced = x[side * (x - kink) > 0]
        norm = np.linalg.norm(change * (faced - kink))
        total += (
            2 / len(x) * np.sqrt(np.sum(1 + faced**2)) * (change * (faced - kink)) @ (sign * (faced - place)) / norm
        )
    return total


def best_slope(x, y, facing):
    """Where the derivative changes its sign, or None if it does not on the slopes between the two middle chords."""
    low, high = np.diff(y)[1:3] / np.diff(x)[1:3]
    ends = low + 1e-3 * (high - low), high - 1e-3 * (high - low)
    if cost_derivative(x, y, ends[0], facing) >= 0 or cost_derivative(x, y, ends[1], facing) <= 0:
        return None
    return brentq(lambda slope: cost_derivative(x, y, slope, facing), *ends, xtol=4 * EPS, rtol=4 * EPS)


BEST = [
    (*data, facing, slope)
    for data in VALLEYS
    for facing in product([1, -1], repeat=2)
    if (slope := best_slope(*data, facing)) is not None
]


def test_some_complying_families_have_their_best_off_the_data():
    assert len(BEST) >= 4


@pytest.mark.parametrize(("x", "y", "facing", "slope"), BEST)
def test_the_best_of_a_complying_family_is_stationary_and_stays(x, y, facing, slope):
    setting, theta = network(x, y, [slope], facing)
    assert violated_by(x, y, [slope]) == set()
    gradient, _ = tangent_gradient(setting, theta)
    assert np.linalg.norm(gradient) <= ALGEBRA * np.linalg.norm(ou.regularizer_gradient(setting, theta))
    found = ou.stability(setting, theta)
    assert found.verdict == "strict minimum"
    assert len(found.eigenvalues) == setting.width + 1  # two rescalings and the turn
    nearby = [ou.regularizer(*network(x, y, [slope + turn], facing)) for turn in (-1e-3, 1e-3)]
    assert min(nearby) > ou.regularizer(setting, theta)


@pytest.mark.parametrize(("x", "y", "facing", "slope"), BEST)
def test_a_stationary_network_is_the_best_for_its_pattern_and_no_better_than_the_optimum(x, y, facing, slope):
    setting, theta = network(x, y, [slope], facing)
    found = ou.certify(setting, theta)
    assert found.gap >= -found.solver_gap - 64 * EPS * found.reg


@pytest.mark.parametrize(("x", "y", "facing", "slope"), BEST)
def test_a_complying_network_off_the_best_is_repelled_but_violates_nothing(x, y, facing, slope):
    low, high = np.diff(y)[1:3] / np.diff(x)[1:3]
    for other in ((low + slope) / 2, (high + slope) / 2):
        derivative = only_turning_pieces_change_reg(x, y, np.array([other]), facing)
        assert derivative[0] * (other - slope) > 0
        assert violated_by(x, y, [other]) == set()
        assert ou.stability(*network(x, y, [other], facing)).verdict == "repellent"


@given(
    st.tuples(*[st.integers(4, 16)] * 4),
    st.tuples(*[st.integers(1, 16)] * 3),
    st.integers(1, 15),
    st.tuples(*[st.sampled_from([-1, 1])] * 2),
)
def test_networks_through_convex_data_that_bend_one_way_violate_nothing_wherever_they_are(gaps, rises, share, facing):
    chords = np.concatenate([[0.0], np.cumsum(rises)]) / 8
    x, y = through(np.array(gaps) / 8, chords, start=-2.0)
    slopes = np.array([chords[1] + share / 16 * (chords[2] - chords[1])])
    assert violated_by(x, y, slopes) == set()
    only_turning_pieces_change_reg(x, y, slopes, facing)


@pytest.mark.parametrize("facing", [1, -1])
def test_a_network_straight_over_a_run_is_not_called_repellent(facing):
    # Three data on each line: J has rank 4 of 6 at every network of this pattern, so that the zero-error set is smooth
    # there, of codimension 4, and what is left is the rescaling, which is balanced.
    x, y = np.array([-3.0, -2.0, -1.0, 1.0, 2.0, 3.0]), np.array([0.0, 0.0, 0.0, 1.0, 2.0, 3.0])
    setting = ou.ReluNetwork(x, y, 1)
    part = {"a": [facing], "b": [0.0], "c": [1.0], "alpha": 0.5 - facing / 2, "beta": 0.0}
    theta = ou.balanced(setting, setting.pack(**part))
    fits(setting, theta)
    assert claims_violated(x, y, [0.0], [1.0]) == set()
    assert ou.stability(setting, theta).verdict == "strict minimum"
