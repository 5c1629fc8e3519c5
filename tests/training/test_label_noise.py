"""Noise on the labels that a loader gives: fresh, reproducible, and on nothing else."""

import pickle
from typing import NamedTuple

import numpy as np
import pytest

from ouanalysis import LabelNoise, step_size
from ouanalysis.simulate.draws import draw_noise

X, Y = np.arange(6.0).reshape(3, 2), np.array([1.0, -1.0, 0.5])


def labels(noisy, epochs=1):
    return np.array([y for _ in range(epochs) for _, y, *_ in noisy])


def test_every_draw_is_fresh_and_the_clean_labels_stay():
    clean = Y.copy()
    noisy = LabelNoise([(X, Y), (X, Y)], 0.1, rng=0)
    drawn = labels(noisy, epochs=2)
    assert len(np.unique(drawn - Y)) == 12
    np.testing.assert_array_equal(Y, clean)


def test_a_seed_gives_the_same_noises_and_a_second_pass_goes_on():
    once, again = (LabelNoise([(X, Y)], 0.1, rng=5) for _ in range(2))
    np.testing.assert_array_equal(labels(once, epochs=3), labels(again, epochs=3))
    stream = 0.1 * np.random.default_rng(5).standard_normal((3, 3))
    np.testing.assert_array_equal(labels(LabelNoise([(X, Y)], 0.1, rng=5), epochs=3), Y + stream)


@pytest.mark.parametrize("law", ["gaussian", "rademacher", lambda rng, size: rng.uniform(-1, 1, size) * 3**0.5])
def test_the_noise_has_mean_0_and_variance_sigma_squared(law):
    big = np.zeros((20_000, 2))
    noisy = LabelNoise([(big, big)], 0.3, rng=1, noise=law)
    ((_, drawn),) = noisy
    count = drawn.size
    assert abs(drawn.mean()) < 4 * 0.3 / np.sqrt(count)
    assert abs(np.mean(drawn**2) - 0.09) < 4 * 0.09 * np.sqrt(2 / count)
    assert noisy.mean_square == pytest.approx(np.sum(drawn**2) / len(drawn), rel=1e-12)


def test_rademacher_noise_is_plus_or_minus_sigma():
    noise = labels(LabelNoise([(X, Y)], 0.25, rng=2, noise="rademacher"), epochs=20) - Y
    assert set(noise.ravel()) == {-0.25, 0.25}


@pytest.mark.parametrize("law", ["gaussian", "rademacher", lambda rng, size: rng.laplace(size=size) / 2**0.5])
@pytest.mark.parametrize("labels", [Y, np.zeros((2500, 1)), np.zeros((40, 3))])
def test_a_loader_and_a_simulation_draw_the_same_noise(law, labels):
    ((_, drawn),) = LabelNoise([(X, np.zeros_like(labels))], 1.0, rng=6, noise=law)
    simulated = draw_noise(law, np.random.default_rng(6), labels.shape)
    np.testing.assert_array_equal(drawn, simulated)


def test_opposite_noises_come_of_one_seed():
    (first,) = labels(LabelNoise([(X, Y)], 0.1, rng=3))
    (second,) = labels(LabelNoise([(X, Y)], 0.1, rng=3, noise=lambda rng, size: -rng.standard_normal(size)))
    np.testing.assert_allclose(first + second, 2 * Y, rtol=1e-15)


def test_batches_keep_their_kind_dtype_and_what_comes_after():
    (batch,) = LabelNoise([[X, Y.astype(np.float32), "index"]], 0.1, rng=0)
    assert isinstance(batch, list)
    assert batch[0] is X
    assert batch[1].dtype == np.float32
    assert batch[2] == "index"
    (batch,) = LabelNoise([(X, Y)], 0.1, rng=0)
    assert isinstance(batch, tuple)


class Batch(NamedTuple):
    """What a collate function may give."""

    x: np.ndarray
    y: np.ndarray
    weight: float


def test_a_named_tuple_stays_one():
    (batch,) = LabelNoise([Batch(X, Y, 2.0)], 0.1, rng=0)
    assert isinstance(batch, Batch)
    assert batch.weight == 2.0
    assert np.all(batch.y != Y)


class Loader(list):
    batch_size = 3


def test_length_and_attributes_are_the_loaders():
    noisy = LabelNoise(Loader([(X, Y)]), 0.1, rng=0)
    assert len(noisy) == 1
    assert noisy.batch_size == 3
    assert not hasattr(noisy, "sampler")
    assert repr(noisy) == "LabelNoise(Loader, noise_std=0.1, gaussian)"
    np.testing.assert_array_equal(labels(pickle.loads(pickle.dumps(noisy))), labels(noisy))


