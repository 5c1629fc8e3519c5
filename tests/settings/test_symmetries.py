"""Directions of symmetry and of unseen parameters: neither h nor reg changes along them, at any θ."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA, EPS, SUMS
from strategies import any_setting, matrix_sensings, numbers, relu_networks, settings_with_theta, sigmoid_networks

import ouanalysis as ou


def symmetry_directions(setting, theta):
    """Those that the setting names."""
    known = setting.symmetry_directions(theta)
    return np.zeros((0, setting.dim)) if known is None else known


def unseen_directions(setting, theta):
    return setting.unseen_directions(theta)


def sizes(setting, theta):
    """What rounding of h, J and ∇reg is to be held against."""
    gradients = ou.jacobian(setting, theta)
    slope = ou.regularizer_gradient(setting, theta)
    return 1 + np.linalg.norm(gradients), 1 + np.linalg.norm(slope), 1 + np.linalg.norm(theta)


def annihilated(setting, theta, directions):
    steep, slope, size = sizes(setting, theta)
    assert directions.shape[1] == setting.dim
    np.testing.assert_allclose(ou.jacobian(setting, theta) @ directions.T, 0, rtol=0, atol=SUMS * steep * size)
    np.testing.assert_allclose(
        directions @ ou.regularizer_gradient(setting, theta), 0, rtol=0, atol=SUMS * slope * size
    )


def unchanged(setting, theta, moved):
    steep, slope, size = sizes(setting, theta)
    far = 1 + np.linalg.norm(moved)
    atol = SUMS * (steep + size) * far
    np.testing.assert_allclose(setting.predictions(moved), setting.predictions(theta), rtol=0, atol=atol * far)
    reg = ou.regularizer(setting, theta)
    np.testing.assert_allclose(ou.regularizer(setting, moved), reg, rtol=0, atol=SUMS * (slope + reg) * far**2)


@given(settings_with_theta(any_setting))
def test_symmetry_directions_change_neither_h_nor_reg_at_first_order(drawn):
    annihilated(*drawn, symmetry_directions(*drawn))


@given(settings_with_theta(any_setting))
def test_unseen_directions_change_neither_h_nor_reg_at_first_order(drawn):
    annihilated(*drawn, unseen_directions(*drawn))


@given(settings_with_theta(relu_networks()), st.floats(-3.0, 3.0))
def test_relu_neurons_of_equal_pattern_rotate_through_any_angle(drawn, angle):
    setting, theta = drawn
    part, rotation = setting.unpack(theta), np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    active = part["a"] * setting.x[:, None] + part["b"] > 0
    for j in range(setting.width):
        for k in range(j):
            if np.array_equal(active[:, j], active[:, k]) and active[:, j].any():
                turned = {name: array.copy() for name, array in part.items()}
                for name in "abc":
                    turned[name][[j, k]] = rotation @ part[name][[j, k]]
                moved = setting.pack(**turned)
                after = turned["a"] * setting.x[:, None] + turned["b"] > 0
                if np.array_equal(after, active):  # as long as no kink is carried across a datum
                    unchanged(setting, theta, moved)
    neurons = np.stack([part[name] for name in "abc"])
    groups = [np.all(active == pattern[:, None], axis=0) for pattern in np.unique(active, axis=1).T if pattern.any()]
    assert len(symmetry_directions(setting, theta)) == sum(orbit_dimension(neurons[:, group]) for group in groups)


@given(st.integers(2, 4), numbers((4, 3)), st.floats(-0.5, 0.5))
def test_a_small_rotation_of_equal_patterns_is_along_the_directions(width, entries, angle):
    # All neurons active on both data.
    setting = ou.ReluNetwork([0.0, 1.0], [0.0, 0.0], width)
    part = {"a": entries[:width, 0], "b": 3 + np.abs(entries[:width, 1]), "c": entries[:width, 2]}
    theta = setting.pack(**part, alpha=0.5, beta=-1.0)
    directions = symmetry_directions(setting, theta)
    assert len(directions) == orbit_dimension(np.stack(list(part.values())))
    annihilated(setting, theta, directions)
    turned = {name: array.copy() for name, array in part.items()}
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    for array in turned.values():
        array[:2] = turn @ array[:2]
    moved = setting.pack(**turned, alpha=0.5, beta=-1.0)
    if np.all(turned["b"] > 0) and np.all(turned["a"] + turned["b"] > 0):
        unchanged(setting, theta, moved)
        generator = (moved - np.cos(angle) * theta) * np.tile(np.arange(width) < 2, 4)[: setting.dim]
        generator[3 * width :] = 0.0
        np.testing.assert_allclose(directions.T @ coordinates(directions, generator), generator, rtol=0, atol=ALGEBRA)


def orbit_dimension(factor):
    """Of F → FQ: the rank of all the ΩF, Ω antisymmetric."""
    columns = factor.shape[1]
    moves = []
    for j, k in combinations(range(columns), 2):
        skew = np.zeros((columns, columns))
        skew[j, k], skew[k, j] = 1.0, -1.0
        moves.append((factor @ skew).ravel())
    return np.linalg.matrix_rank(np.array(moves)) if moves else 0


def coordinates(directions, vector):
    return np.linalg.lstsq(directions.T, vector, rcond=None)[0] if len(directions) else np.zeros(0)


@given(settings_with_theta(matrix_sensings()), numbers(3))
def test_rotations_of_u_move_along_the_directions(drawn, entries):
    setting, theta = drawn
    directions, rank = symmetry_directions(setting, theta), setting.rank
    assert len(directions) == orbit_dimension(setting.unpack(theta)["U"])
    skew = np.zeros((rank, rank))
    skew[np.triu_indices(rank, 1)] = entries[: rank * (rank - 1) // 2]
    skew -= skew.T
    # Any generator UΩ is a combination of them.
    along = (setting.unpack(theta)["U"] @ skew).ravel()
    np.testing.assert_allclose(directions.T @ coordinates(directions, along), along, rtol=0, atol=ALGEBRA)
    cayley = np.linalg.solve(np.eye(rank) - skew / 2, np.eye(rank) + skew / 2)
    unchanged(setting, theta, setting.pack(U=setting.unpack(theta)["U"] @ cayley))


@given(settings_with_theta(sigmoid_networks()), st.floats(-5.0, 5.0))
def test_sigmoid_networks_do_not_see_weights_normal_to_every_datum(drawn, step):
    setting, theta = drawn
    directions = unseen_directions(setting, theta)
    hidden = setting.d - np.linalg.matrix_rank(setting.x)
    assert len(directions) == setting.width * hidden
    np.testing.assert_allclose(directions @ directions.T, np.eye(len(directions)), rtol=0, atol=SUMS)
    unchanged(setting, theta, theta + step * np.sum(directions, axis=0))


@given(settings_with_theta(relu_networks()), st.floats(0.1, 1.0))
def test_relu_networks_do_not_see_dead_neurons_nor_the_kink_of_a_neuron_of_one_datum(drawn, share):
    setting, theta = drawn
    part = setting.unpack(theta)
    inputs = part["a"] * setting.x[:, None] + part["b"]
    seen = np.sum(inputs > 0, axis=0)
    directions = unseen_directions(setting, theta)
    assert len(directions) == 3 * np.sum(seen == 0) + np.sum(seen == 1) + (setting.n == 1)  # then (α, β) too
    for direction in directions:
        moves = setting.unpack(direction)
        speed = np.max(np.abs(moves["a"] * setting.x[:, None] + moves["b"]), initial=EPS)
        clear = np.min(np.abs(inputs)[:, (moves["a"] != 0) | (moves["b"] != 0)], initial=1.0)
        unchanged(setting, theta, theta + 0.9 * share * clear / max(speed, EPS) * direction)


@pytest.mark.parametrize("rank", [1, 2, 4])
@pytest.mark.parametrize("step", [0.1, -3.0])
def test_sensing_does_not_see_rows_in_the_kernel_of_every_sensor(rank, step):
    rng = np.random.default_rng(rank)
    turn = np.linalg.qr(rng.normal(size=(4, 4)))[0]
    sensors = np.zeros((5, 4, 4))
    sensors[:, :3, :3] = rng.normal(size=(5, 3, 3))
    setting = ou.MatrixSensing(turn @ sensors @ turn.T, np.zeros(5), rank)
    theta = rng.normal(size=4 * rank)
    directions = unseen_directions(setting, theta)
    assert directions.shape == (rank, 4 * rank)
    np.testing.assert_allclose(np.abs(directions.reshape(rank, 4, rank).sum(axis=2) @ turn[:, 3]), 1, rtol=ALGEBRA)
    unchanged(setting, theta, theta + step * np.sum(directions, axis=0))


def test_antisymmetric_sensors_see_nothing():
    setting = ou.MatrixSensing([[[0.0, 1.0], [-1.0, 0.0]]], [0.0])
    assert unseen_directions(setting, np.ones(4)).shape == (4, 4)


def test_of_a_setting_of_the_users_own_none_are_known():
    setting = ou.Setting(lambda theta, x: theta[..., 0] * theta[..., 1] * x, [1.0], [2.0], dim=2)
    assert symmetry_directions(setting, np.ones(2)).shape == unseen_directions(setting, np.ones(2)).shape == (0, 2)


def balance(theta):
    """The turns of (a, b) against (c, d), which h = ac + bd and reg = |θ|² do not see."""
    a, b, c, d = theta
    return [[-b, a, -d, c]]


def pairing(theta, x):
    return (theta[..., 0] * theta[..., 2] + theta[..., 1] * theta[..., 3]) * x


def test_symmetries_that_a_user_hands_in_are_counted_and_those_that_are_none_refused():
    theta = np.array([0.6, 0.8, 0.6, 0.8])
    handed_in = ou.Setting(pairing, [1.0], [1.0], 4, symmetries=balance)
    known, found = ou.stability(handed_in, theta), ou.stability(ou.Setting(pairing, [1.0], [1.0], 4), theta)
    assert (known.verdict, known.symmetries) == (found.verdict, found.symmetries) == ("minimum up to symmetry", 1)
    wrong = ou.Setting(pairing, [1.0], [1.0], 4, symmetries=lambda theta: [theta])
    with pytest.raises(
        ValueError, match="symmetries: expected directions along which neither h nor reg changes, got one"
    ):
        ou.stability(wrong, theta)
    shape = ou.Setting(pairing, [1.0], [1.0], 4, symmetries=lambda theta: theta)
    with pytest.raises(ValueError, match=r"symmetries: expected shape \(k, 4\), got \(4,\)"):
        ou.stability(shape, theta)
