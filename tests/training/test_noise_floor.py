"""reg from the plateau of the loss, against the reg of settings whose reg is known."""

import warnings

import autograd.numpy as anp
import numpy as np
import pytest

import ouanalysis as ou

SETTING, THETA = ou.planted_sigmoid_network(2, 3, 6, rng=3)
REG = float(ou.regularizer(SETTING, THETA))
LIMIT = ou.max_stable_lr(SETTING, THETA)
NOISE_STD = 1e-4  # so that the second order of the noise is far below the error bars


def plateau(setting=SETTING, theta=THETA, *, chains=1, steps=20_000, rng=0, **noise):
    """Clean losses (chains, steps) of label-noise SGD past its transient, and its law."""
    law = ou.linearized_sgd(setting, theta, **noise)
    dropped = int(10 * law.relaxation_steps)
    run = ou.label_noise_sgd(setting, theta, **noise, steps=dropped + steps, rng=rng, chains=chains, record=1)
    return run.loss[:, dropped + 1 :], law


def z(measured, expected=REG):
    return abs(measured.reg - expected) / measured.error


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({}, id="one datum"),
        pytest.param({"batch_size": 3}, id="batch"),
        pytest.param({"batch_size": "full"}, id="full"),
        pytest.param({"batch_size": 2, "momentum": 0.8}, id="momentum"),
    ],
)
def test_the_exact_ratio_of_a_law_gives_reg(more):
    limit = ou.max_stable_lr(SETTING, THETA, **more)
    losses, law = plateau(chains=4, rng=1, lr=0.2 * limit, noise_std=NOISE_STD, **more)
    measured = ou.noise_floor(losses, law=law)
    assert measured.exact
    assert z(measured) < 4
    assert measured.error < 0.05 * REG


def test_the_leading_order_is_right_at_small_steps_and_refused_at_large_ones():
    noise = {"lr": 0.3 * LIMIT, "noise_std": NOISE_STD}
    losses, law = plateau(chains=8, rng=2, **noise)
    assert z(ou.noise_floor(losses, law=law)) < 4
    assert z(ou.noise_floor(losses, **noise)) > 4
    noise["lr"] = 0.01 * LIMIT
    losses, _ = plateau(chains=8, rng=2, **noise)
    assert z(ou.noise_floor(losses, **noise)) < 4


def test_momentum_and_batch_are_in_the_leading_order():
    noise = {"lr": 0.002 * LIMIT, "noise_std": NOISE_STD, "batch_size": 2, "momentum": 0.8}
    losses, _ = plateau(chains=8, rng=4, **noise)
    assert z(ou.noise_floor(losses, **noise)) < 4


def test_two_standard_errors_cover_reg_in_95_of_100_runs():
    losses, law = plateau(chains=400, steps=4000, rng=5, lr=0.1 * LIMIT, noise_std=NOISE_STD)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        found = [ou.noise_floor(chain, law=law) for chain in losses]
    covered = [abs(one.reg - REG) < 2 * one.error for one in found]
    assert abs(np.mean(covered) - 0.9545) < 4 * np.sqrt(0.9545 * 0.0455 / 400)
    assert len(told) <= 0.02 * 400  # that warn of no plateau


def noisy_losses(rng, lr, noise_std, steps, batch_size=1, setting=SETTING, theta=THETA):
    """Losses on noisy batches before each step and the mean squares of their noise, by hand."""
    losses, squares = [], []
    for _ in range(steps):
        batch = rng.integers(setting.n, size=batch_size)
        noise = noise_std * rng.standard_normal((batch_size, setting.outputs))
        residual = setting.residuals(theta).reshape(setting.n, -1)[batch] - noise
        losses.append(np.sum(residual**2) / batch_size)
        squares.append(np.sum(noise**2) / batch_size)
        rows = ou.jacobian(setting, theta).reshape(setting.n, -1, setting.dim)[batch]
        theta = theta - 2 * lr / batch_size * np.tensordot(residual, rows, 2)
    return np.array(losses), np.array(squares)


