"""What a Setting refuses of a model and what it must not: derivatives, precision, the parameters that h reads."""

import autograd.numpy as anp
import numpy as np
import pytest
from autograd.extend import defvjp, primitive
from hypothesis import example, given
from hypothesis import strategies as st
from strategies import any_setting, numbers

import ouanalysis as ou
from ouanalysis.activations import relu, where_positive
from ouanalysis.settings.model_check import check_model


def plain(value):
    """What plain NumPy makes of an array that autograd follows: its numbers."""
    while hasattr(value, "_value"):
        value = value._value
    return np.asarray(value)


CONSTANT_TO_AUTOGRAD = {
    "einsum": lambda theta, x: np.einsum("...i,...i->...", plain(theta), plain(theta)) * x,
    "a part": lambda theta, x: theta[..., 0] * x + np.tanh(plain(theta[..., 1])),
    "a small part": lambda theta, x: theta[..., 0] * x + 1e-4 * plain(theta[..., 1]) * theta[..., 0],
    "a factor": lambda theta, x: theta[..., 0] * np.exp(plain(theta[..., 1])) * x,
    "one parameter of one datum": lambda theta, x: (
        theta[..., 0] + theta[..., 1] + where_positive(x - 6.5, plain(theta[..., 1]) ** 2, 0.0)
    ),
    "one side of a branch": lambda theta, x: where_positive(
        theta[..., 0] * x, theta[..., 1], plain(theta[..., 0]) * theta[..., 1]
    ),
    "a tiny scale": lambda theta, x: 1e-100 * (theta[..., 0] + plain(theta[..., 1]) * x),
    "a large scale": lambda theta, x: 1e100 * (theta[..., 0] + plain(theta[..., 1]) * x),
    "beside a large constant": lambda theta, x: 1e6 + theta[..., 0] + plain(theta[..., 1]) * x,
    "beside a datum of another size": lambda theta, x: 1e6 * theta[..., 0] * x + plain(theta[..., 1]) ** 2,
    "everything": lambda theta, x: np.sum(plain(theta), axis=-1) * x,
}


@pytest.mark.parametrize("h", CONSTANT_TO_AUTOGRAD.values(), ids=CONSTANT_TO_AUTOGRAD)
def test_plain_numpy_in_any_part_of_h_is_refused(h):
    with pytest.raises(
        ValueError, match="h: expected first derivatives by autograd that are those of its values"
    ) as caught:
        ou.Setting(h, np.arange(8.0), np.zeros(8), dim=2)
    assert "import autograd.numpy as np" in str(caught.value)
    assert "\n" not in str(caught.value)


@primitive
def cube(z):
    return z**3


defvjp(cube, lambda _value, z: lambda g: g * 3 * plain(z) ** 2)


def test_a_second_derivative_that_autograd_gets_wrong_is_refused():
    with pytest.raises(ValueError, match="h: expected second derivatives by autograd"):
        ou.Setting(lambda theta, x: cube(theta[..., 0]) * x, [1.0], [1.0], dim=1)


@primitive
def fifth(z):
    return z**5


@primitive
def five_fourths(z):
    return 5 * z**4


defvjp(fifth, lambda _value, z: lambda g: g * five_fourths(z))
defvjp(five_fourths, lambda _value, z: lambda g: g * 20 * plain(z) ** 3)


def test_a_third_derivative_that_autograd_gets_wrong_is_refused():
    with pytest.raises(ValueError, match="h: expected third derivatives by autograd"):
        ou.Setting(lambda theta, x: fifth(theta[..., 0]) * x, [1.0], [1.0], dim=1)


def attention(theta, x):
    scores = theta[..., :4] * x[..., None]
    scores = scores - anp.max(scores, axis=-1, keepdims=True)
    weights = anp.exp(scores)
    return anp.sum(theta[..., 4:] * weights, axis=-1) / anp.sum(weights, axis=-1)


