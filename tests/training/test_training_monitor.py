"""What a monitor reads is what the laws say at the same point."""

from dataclasses import replace

import autograd.numpy as anp
import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set import row_space


def two_outputs(theta, x):
    return theta[..., :2] * theta[..., 2:4] * anp.sin(x[..., None] + theta[..., 4:])


X, THETA = np.array([0.3, 1.1]), np.array([2.0, 1.0, 1.0, -1.0, 0.2, 0.5])
TWO = ou.Setting(two_outputs, x=X, y=two_outputs(THETA, X), dim=6)
SETTINGS = [
    pytest.param(TWO, THETA, id="two outputs"),
    pytest.param(*ou.planted_sigmoid_network(2, 3, 6, rng=3), id="sigmoid"),
    pytest.param(*ou.planted_matrix_sensing(4, 2, 5, rng=1), id="sensing"),
]
NOISES = [
    pytest.param({}, id="one datum"),
    pytest.param({"batch_size": 2, "replacement": False}, id="without replacement"),
    pytest.param({"batch_size": "full"}, id="full"),
    pytest.param({"batch_size": 2, "momentum": 0.8}, id="momentum"),
]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("setting", "theta"), SETTINGS)
def test_a_reading_on_the_zero_error_set_is_what_the_laws_say(setting, theta, noise):
    theta = ou.interpolate(setting, theta + 0.1 * np.random.default_rng(0).standard_normal(setting.dim))
    limit = ou.max_stable_lr(setting, theta, **noise)
    noise = {"lr": 0.3 * limit, "noise_std": 0.2, **noise}
    law = ou.linearized_sgd(setting, theta, **noise)
    reading = ou.TrainingMonitor(setting, lambda: theta, **noise)(0)
    assert reading.reg == pytest.approx(ou.regularizer(setting, theta), rel=1e-12)
    assert reading.loss < 1e-12
    assert reading.exact_floor == pytest.approx(float(law.expected_loss()), rel=1e-9)
    change = law.tangent_drift() @ ou.regularizer_gradient(setting, theta)
    assert reading.exact_drift == pytest.approx(float(change), rel=1e-7)
    assert reading.curvature == pytest.approx(law.eigenvalues[0], rel=1e-10)
    assert reading.max_stable_lr == pytest.approx(limit, rel=1e-3)
    if not noise.get("momentum"):
        diffusion = ou.local_ou(setting, theta, **{name: noise[name] for name in noise if name != "replacement"})
        assert reading.floor == pytest.approx(float(diffusion.expected_loss()), rel=1e-9)
        change = diffusion.tangent_drift(None) @ ou.regularizer_gradient(setting, theta)
        assert reading.drift == pytest.approx(float(change), rel=1e-7)


def nearly_alike(theta, x):
    return theta[..., 0] * theta[..., 1] * theta[..., 2] + x * theta[..., 0]


def test_a_direction_that_data_hardly_tell_apart_counts_as_in_the_laws():
    theta, data = np.array([2.0, 1.0, 3.0]), np.array([0.0, 1e-9])
    setting = ou.Setting(nearly_alike, x=data, y=nearly_alike(theta, data), dim=3)
    noise = {"lr": 0.01, "noise_std": 0.2}
    reading, law = ou.TrainingMonitor(setting, lambda: theta, **noise)(0), ou.linearized_sgd(setting, theta, **noise)
    assert law.rank == 2
    gradient = ou.regularizer_gradient(setting, theta)
    assert reading.exact_drift == pytest.approx(float(law.tangent_drift() @ gradient), rel=1e-7)
    leading = ou.local_ou(setting, theta, **noise).tangent_drift(None) @ gradient
    assert reading.drift == pytest.approx(float(leading), rel=1e-7)


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("setting", "theta"), SETTINGS)
def test_of_a_jacobian_that_is_not_held_only_the_fit_and_the_exact_drift_are_missing(
    setting, theta, noise, monkeypatch
):
    monitor = ou.TrainingMonitor(setting, lambda: theta, lr=1e-3, noise_std=0.2, **noise)
    held = monitor(0)
    monkeypatch.setattr(row_space, "HELD", 1)
    reading = monitor(0)
    assert np.isnan([reading.fit_reg, reading.exact_drift]).all()
    for name in ("reg", "loss", "floor", "exact_floor", "drift", "curvature", "max_stable_lr"):
        assert getattr(reading, name) == pytest.approx(getattr(held, name), rel=1e-7, abs=1e-25)