def test_a_loader_without_length_is_iterated_all_the_same():
    noisy = LabelNoise((batch for batch in [(X, Y)] * 2), 0.1, rng=0)
    with pytest.raises(TypeError, match="has no len"):
        len(noisy)
    assert len(list(noisy)) == 2


def sizes(*lengths):
    return [(np.zeros((length, 2)), np.zeros(length)) for length in lengths]


@pytest.mark.parametrize("lengths", [(64, 64, 64, 8), (1, 2), (8, 64), (3, 2, 1, 5)])
def test_batches_of_two_sizes_are_told_of_once(lengths):
    noisy = LabelNoise(sizes(*lengths), 0.1, rng=0)
    other = next(length for length in lengths if length != lengths[0])
    wanted = f"loader: expected batches of one size, got {lengths[0]} and {other} data; .* drop_last=True"
    with pytest.warns(UserWarning, match=wanted) as told:
        labels_of_passes = [y for _ in range(3) for _, y in noisy]
    assert len(told) == 1
    assert told[0].filename == __file__
    assert len(labels_of_passes) == 3 * len(lengths)


@pytest.mark.parametrize("lengths", [(64, 64), (5,)])
def test_batches_of_one_size_are_not(lengths):
    noisy = LabelNoise(sizes(*lengths), 0.1, rng=0)
    assert len([y for _ in range(3) for _, y in noisy]) == 3 * len(lengths)  # a warning is an error here


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LabelNoise(3, 0.1, rng=0), r"loader: expected an iterable of \(x, y\), got int"),
        (lambda: LabelNoise([], -0.1, rng=0), "noise_std: expected a finite number at least 0, got -0.1"),
        (lambda: LabelNoise([], 0.1, rng=None), "rng: expected a numpy.random.Generator or a seed, got None"),
        (lambda: LabelNoise([], 0.1, rng=0, noise="cauchy"), 'noise: expected "gaussian", "rademacher" or a function'),
        *[
            (lambda law=law: LabelNoise([], 0.1, rng=0, noise=law), 'noise: expected "gaussian", "rademacher" or a fun')
            for law in (None, 1.0, b"gaussian", ["gaussian"], np.array(["gaussian", "rademacher"]), "Gaussian")
        ],
        (lambda: list(LabelNoise([X], 0.1, rng=0)), r"loader: expected batches \(x, y\), got ndarray"),
        (lambda: list(LabelNoise([(X, [1, 2])], 0.1, rng=0)), r"y: expected floats of shape \(B,\) or \(B, k\), got"),
        (lambda: list(LabelNoise([(X, 1.0)], 0.1, rng=0)), "y: expected floats of shape"),
        (
            lambda: list(LabelNoise([(X, Y)], 0.1, rng=0, noise=lambda _rng, _size: [1.0])),
            r"noise: expected shape \(3,\), got \(1,\)",
        ),
        (lambda: step_size(0.1, loss="mean", outputs=0), "outputs: expected an integer at least 1, got 0"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(make, message):
    with pytest.raises((TypeError, ValueError), match=message):
        make()


def test_tensors():
    torch = pytest.importorskip("torch")
    from torch.utils.data import DataLoader, TensorDataset

    x, y = torch.tensor(X), torch.tensor(Y, dtype=torch.float32)
    loader = DataLoader(TensorDataset(x, y), batch_size=2)
    noisy = LabelNoise(loader, 0.1, rng=0)
    with pytest.warns(UserWarning, match="expected batches of one size, got 2 and 1 data"):
        drawn = torch.cat([batch[1] for batch in noisy])
    assert drawn.dtype == torch.float32
    expected = torch.tensor(Y + 0.1 * np.random.default_rng(0).standard_normal(3), dtype=torch.float32)
    torch.testing.assert_close(drawn, expected, rtol=1e-6, atol=0)
    assert (len(noisy), noisy.batch_size, noisy.dataset) == (2, 2, loader.dataset)
    torch.testing.assert_close(y, torch.tensor(Y, dtype=torch.float32), rtol=0, atol=0)
    with pytest.raises(TypeError, match="y: expected floats"):
        next(iter(LabelNoise([(x, torch.tensor([1, 2, 3]))], 0.1, rng=0)))


def test_a_step_of_torch_on_the_mean_squared_error_is_a_step_here():
    """Of one output at the same lr, of two at lr/2: MSELoss is the mean over outputs too."""
    torch = pytest.importorskip("torch")
    for outputs in (1, 2):
        weight = torch.ones((2, outputs), dtype=torch.float64, requires_grad=True)
        x, y = torch.tensor(X), torch.zeros((3, outputs), dtype=torch.float64)
        torch.nn.MSELoss()(x @ weight, y).backward()
        here = 2 / 3 * X.T @ (X @ np.ones((2, outputs)))
        lr = step_size(0.1, loss="mean", outputs=outputs)
        np.testing.assert_allclose(0.1 * weight.grad.numpy(), lr * here, rtol=1e-14)