RIGHT = {
    "kinks": (lambda theta, x: relu(theta[..., 0] * x + theta[..., 1]) * theta[..., 2], 3),
    "autograd's kinks": (lambda theta, x: anp.maximum(theta[..., 0] * x, 0.0) + anp.abs(theta[..., 1]), 2),
    "steps": (
        lambda theta, x: anp.floor(3 * theta[..., 0]) * x + theta[..., 1] * ou.activations.sign(theta[..., 0]),
        2,
    ),
    "fast oscillation": (lambda theta, x: anp.sin(1e7 * theta[..., 0] * x), 1),
    "faster than differences can see": (lambda theta, x: anp.sin(1e14 * theta[..., 0] * x), 1),
    "a trend that hides an oscillation": (
        lambda theta, x: anp.sin(1e200 * theta[..., 0] * x) + 1e200 * theta[..., 0] * x,
        1,
    ),
    "saturated": (lambda theta, x: theta[..., 0] * anp.tanh(1e3 * theta[..., 1] * x), 2),
    "exponential": (lambda theta, x: anp.exp(30 * theta[..., 0] * x), 1),
    "overflow": (lambda theta, x: anp.exp(1e4 * theta[..., 0] * x), 1),
    "tiny": (lambda theta, x: 1e-300 * theta[..., 0] * theta[..., 1] * x, 2),
    "huge": (lambda theta, x: 1e300 * theta[..., 0] * x, 1),
    "denormal": (lambda theta, x: 1e-310 * anp.tanh(theta[..., 0] * x), 1),
    "a huge constant": (lambda theta, x: 1e12 + theta[..., 0] * x, 1),
    "cancellation": (lambda theta, x: (1e8 + theta[..., 0] * x) ** 2 - 1e16, 1),
    "not defined everywhere": (lambda theta, x: anp.sqrt(theta[..., 0]) * x + anp.log(theta[..., 1]), 2),
    "defined nowhere at random": (lambda theta, x: anp.sqrt(theta[..., 0] - 1e3) * x, 1),
    "no derivative on one side": (
        lambda theta, x: where_positive(theta[..., 0], theta[..., 0], anp.sqrt(-theta[..., 0])) * x,
        1,
    ),
    "linear": (lambda theta, x: anp.sum(theta * x[..., None], axis=-1), 4),
    "unseen": (lambda theta, x: 0.0 * theta[..., 0] + theta[..., 1] * x, 2),
    "softmax": (attention, 8),
    "abs": (lambda theta, x: anp.abs(theta[..., 0]) ** 3 * x, 1),
}


@pytest.mark.parametrize(("h", "dim"), RIGHT.values(), ids=RIGHT)
@pytest.mark.parametrize("x", [[1.0, -0.7, 0.3], [0.0, 0.0], [1e-8, 1e8]], ids=["usual", "zeros", "scales"])
def test_models_that_autograd_differentiates_are_taken(h, dim, x):
    ou.Setting(h, x, np.zeros(len(x)), dim)


@given(any_setting)
def test_no_model_of_the_strategies_is_refused(setting):
    branches = check_model(setting.h, setting.x, setting.dim)
    assert branches.unknown == ""
    if np.any(setting.x != 0):
        assert branches == setting.branches


@example([5e-324], np.array([1.0, 0.0, 0.0]) / 32, 1e100)
@given(
    st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=4), numbers(3), st.sampled_from([1e-100, 1e-8, 1.0, 1e8, 1e100])
)
def test_no_smooth_model_is_refused_at_any_scale(x, weights, scale):
    def h(theta, x):
        return scale * (
            theta[..., 0] * anp.tanh(weights[0] * theta[..., 1] * x)
            + weights[1] * anp.sin(weights[2] * x * theta[..., 2])
        )

    ou.Setting(h, x, np.zeros(len(x)), dim=3)