def test_at_small_steps_floor_and_drift_are_those_of_the_exact_law_with_momentum_too():
    setting, theta = ou.planted_sigmoid_network(2, 3, 6, rng=3)
    theta = ou.interpolate(setting, theta + 0.1)
    noise = {"noise_std": 0.2, "batch_size": 2, "momentum": 0.8}
    noise["lr"] = 1e-4 * ou.max_stable_lr(setting, theta, batch_size=2, momentum=0.8)
    law, reading = ou.linearized_sgd(setting, theta, **noise), ou.TrainingMonitor(setting, lambda: theta, **noise)(0)
    change = ou.tangent_drift(setting, theta, **noise) @ ou.regularizer_gradient(setting, theta)
    assert reading.floor == pytest.approx(float(law.expected_loss()), rel=1e-3)
    assert reading.drift == pytest.approx(float(change), rel=1e-3)


def monitored(**changed):
    setting, theta = ou.planted_sigmoid_network(2, 3, 6, rng=3)
    arguments = {"lr": 0.01, "noise_std": 0.1, "every": 5, **changed}
    return ou.TrainingMonitor(setting, arguments.pop("module", lambda: theta), **arguments)


def test_it_reads_every_so_many_steps_and_lists_what_it_read():
    monitor = monitored()
    read = [step for step in range(12) if monitor(step) is not None]
    assert read == [0, 5, 10]
    assert monitor.columns()["step"].tolist() == read
    lines = monitor.table().splitlines()
    assert lines[0].split() == list(monitor.columns())
    assert len(lines) == 4
    assert repr(monitor).endswith("every=5, 3 readings, last at step 10)")


def test_a_reading_at_a_step_of_its_own_is_that_of_a_monitor_made_with_it():
    """A schedule: the lr of each step beside it."""
    monitor, rates = monitored(), [0.01, 0.02, 0.005]
    for i, lr in enumerate(rates):
        assert monitor(5 * i, lr=lr) == replace(monitored(lr=lr)(0), step=5 * i)
    assert monitor.columns()["lr"].tolist() == rates
    assert monitor(15) == replace(monitored()(0), step=15)
    monitor.plot().canvas.draw()


def test_where_a_schedule_is_0_nothing_moves():
    monitor, usual = monitored(), monitored()(0)
    for step, lr in ((0, 0.0), (5, 0.01), (10, 0)):
        reading = monitor(step, lr=lr)
        assert (reading.fit_reg, reading.max_stable_lr) == (usual.fit_reg, usual.max_stable_lr)
        if not lr:
            assert (reading.floor, reading.exact_floor, reading.drift, reading.exact_drift) == (0, 0, 0, 0)
    monitor.plot().canvas.draw()
    for lr in (-0.1, np.nan, "0.1"):
        with pytest.raises((TypeError, ValueError), match="lr: expected a finite number at least 0"):
            monitor(11, lr=lr)


def test_a_plateau_is_one_of_one_step_size():
    monitor = monitored(every=1, module=lambda: ou.planted_sigmoid_network(2, 3, 6, rng=3)[1] + 0.01)
    for step in range(8):
        monitor(step, lr=0.02)
    assert ou.noise_floor(monitor, burn_in=0).reg_per_loss == pytest.approx(1 / (0.02 * 0.1**2), rel=1e-12)
    monitor(8, lr=0.01)
    with pytest.raises(ValueError, match=r"losses: expected a monitor's readings at one lr, got 0\.01 to 0\.02"):
        ou.noise_floor(monitor)


