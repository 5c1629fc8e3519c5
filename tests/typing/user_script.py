"""A user's script that calls every public function; `tests/test_types.py` reads its types, nothing runs it."""

from concurrent.futures import ProcessPoolExecutor
from typing import assert_type

import numpy as np
from numpy.typing import NDArray

import ouanalysis as ou

Array = NDArray[np.float64]


def h(theta: Array, x: Array) -> Array:
    return ou.activations.relu(theta[..., 0] * x) + theta[..., 1]


setting = ou.Setting(h, x=[1.0, 2.0], y=[0.5, 1.0], parts={"c": (1,), "w": (1,)})
theta = assert_type(ou.interpolate(setting, np.ones(2)), Array)
lr = assert_type(min(ou.max_stable_lr(setting, theta), ou.step_size(0.1, loss="half")), float)
for at_a_point in (ou.loss, ou.regularizer, ou.regularizer_gradient, ou.jacobian, ou.gram):
    assert_type(at_a_point(setting, theta), Array)
assert_type(setting.unpack(theta), dict[str, Array])
assert_type(ou.kink_distance(setting, theta), float)
local = ou.local_ou(setting, theta, lr=lr, noise_std=0.1, batch_size="full")
exact = ou.linearized_sgd(setting, theta, lr=lr, noise_std=[0.1, 0.2], momentum=0.5, batch_size=2, replacement=False)
assert_type(local.covariance([1, 2], lag=3), Array)
assert_type(exact.expected_loss(), Array)
assert_type(exact.sampling, ou.Sampling)
assert_type(ou.tangent_drift(setting, theta, lr=lr, noise_std=0.1, steps=7, gradient_noise_std=0.1), Array)
flow = assert_type(ou.regularized_flow(setting, theta, times=[0.0, 1.0], lr=lr, method="auto"), ou.Flow)
assert_type(flow.steps(lr=lr, noise_std=0.1), Array)
assert_type(ou.flow_time(setting, [1, 2], lr=lr, noise_std=0.1), Array)
lowered = [(0, 0.1), (5, 0.01)]
assert_type(flow.steps(lr=lambda steps: lr / (1 + steps), noise_std=lowered, momentum=[[0, 0.5]]), Array)
assert_type(ou.flow_time(setting, 10, lr=np.array(lowered), noise_std=0.1), Array)
verdict: str = ou.stability(setting, flow.theta[-1], tol=1e-6).verdict
assert_type(ou.compiled(setting), ou.Setting)
assert_type(ou.compiled(ou.planted_relu_network(5, 1, rng=0)[0]), ou.ReluNetwork)
run = ou.label_noise_sgd(setting, theta, lr=lr, noise_std=0.1, steps=10, rng=0, noise="rademacher", record=[0, 10])
watched = {"reg": ou.regularizer, "large": lambda _, theta: theta[:, 0] > 1}
kept = ou.Averaging(basis=np.eye(2), loss=True, reg=True, start=2, every=3)
with ProcessPoolExecutor() as pool:
    run = ou.label_noise_sgd(
        setting,
        theta,
        lr=lambda steps: lr / (1 + steps),
        noise_std=lowered,
        steps=10,
        rng=0,
        weight_decay=0.1,
        record="log",
        observe=watched,
        average=kept,
        executor=pool,
        checkpoint="checkpoint.npz",
    )
run = ou.resume("checkpoint.npz", setting=setting, lr=lambda steps: lr / (1 + steps), observe=watched, steps=20)
run = ou.resume(run, steps=30, exact=False)
assert_type(run.observed["large"], Array)
averages = assert_type(run.averages, ou.Averages | None)
if averages is not None:
    assert_type(averages.pooled().covariance, Array)
swept = assert_type(ou.sweep(setting, theta, lr=[0.1, lr], noise_std=0.1, steps=10, rng=0), ou.Sweep)
assert_type(swept.runs, tuple[ou.Trajectory, ...])
run = ou.label_noise_sde(setting, theta, lr=lr, noise_std=0.1, steps=10, rng=np.random.default_rng(0), substeps=2)
run = ou.ornstein_uhlenbeck(setting, theta, lr=lr, noise_std=0.1, steps=10, rng=1, chains=3)
assert_type(run, ou.Trajectory)
assert_type(ou.Trajectory.load("run.npz", setting).reg, Array)
sensing, truth = ou.planted_matrix_sensing(d=3, rank=1, n=4, rng=0)
network, weights = ou.planted_relu_network(5, 1, rng=0)
others = (ou.planted_sigmoid_network(3, 2, 4, rng=0), ou.planted_quadratic_parametrisation(4, 2, 1, rng=0))
assert_type(ou.minimum(sensing).value, float)
assert_type(ou.certify(sensing, truth).relative_gap, Array)
assert_type(ou.balanced(network, weights), Array)
shape = assert_type(ou.network_function(network, weights), ou.PiecewiseLinear)
assert_type(ou.attaining_network(network, shape), Array)
assert_type(ou.function_regularizer(network, shape), float)
assert_type(ou.kink_cost(network.x, 0.5, facing="right"), Array)
assert_type(ou.symbolic.regularizer(setting)(theta), Array)
assert_type(ou.symbolic.regularizer(setting).latex(), str)
noisy = ou.LabelNoise([(sensing.x, sensing.y)], noise_std=0.1, rng=0, noise="rademacher")
assert_type(noisy.mean_square, float)
monitor = ou.TrainingMonitor(sensing, lambda: truth, lr=lr, noise_std=0.1, batch_size="full", every=10)
reading = monitor(0)
if reading is not None:
    assert_type(reading.drift, float)
assert_type(monitor.columns(), dict[str, Array])
floor = assert_type(ou.noise_floor(run.loss, law=exact, burn_in=10), ou.MeasuredFloor)
assert_type(ou.noise_floor([1.0, 2.0], lr=lr, noise_std=0.1, noisy=True).reg, float)
