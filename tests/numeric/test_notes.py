"""What LocalOU says of a point where its law is degenerate: plainly, and only there."""

import numpy as np
import pytest

import ouanalysis as ou


def product_of_two_and_one(theta, x):
    return theta[..., 0] * theta[..., 1] * (1 - x) + theta[..., 2] * x


RUN = {"lr": 1e-3, "noise_std": 0.1}


def relu(kink, *, c=1.0, dead=()):
    """x = −1, 0, 1 and one neuron √|c|-balanced with its kink at a place right of 0, and neurons dead on all data."""
    width = 1 + len(dead)
    x = np.array([-1.0, 0.0, 1.0])
    empty = ou.ReluNetwork(x, np.zeros(3), width)
    a = np.concatenate([[1.0], np.full(len(dead), -1.0)])
    b = np.concatenate([[-kink], np.full(len(dead), -3.0)])
    theta = empty.pack(a=a, b=b, c=np.concatenate([[c], dead]), alpha=0.2, beta=0.1)
    return ou.ReluNetwork(x, empty.predictions(theta), width), theta


def local(setting, theta, **run):
    return ou.local_ou(setting, theta, **{**RUN, **run})


def test_an_ordinary_point_has_no_notes():
    setting, truth = ou.planted_sigmoid_network(2, 3, 4, rng=0)
    found = local(setting, truth)
    assert found.notes == ()
    assert ";" not in repr(found)


def test_a_relu_network_with_its_kinks_between_the_data_has_no_notes():
    assert local(*relu(0.5)).notes == ()


def test_every_note_is_in_the_repr():
    setting, theta = relu(0.0, dead=(1.0, 2.0))
    found = local(setting, theta)
    assert len(found.notes) >= 2
    for note in found.notes:
        assert f"; {note}" in repr(found)


@pytest.mark.parametrize(
    ("x", "note"),
    [
        ([1.0, 1.0], "1 of the data is a duplicate (x_0 = x_1)"),
        ([1.0, 0.5, 1.0, 0.5], "2 of the data are duplicates (x_0 = x_2, x_1 = x_3)"),
        ([1.0] * 6, "5 of the data are duplicates (x_0 = x_1, x_0 = x_2, x_0 = x_3, ...)"),
    ],
)
def test_duplicate_data_are_counted_and_named(x, note):
    empty = ou.SigmoidNetwork(np.array(x)[:, None], np.zeros(len(x)), width=3)
    theta = np.array([1.0, 0.5, -0.3, 0.7, -1.1, 0.4])
    setting = ou.SigmoidNetwork(empty.x, empty.predictions(theta), width=3)
    notes = local(setting, theta).notes
    assert note in notes
    rank = len(set(x))
    assert (
        f"J has rank {rank} for {len(x)} data, constant about here, so the zero-error set is smooth, of that"
        " codimension" in notes
    )


def test_duplicate_sensors_are_named():
    sensor = np.arange(4.0).reshape(2, 2)
    setting = ou.MatrixSensing([sensor, sensor.T, sensor], [6.0, 6.0, 6.0], rank=2)
    notes = local(setting, [1.0, 0.0, 1.0, 0.0]).notes
    assert any(note.startswith("1 of the data is a duplicate (x_0 = x_2)") for note in notes)


def test_rank_deficiency_without_duplicates_is_named():
    setting = ou.MatrixSensing([np.eye(2), 2 * np.eye(2)], [1.0, 2.0], rank=1)
    notes = local(setting, [0.6, 0.8]).notes
    smooth = "constant about here, so the zero-error set is smooth, of that codimension"
    assert notes == (f"J has rank 1 for 2 data, {smooth}",)


def test_a_rank_that_drops_is_named():
    # h = ab c and c: at a = b = 0 the first has no gradient, beside it it has.
    setting = ou.Setting(product_of_two_and_one, [0.0, 1.0], [0.0, 2.0], 3)
    (note,) = local(setting, [0.0, 0.0, 2.0]).notes
    assert note.startswith("J has rank 1 for 2 data, and more beside: the zero-error set need not be smooth")


@pytest.mark.parametrize(
    ("dead", "note"),
    [
        ((1.0,), "1 dead neuron is active on no datum"),
        ((1.0, 0.0), "2 dead neurons are active on no datum"),
    ],
)
def test_dead_neurons_are_counted(dead, note):
    assert note in local(*relu(0.5, dead=dead)).notes


def test_a_kink_on_a_datum_is_named():
    notes = local(*relu(0.0)).notes
    assert "a kink is on a datum (neuron 0, x_1): h has no derivative here" in notes


def test_a_kink_within_the_noise_of_a_datum_is_named():
    # √(ησ²/B) = 0.1 √0.001 = 0.0032 and a kink 0.01 right of the datum 0; at 0.5 the noise is far too small.
    near = [note for note in local(*relu(0.01)).notes if "carries a kink across a datum" in note]
    assert len(near) == 1
    assert "noise of 0.0032 in theta" in near[0]
    assert "clearance 0.01" in near[0]
    assert "the linearisation does not hold" in near[0]


def test_less_noise_carries_no_kink_across():
    setting, theta = relu(0.01)
    assert local(setting, theta, noise_std=0.01).notes == ()
    assert local(setting, theta, lr=1e-5).notes == ()
    assert local(setting, theta, noise_std=0.0).notes == ()


@pytest.mark.parametrize("slope", [1e-6, 1e-5])
def test_a_nearly_singular_k_is_named_with_its_relaxation_time(slope):
    # Two data at distance δ: K's least eigenvalue is about δ² of the slope's.
    x = np.array([1.0, 1.0 + slope])[:, None]
    theta = np.array([1.0, 0.5, -0.3, 0.7, -1.1, 0.4])
    y = ou.SigmoidNetwork(x, np.zeros(2), width=3).predictions(theta)
    found = local(ou.SigmoidNetwork(x, y, width=3), theta)
    assert found.rank == 2
    assert found.relaxation_steps > 1e6
    assert found.notes == (
        f"K is nearly singular: its slowest direction relaxes in {found.relaxation_steps:.2g} steps",
    )


def test_a_small_step_is_slow_though_k_is_well_conditioned():
    setting, theta = ou.planted_sigmoid_network(n=2, d=2, width=3, rng=0)
    for law in (ou.local_ou, ou.linearized_sgd):
        found = law(setting, theta, lr=1e-10, noise_std=0.1)
        (note,) = found.notes
        assert note.startswith("lr is small against the curvatures: the slowest direction relaxes in")
        assert law(setting, theta, lr=1e-2, noise_std=0.1).notes == ()


def test_a_dead_neuron_that_no_noise_moves_carries_no_kink_across():
    # Its parameters are in no row of J: there is no noise along them.
    setting = ou.ReluNetwork([-1.0, 1.0], [-1.0, 1.0], width=1)
    theta = setting.pack(a=[1.0], b=[-1.001], c=[1.0], alpha=1.0, beta=0.0)
    assert not any("carries a kink" in note for note in local(setting, theta).notes)