def test_steps_do_not_run_backwards():
    monitor = monitored()
    for step in (0, 5, 5, 10):
        monitor(step)
    with pytest.raises(ValueError, match="step: expected at least 10, that of the last reading, got 5; to go on"):
        monitor(5)
    del monitor.readings[1:]
    assert monitor(5).step == 5


@pytest.mark.parametrize("name", ["lr", "noise_std", "batch_size", "momentum", "setings"])
def test_an_attribute_that_is_none_is_not_set(name):
    with pytest.raises(AttributeError, match=name):
        setattr(monitored(), name, 0.1)


def test_a_step_past_the_limit_has_no_floor():
    reading = monitored(lr=10.0)(0)
    assert reading.exact_floor == np.inf
    assert np.isnan(reading.exact_drift)
    assert reading.max_stable_lr < 10.0


def test_many_rows_leave_out_what_costs_their_cube():
    reading = monitored(exact_rows=1)(0)
    assert np.isnan([reading.exact_floor, reading.fit_reg]).all()
    assert np.isnan(reading.max_stable_lr)
    assert np.isnan(reading.exact_drift)
    assert np.isfinite([reading.floor, reading.drift, reading.curvature]).all()


def test_off_the_zero_error_set_what_is_predicted_is_of_the_fit_nearby():
    setting, theta = ou.planted_sigmoid_network(2, 3, 6, rng=3)
    away = theta + 0.01 * np.random.default_rng(0).standard_normal(setting.dim)
    reading = monitored(module=lambda: away)(0)
    at_fit = monitored(module=lambda: ou.interpolate(setting, away))(0)
    assert reading.reg == pytest.approx(ou.regularizer(setting, away), rel=1e-12)
    assert reading.loss == pytest.approx(ou.loss(setting, away), rel=1e-12)
    for name in ("fit_reg", "floor", "exact_floor", "drift", "exact_drift", "curvature"):
        assert getattr(reading, name) == pytest.approx(getattr(at_fit, name), rel=1e-8)
    assert reading.fit_reg == pytest.approx(at_fit.reg, rel=1e-8)


def test_where_no_fit_is_near_the_readings_are_of_theta():
    setting = ou.Setting(bounded, x=[1.0], y=[2.0], dim=1)
    reading = ou.TrainingMonitor(setting, lambda: np.array([1.0]), lr=0.01, noise_std=0.1)(0)
    assert np.isnan(reading.fit_reg)
    assert reading.floor == pytest.approx(1e-4 * reading.reg, rel=1e-12)


def rational(theta, x):
    return theta[..., 0] / theta[..., 1] * x


RATIONAL = ou.Setting(rational, x=[1.0, 2.0], y=[1.0, 2.0], dim=2)
PAST_FLOATS = [
    pytest.param(*ou.planted_matrix_sensing(4, 2, 5, rng=1), 1e160, id="sensing: K overflows"),
    pytest.param(*ou.planted_matrix_sensing(4, 2, 5, rng=1), 1e152, id="sensing: K is a float, but hardly"),
    pytest.param(*ou.planted_matrix_sensing(4, 2, 5, rng=1), 1e308, id="sensing: J overflows"),
    pytest.param(*ou.planted_sigmoid_network(2, 3, 6, rng=3), np.r_[np.full(6, 1e160), np.ones(18)], id="sigmoid"),
    pytest.param(*ou.planted_relu_network(8, 4, rng=3), 1e160, id="relu"),
    pytest.param(TWO, THETA, 1e200, id="two outputs"),
    pytest.param(RATIONAL, np.array([1.0, 0.0]), 1.0, id="no derivative"),
]