def test_noisy_losses_less_the_noise_give_the_same():
    noise = {"lr": 0.2 * LIMIT, "noise_std": NOISE_STD, "batch_size": 3}
    law = ou.linearized_sgd(SETTING, THETA, **noise)
    losses, squares = noisy_losses(np.random.default_rng(6), steps=20_000, **noise)
    burn_in = int(10 * law.relaxation_steps)
    by_variance = ou.noise_floor(losses, law=law, noisy=True, burn_in=burn_in)
    by_draws = ou.noise_floor(losses - squares, law=law, burn_in=burn_in)
    assert z(by_variance) < 4
    assert z(by_draws) < 4
    assert by_draws.error < by_variance.error
    assert by_variance.burn_in == burn_in


def losses_of_shuffled_epochs(features, lr, batch_size, *, chains, epochs, rng):
    """Clean losses (chains, steps) before each step of a linear model of labels 0, by hand."""
    n, dim = features.shape
    theta, losses = np.zeros((chains, dim)), []
    for _ in range(epochs):
        order = rng.permuted(np.tile(np.arange(n), (chains, 1)), axis=1)
        for batch in np.split(order, n // batch_size, axis=1):
            losses.append(np.mean((theta @ features.T) ** 2, axis=1))
            rows = features[batch]
            residual = np.einsum("cbp,cp->cb", rows, theta) - NOISE_STD * rng.standard_normal(batch.shape)
            theta -= 2 * lr / batch_size * np.einsum("cbp,cb->cp", rows, residual)
    return np.array(losses).T


def linear(theta, x):
    return anp.sum(theta * x, axis=-1)


def test_a_shuffled_epoch_is_nearer_to_batches_without_replacement():
    features = np.random.default_rng(9).normal(size=(20, 30)) / np.sqrt(30)
    setting, start = ou.Setting(linear, x=features, y=np.zeros(20), dim=30), np.zeros(30)
    lr = 0.3 * ou.max_stable_lr(setting, start, batch_size=4)
    losses = losses_of_shuffled_epochs(features, lr, 4, chains=100, epochs=800, rng=np.random.default_rng(9))[:, 2000:]
    measured, reg = {}, float(ou.regularizer(setting, start))
    for replacement in (True, False):
        law = ou.linearized_sgd(setting, start, lr=lr, noise_std=NOISE_STD, batch_size=4, replacement=replacement)
        measured[replacement] = ou.noise_floor(losses, law=law)
    assert abs(measured[False].reg / reg - 1) < 0.02
    assert z(measured[True], reg) > 4
    assert measured[True].reg < 0.98 * reg


def two_outputs(theta, x):
    return theta[..., :2] * theta[..., 2:] * x[..., None]


def test_several_outputs():
    setting, theta = ou.Setting(two_outputs, x=[1.0], y=[[2.0, 1.0]], dim=4), np.array([2.0, 1.0, 1.0, 1.0])
    noise = {"lr": 0.02, "noise_std": NOISE_STD}
    losses, squares = noisy_losses(np.random.default_rng(7), steps=4000, setting=setting, theta=theta, **noise)
    law, reg = ou.linearized_sgd(setting, theta, **noise), float(ou.regularizer(setting, theta))
    assert z(ou.noise_floor(losses, law=law, noisy=True, burn_in=200), reg) < 4
    assert z(ou.noise_floor(losses - squares, law=law, burn_in=200), reg) < 4
    by_leading_order = ou.noise_floor(losses, **noise, noisy=True, outputs=2, burn_in=200)
    assert by_leading_order.loss == pytest.approx(losses[200:].mean() - 2 * NOISE_STD**2, rel=1e-8)


def test_the_repr_can_be_read():
    losses = 1 + 0.1 * np.random.default_rng(0).standard_normal(1000)
    text = repr(ou.noise_floor(losses, lr=0.1, noise_std=1.0))
    assert text.startswith("MeasuredFloor(reg=9.95")
    assert "± 0.03" in text
    assert "to leading order in the step" in text
    assert "s.e., " in text
    assert "burn_in=0)" in text


def test_losses_that_still_fall_are_no_plateau():
    rng = np.random.default_rng(0)
    losses = np.linspace(2, 1, 4000) + 0.1 * rng.standard_normal(4000)
    with pytest.warns(UserWarning, match="expected a plateau, but they fall by [0-9.]+ standard errors"):
        ou.noise_floor(losses, lr=0.1, noise_std=1.0)


STEPS = np.arange(300.0)
NO_PLATEAU = [
    pytest.param(1e-3 * 1.2**STEPS, "rise", id="explodes"),
    pytest.param(np.exp(-STEPS / 20), "fall", id="decays"),
    pytest.param(1e300 * 1.5 ** np.minimum(STEPS - 290, 0), "rise", id="explodes and stays"),
    pytest.param(1 / (1 + STEPS / 50), "fall", id="falls as 1/t"),
    pytest.param(1.2**STEPS * np.random.default_rng(0).chisquare(1, 300), "rise", id="explodes noisily"),
    pytest.param(1.5 ** np.arange(20.0), "rise", id="twenty losses"),
    pytest.param(np.random.default_rng(1).chisquare(1, (4, 300)) * np.linspace(4, 1, 300), "fall", id="of chains"),
]


@pytest.mark.parametrize(("losses", "way"), NO_PLATEAU)
def test_losses_that_explode_or_decay_are_no_plateau(losses, way):
    with pytest.warns(UserWarning, match=f"expected a plateau, but they {way} by .* standard errors"):
        ou.noise_floor(losses, lr=0.1, noise_std=1.0)


def test_a_monitor_of_a_run_that_diverges_is_no_plateau():
    sizes = iter(np.exp(np.arange(40.0)))
    setting, theta = ou.planted_matrix_sensing(4, 2, 5, rng=1)
    monitor = ou.TrainingMonitor(setting, lambda: theta * next(sizes), lr=1e-3, noise_std=0.2, every=1, exact_rows=0)
    for step in range(40):
        monitor(step)
    with pytest.warns(UserWarning, match="expected a plateau, but they rise"):
        ou.noise_floor(monitor)


def test_a_law_of_noise_on_the_gradient_alone_has_a_plateau():
    law = ou.linearized_sgd(SETTING, THETA, lr=0.1 * LIMIT, noise_std=0.0, gradient_noise_std=0.1)
    assert ou.noise_floor(np.full(100, float(law.expected_loss())), law=law).reg == pytest.approx(REG, rel=1e-12)


def test_a_monitor_knows_how_it_was_trained():
    theta, rng = np.array(THETA), np.random.default_rng(8)
    lr = 0.1 * LIMIT
    monitor = ou.TrainingMonitor(SETTING, lambda: theta, lr=lr, noise_std=NOISE_STD, every=5)
    for step in range(3000):
        monitor(step)
        i = rng.integers(SETTING.n)
        residual = (SETTING.predictions(theta) - SETTING.y)[i] - NOISE_STD * rng.standard_normal()
        theta = theta - 2 * lr * residual * ou.jacobian(SETTING, theta)[i]
    law = ou.linearized_sgd(SETTING, THETA, lr=lr, noise_std=NOISE_STD)
    assert z(ou.noise_floor(monitor, law=law)) < 4
    assert not ou.noise_floor(monitor).exact
    with pytest.raises(TypeError, match="noisy: expected losses of batches with it, got a TrainingMonitor"):
        ou.noise_floor(monitor, noisy=True)
    other = ou.linearized_sgd(SETTING, THETA, lr=2 * lr, noise_std=NOISE_STD)
    with pytest.raises(ValueError, match="law: expected one of the monitor's"):
        ou.noise_floor(monitor, law=other)


SILENT = {"lr": 0.1 * LIMIT, "noise_std": 0.0}
FLAT = ou.Setting(lambda theta, x: theta[..., 0] ** 2 * x, x=[1.0], y=[0.0], dim=1), [0.0]  # J = 0
LAW = ou.linearized_sgd(SETTING, THETA, lr=0.1 * LIMIT, noise_std=0.1)
FINE = np.ones(100)


@pytest.mark.parametrize(
    ("losses", "arguments", "message"),
    [
        (FINE, {"noise_std": 1.0}, "lr: expected a number where there is no law, got None"),
        (FINE, {"lr": 1.0}, "noise_std: expected a number where there is no law, got None"),
        (FINE, {"lr": 1.0, "noise_std": 0.0}, "noise_std: expected a finite number above 0, got 0"),
        (FINE, {"lr": -1.0, "noise_std": 1.0}, "lr: expected a finite number above 0, got -1"),
        (
            FINE,
            {"lr": 1.0, "noise_std": 1e-170},
            "noise_std: expected a ratio of reg to the loss that is a float above 0",
        ),
        (
            FINE,
            {"lr": 1.0, "noise_std": 1e170},
            "noise_std: expected a ratio of reg to the loss that is a float above 0",
        ),
        (FINE, {"lr": 1.0, "noise_std": 1e160, "noisy": True}, "losses: expected the mean noisy loss above σ², got 1"),
        (FINE, {"lr": 1.0, "noise_std": [1.0, 2.0]}, "noise_std: expected a finite number above 0, got"),
        (
            FINE,
            {"lr": 1.0, "noise_std": 1.0, "batch_size": "full"},
            "batch_size: expected the number of data in a batch, got 'full'; of a full batch give n",
        ),
        (
            FINE,
            {"law": ou.linearized_sgd(SETTING, THETA, **SILENT)},
            "law: expected a plateau of the loss above 0, got 0",
        ),
        (FINE, {"law": ou.local_ou(SETTING, THETA, **SILENT)}, "law: expected a plateau of the loss above 0, got 0 at"),
        (
            FINE,
            {"law": ou.linearized_sgd(SETTING, THETA, **SILENT | {"noise_std": np.zeros(2)})},
            "law: expected a plat",
        ),
        (FINE, {"law": ou.linearized_sgd(SETTING, THETA, **SILENT | {"noise_std": 1e-170})}, "law: expected a plateau"),
        (FINE, {"law": ou.linearized_sgd(*FLAT, lr=0.1, noise_std=1.0)}, "got 0 at noise_std=1 and reg=0"),
        (FINE, {"law": LAW, "lr": 1.0}, "lr: expected none beside a LinearizedSGD, which has it"),
        (FINE, {"law": THETA}, "law: expected what linearized_sgd gives, got ndarray"),
        (FINE[:7], {"law": LAW}, r"losses: expected shape \(steps,\) or \(chains, steps\) with at least 8 steps, got"),
        (FINE[None, None], {"law": LAW}, r"losses: expected shape .*, got \(1, 1, 100\)"),
        (None, {"law": LAW}, "losses: expected real numbers, got None of type NoneType"),
        ([1.0] * 8 + [None], {"law": LAW}, "losses: expected real numbers, got None of type NoneType"),
        (FINE > 0, {"law": LAW}, "losses: expected real numbers, got booleans"),
        ([True] * 9, {"law": LAW}, "losses: expected real numbers, got booleans"),
        ([np.nan] * 9, {"law": LAW}, r"losses: expected finite numbers, got nan at \[0\]"),
        (FINE, {"law": LAW, "burn_in": 93}, "burn_in: expected an integer from 0 to 92, got 93"),
        (FINE, {"law": LAW, "noisy": 1}, "noisy: expected True or False, got 1"),
        (0 * FINE, {"law": LAW}, "losses: expected a mean loss above 0, got 0"),
        (1e-3 * FINE, {"law": LAW, "noisy": True}, "losses: expected the mean noisy loss above σ², got 0.001"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(losses, arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        ou.noise_floor(losses, **arguments)