@pytest.mark.parametrize("kind", [np.float32, np.float16, np.longdouble])
def test_other_precisions_are_refused(kind):
    with pytest.raises(ValueError, match="h: expected float64 for theta and x in float64, got "):
        ou.Setting(lambda theta, x: (theta[..., 0] * x).astype(kind), [1.0], [1.0], dim=1)


@pytest.mark.parametrize(
    ("h", "dim", "message"),
    [
        (lambda theta, x: theta[..., 0] * theta[..., 1] * x, 3, "got 3, of which h never reads [2]"),
        (lambda theta, x: anp.sum(theta[..., 1:3], axis=-1) * x, 4, "got 4, of which h never reads [0, 3]"),
        (lambda theta, x: theta[..., -1] * x, 2, "got 2, of which h never reads [0]"),
        (lambda theta, x: anp.sum(theta[..., :3], axis=-1) * x, 2, "at least 3, got 2"),
        (lambda theta, x: anp.sum(theta[..., 1:4] ** 2, axis=-1) * x, 3, "at least 4, got 3"),
        (
            lambda theta, x: anp.sum(theta[..., :3], axis=-1) * x + anp.sum(theta[..., 3:], axis=-1),
            3,
            "at least 4, got 3",
        ),
        (lambda theta, x: np.ones(theta.shape[:-1]) * x, 1, "got 1, of which h never reads [0]"),
        (lambda theta, x: theta[..., 2] * x, 2, "IndexError: index 2 is out of bounds"),
        (
            lambda theta, x: anp.sum(anp.reshape(theta, (*theta.shape[:-1], 2, 2)), axis=(-2, -1)) * x,
            5,
            "cannot reshape",
        ),
    ],
)
def test_theta_of_another_length_than_h_reads_is_refused(h, dim, message):
    with pytest.raises(ValueError, match="expected") as caught:
        ou.Setting(h, [1.0, 2.0], [0.0, 0.0], dim)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ({}, "parts: expected names and shapes as"),
        ([("W", 3)], "parts: expected names and shapes as"),
        ({"W b": (3,)}, "got the name 'W b'"),
        ({"lambda": (3,)}, "got the name 'lambda'"),
        ({"W": (3, 0)}, "parts['W']: expected an integer at least 1, got 0"),
        ({"W": (1.5,)}, "parts['W']: expected an integer at least 1, got 1.5"),
    ],
)
def test_parts_that_are_none_are_refused(parts, message):
    with pytest.raises((TypeError, ValueError), match="expected") as caught:
        ou.Setting(lambda theta, x: anp.sum(theta, axis=-1) * x, [1.0], [0.0], parts=parts)
    assert message in str(caught.value)


def test_dim_and_parts_that_differ_are_refused():
    def h(theta, x):
        return anp.sum(theta, axis=-1) * x

    with pytest.raises(ValueError, match="dim: expected 9, the number of entries of the parts, got 8"):
        ou.Setting(h, [1.0], [0.0], 8, parts={"W": (3, 2), "c": (3,)})
    with pytest.raises(TypeError, match="dim: expected the number of parameters, or their parts, got neither"):
        ou.Setting(h, [1.0], [0.0])


@pytest.mark.parametrize(
    "h",
    [
        lambda theta, x: np.where(theta[..., 0] > 0, theta[..., 0], 0.0) * x,
        lambda theta, x: np.clip(theta[..., 0], -1, 1) * x,
        lambda theta, x: np.linalg.norm(theta, axis=-1) * x,
        lambda theta, x: anp.tanh(np.stack([theta[..., 0], theta[..., 0]])[0]) * x,
        lambda theta, x: anp.where(x > 5, 1.0, 0.0) * np.einsum("...i,...i->...", theta, theta),
    ],
)
def test_plain_numpy_that_fails_under_autograd_says_what_to_import_too(h):
    with pytest.raises(ValueError, match="h: expected") as caught:
        ou.Setting(h, np.arange(300.0), np.zeros(300), dim=1)
    assert "import autograd.numpy as np" in str(caught.value)
    assert len(str(caught.value)) < 400