@pytest.mark.parametrize("noise", NOISES)
@pytest.mark.parametrize(("setting", "theta", "scale"), PAST_FLOATS)
@pytest.mark.parametrize("exact_rows", [0, 500])
@pytest.mark.parametrize("held", [True, False])
def test_at_divergence_what_needs_k_is_nan_and_training_goes_on(
    setting, theta, scale, exact_rows, held, noise, monkeypatch
):
    if not held:
        monkeypatch.setattr(row_space, "HELD", 1)
    noise = {"batch_size": 2, **noise} if setting.n > 1 else noise
    monitor = ou.TrainingMonitor(setting, lambda: theta * scale, lr=1e-3, noise_std=0.2, exact_rows=exact_rows, **noise)
    reading = monitor(0)
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(
            (reading.reg, reading.loss), (ou.regularizer(setting, theta * scale), ou.loss(setting, theta * scale))
        )
    rest = [value for name, value in vars(reading).items() if name not in ("step", "reg", "loss", "lr")]
    assert np.isnan(rest).all()
    assert monitor.table().splitlines()[1].split()[-2:] == ["nan", "0.001"]


def test_a_run_that_diverges_is_drawn():
    setting, theta = ou.planted_matrix_sensing(4, 2, 5, rng=1)
    scales = iter([1.0, 10.0, 1e60, 1e160, 1e308])
    monitor = ou.TrainingMonitor(setting, lambda: theta * next(scales), lr=1e-3, noise_std=0.2, every=1)
    for step in range(5):
        monitor(step)
        monitor.plot().canvas.draw()
    assert np.isfinite(monitor.columns()["curvature"]).tolist() == [True, True, True, False, False]


def test_a_run_that_diverges_is_logarithmic_and_one_that_does_not_is_not():
    setting, theta = ou.planted_matrix_sensing(4, 2, 5, rng=1)
    for scales, scale in (([1.0, 3.0, 1e3, 1e150], "log"), ([1.0, 1.1, 1.2, 1.3], "linear")):
        sizes = iter(scales)
        monitor = ou.TrainingMonitor(
            setting, lambda sizes=sizes: theta * next(sizes), lr=1e-4, noise_std=0.2, every=1, exact_rows=0
        )
        for step in range(4):
            monitor(step)
        figure = monitor.plot()
        figure.canvas.draw()
        assert [figure.axes[i].get_yscale() for i in (0, 3)] == [scale, scale]


def test_a_single_reading_is_seen():
    monitor = monitored()
    monitor(0)
    for axes in monitor.plot().axes:
        assert axes.get_ylabel()
        for line in axes.get_lines():
            assert line.get_marker() not in ("", "None") or not line.get_label().startswith("$\\eta")


def test_a_setting_of_eval_is_read_in_eval_and_buffers_may_not_move():
    torch = pytest.importorskip("torch")
    x, y, rest = np.eye(3), np.ones(3), {"lr": 0.01, "noise_std": 0.1, "every": 1}
    network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.Dropout(0.5), torch.nn.Linear(8, 1)).double().eval()
    monitor = ou.TrainingMonitor(ou.Setting.from_torch(network, x, y), network, **rest)
    before = monitor(0)
    network.train()
    assert monitor(0) == before
    assert network.training
    network = torch.nn.Sequential(torch.nn.Linear(3, 8), torch.nn.BatchNorm1d(8), torch.nn.Linear(8, 1)).double().eval()
    monitor = ou.TrainingMonitor(ou.Setting.from_torch(network, x, y), network, **rest)
    network.train()(torch.eye(3, dtype=torch.float64))
    with pytest.raises(ValueError, match=r"pack: expected 1\.running_mean as it was in the module, a constant of h"):
        monitor(0)


def bounded(theta, x):
    return anp.tanh(theta[..., 0]) * x


class Module:
    """What has a state_dict, and a setting that packs one."""

    def state_dict(self):
        return {"c": 1.0}


class OfModule(ou.Setting):
    """A setting that packs a state dict."""

    def pack(self, state):
        if state != {"c": 1.0}:
            raise ValueError(f"pack: expected the entry c, got {', '.join(state)}")
        return np.array([1.0])


def test_a_module_is_packed_by_the_setting():
    setting = OfModule(bounded, x=[1.0], y=[0.5], dim=1)
    monitor = ou.TrainingMonitor(setting, Module(), lr=0.01, noise_std=0.1)
    assert monitor(0).reg == pytest.approx(ou.regularizer(setting, [1.0]), rel=1e-12)


class Other(Module):
    """What has a state dict of another model."""

    def state_dict(self):
        return {"state": 1.0}


def test_another_modules_state_is_refused_before_training():
    with pytest.raises(ValueError, match="pack: expected the entry c, got state"):
        ou.TrainingMonitor(OfModule(bounded, x=[1.0], y=[0.5], dim=1), Other(), lr=0.01, noise_std=0.1)


@pytest.mark.parametrize("setting", [*(param.values[0] for param in SETTINGS), RATIONAL])
def test_a_module_beside_a_setting_of_none_is_refused_before_training(setting):
    wanted = "module: expected a function that gives θ, as .* is no setting of that module, got Module; make it by "
    with pytest.raises(TypeError, match=wanted):
        ou.TrainingMonitor(setting, Module(), lr=0.01, noise_std=0.1)


def first_weight(params, x):
    return x @ params["weight"][0]


def test_a_module_of_torch_beside_a_setting_of_jax_is_refused_before_training():
    torch, _ = pytest.importorskip("torch"), pytest.importorskip("jax")
    setting = ou.Setting.from_jax(first_weight, {"weight": np.ones((1, 3))}, np.eye(3), np.ones(3))
    with pytest.raises(TypeError, match="is no setting of that module, got Linear"):
        ou.TrainingMonitor(setting, torch.nn.Linear(3, 1, bias=False).double(), lr=0.01, noise_std=0.1)


def test_modules_of_torch():
    torch = pytest.importorskip("torch")
    x, y, rest = np.eye(3), np.ones(3), {"lr": 0.01, "noise_std": 0.1}
    network, other = (torch.nn.Linear(3, 1, bias=bias).double() for bias in (True, False))
    setting = ou.Setting.from_torch(network, x, y)
    assert ou.TrainingMonitor(setting, network, **rest)(0).reg == pytest.approx(2.0, rel=1e-12)
    with pytest.raises(ValueError, match="pack: expected the entries weight, bias, got weight"):
        ou.TrainingMonitor(setting, other, **rest)
    with pytest.raises(ValueError, match="pack: expected the entries weight, bias, got state, param_groups"):
        ou.TrainingMonitor(setting, torch.optim.SGD(network.parameters(), 0.01), **rest)
    with pytest.raises(TypeError, match="is no setting of that module, got Linear"):
        ou.TrainingMonitor(RATIONAL, network, **rest)
    with pytest.raises(TypeError, match=r"module: expected a torch.nn.Module, or a .*, got <class"):
        ou.TrainingMonitor(setting, torch.nn.Linear, **rest)


@pytest.mark.parametrize("steps", [0, 1, 12])
def test_the_figure_has_four_panels_whatever_was_read(steps):
    monitor = monitored()
    for step in range(steps):
        monitor(step)
    figure = monitor.plot()
    figure.canvas.draw()
    assert [axes.get_title(loc="left")[:3] for axes in figure.axes] == ["(a)", "(b)", "(c)", "(d)"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"module": 3}, "module: expected a torch.nn.Module, or a function that gives θ, got 3"),
        ({"every": 0}, "every: expected an integer at least 1, got 0"),
        ({"noise_std": [0.1, 0.2]}, "noise_std: expected a finite number above 0"),
        ({"lr": 0.0}, "lr: expected a finite number above 0, got 0"),
        ({"exact_rows": -1}, "exact_rows: expected an integer at least 0, got -1"),
        ({"module": lambda: np.ones(3)}, r"theta: expected shape \(24,\), got \(3,\)"),
        ({"module": lambda: np.full(24, np.nan)}, r"theta: expected finite numbers, got nan at \[0\]"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(changed, message):
    with pytest.raises((TypeError, ValueError), match=message):
        monitored(**changed)(0)
