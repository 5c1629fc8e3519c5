"""A network on one datum is walked in two coordinates a neuron, and what comes out is the walk in all of them."""

import numpy as np
import pytest
import sympy
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA
from strategies import numbers

import ouanalysis as ou
from ouanalysis.simulate import segments
from ouanalysis.simulate.launch import plan_of

RUN = {"lr": 0.05, "noise_std": 0.3, "steps": 60, "rng": 1, "chains": 3}
inputs = st.lists(st.floats(-3, 3), min_size=2, max_size=5).filter(lambda x: np.linalg.norm(x) > 1e-3)


@given(x=inputs, scale=st.sampled_from([1e-100, 1.0, 1e100]), data=st.data())
def test_the_coordinates_are_all_that_h_sees_and_what_is_normal_to_x_stays_to_the_last_bit(x, scale, data):
    x = scale * np.array(x)
    setting = ou.SigmoidNetwork([x], [0.5], 3)
    theta = data.draw(numbers((2, setting.dim)))
    reduction = setting.reduction()
    small, walked = reduction.setting, reduction.of(theta)
    assert (small.n, small.d, small.width) == (1, 1, 3)
    assert small.x[0, 0] == pytest.approx(np.linalg.norm(x / scale) * scale, rel=ALGEBRA)
    W, u = theta[:, 3:].reshape(2, 3, -1), walked[:, 3:]
    np.testing.assert_array_equal(walked[:, :3], theta[:, :3])
    inner = np.sum(W * (x / scale), axis=-1)
    np.testing.assert_allclose(u * (small.x[0, 0] / scale), inner, rtol=0, atol=ALGEBRA * (1 + np.max(np.abs(W))) * 20)
    np.testing.assert_array_equal(reduction.back(walked[:, None], theta)[:, 0], theta)
    by = data.draw(numbers((2, 6)))
    moved = reduction.back((walked + by)[:, None], theta)[:, 0]
    size = 1 + np.max(np.abs(theta)) + np.max(np.abs(by))
    np.testing.assert_allclose(reduction.of(moved), walked + by, rtol=0, atol=ALGEBRA * 10 * size)
    kept = np.broadcast_to(x == 0, W.shape)
    np.testing.assert_array_equal(moved[:, 3:].reshape(W.shape)[kept], W[kept])


@pytest.mark.parametrize("x", [[0.6, -0.8, 0.3], [2.0, 0.0], [-2.0, 0.0], [0.0, 1.0, 0.0, 0.0]])
@pytest.mark.parametrize("activation", ["tanh", "logistic"])
@pytest.mark.parametrize("options", [{}, {"momentum": 0.5}, {"batch_size": 3}, {"noise": "rademacher"}])
def test_sgd_is_that_of_the_same_network_as_a_plain_setting(x, activation, options):
    setting = ou.SigmoidNetwork([x], [0.5], 4, activation=activation)
    theta = np.random.default_rng(0).standard_normal((3, setting.dim))
    plain = ou.Setting(setting.h, setting.x, setting.y, setting.dim)
    how = RUN | {"record": [0, 3, 60]} | options
    walked, whole = (ou.label_noise_sgd(each, theta, **how) for each in (setting, plain))
    np.testing.assert_allclose(walked.theta, whole.theta, rtol=0, atol=1e-13)  # sixty steps of some roundings each
    # Along all that is normal to x nothing moves.
    normal = np.eye(len(x)) - np.outer(x, x) / np.dot(x, x)
    W = walked.theta[..., 4:].reshape(3, 3, 4, -1)
    np.testing.assert_allclose((W - W[:, :1]) @ normal, 0.0, rtol=0, atol=1e-14)


@pytest.mark.parametrize("d", [2, 10, 64])
def test_a_path_depends_on_neither_other_chains_nor_how_theta_is_given_and_is_repeated(d):
    rng = np.random.default_rng(d)
    setting = ou.SigmoidNetwork(rng.standard_normal((1, d)), [0.5], 4)
    theta = rng.standard_normal(setting.dim)
    run = ou.label_noise_sgd(setting, theta, record=20, **RUN)
    np.testing.assert_array_equal(run.repeat().theta, run.theta)
    for each in (np.tile(theta, (3, 1)), np.asfortranarray(np.tile(theta, (3, 1)))):
        np.testing.assert_array_equal(ou.label_noise_sgd(setting, each, record=20, **RUN).theta, run.theta)
    alone = ou.label_noise_sgd(setting, theta, record=20, **RUN | {"chains": 1})
    np.testing.assert_array_equal(alone.theta, run.theta[:1])
    at_start = ou.label_noise_sgd(setting, theta, record=[0], **RUN | {"steps": 0})
    np.testing.assert_array_equal(at_start.theta[:, 0], np.tile(theta, (3, 1)))


def test_a_state_is_not_taken_for_one_in_other_coordinates(tmp_path):
    setting = ou.SigmoidNetwork([[0.6, -0.8, 0.3]], [0.5], 4)
    plain = ou.Setting(setting.h, setting.x, setting.y, setting.dim)
    theta = np.random.default_rng(0).standard_normal(setting.dim)
    ou.label_noise_sgd(setting, theta, **RUN | {"steps": 0}).save(tmp_path / "network.npz")
    with pytest.raises(
        ValueError, match="setting: expected a network on one datum of this package, which was walked in a reduction"
    ):
        ou.resume(tmp_path / "network.npz", steps=60, setting=plain, exact=False)
    ou.label_noise_sgd(plain, theta, **RUN | {"steps": 0}).save(tmp_path / "plain.npz")
    with pytest.raises(
        ValueError, match="setting: expected a setting that is walked without a reduction, got SigmoidNetwork"
    ):
        ou.resume(tmp_path / "plain.npz", steps=60, setting=setting, exact=False)


def test_chains_that_diverge_or_start_anywhere_say_nothing_of_it():
    cubic = ou.SigmoidNetwork([[0.6, -0.8]], [0.5], 2, activation=sympy.Symbol("z") ** 3)
    theta = 3 * np.random.default_rng(0).standard_normal((8, 6))
    run = ou.label_noise_sgd(cubic, theta, lr=0.03, noise_std=0.1, steps=100, rng=0, chains=8, record=1)
    assert "diverged" in run.status
    plain = ou.Setting(cubic.h, cubic.x, cubic.y, cubic.dim)
    whole = ou.label_noise_sgd(plain, theta, lr=0.03, noise_std=0.1, steps=100, rng=0, chains=8, record=1)
    assert run.status.tolist() == whole.status.tolist()
    tanh = ou.SigmoidNetwork([[0.6, 0.8]], [0.5], 2)
    far = [0.1, 0.1, 1.7e308, 1.7e308, 1, 1]
    np.testing.assert_array_equal(ou.label_noise_sgd(tanh, far, **RUN | {"steps": 0}).theta[0, 0], far)
    assert ou.label_noise_sgd(tanh, far, **RUN).theta.shape == (3, 1, 6)


@pytest.mark.parametrize("options", [{"weight_decay": 0.1}, {"gradient_noise_std": 0.1}, {"average": ou.Averaging()}])
def test_what_moves_or_sums_all_coordinates_takes_them_as_they_are(options):
    setting = ou.SigmoidNetwork([[0.6, -0.8, 0.3]], [0.5], 4)
    theta = np.random.default_rng(0).standard_normal(setting.dim)
    plain = ou.Setting(setting.h, setting.x, setting.y, setting.dim)
    walked, whole = (ou.label_noise_sgd(each, theta, record=1, **RUN, **options) for each in (setting, plain))
    assert walked.state.theta.shape == (3, setting.dim)
    np.testing.assert_allclose(walked.theta, whole.theta, rtol=0, atol=1e-13)


def test_it_is_cut_resumed_observed_and_diffused_as_any_other_run(tmp_path, monkeypatch):
    setting = ou.SigmoidNetwork([[0.6, -0.8, 0.3]], [0.5], 4)
    theta = np.random.default_rng(0).standard_normal(setting.dim)

    length = np.sqrt(np.sum(setting.x**2))

    def first_weight(setting, theta):
        return theta[:, setting.width]

    how = RUN | {"record": 7, "observe": {"w": first_weight}}
    whole = ou.label_noise_sgd(setting, theta, **how)
    assert whole.state.theta.shape == (3, 8)
    assert plan_of(setting, whole.arguments)[0].walked == ou.SigmoidNetwork([[length]], [0.5], 4)
    np.testing.assert_array_equal(whole.observed["w"], whole.theta[:, :, 4])
    half = ou.label_noise_sgd(setting, theta, checkpoint=tmp_path / "run", **how | {"steps": 31})
    for longer in (ou.resume(half, steps=60), ou.resume(tmp_path / "run", steps=60, observe={"w": first_weight})):
        np.testing.assert_array_equal(longer.theta[:, -1], whole.theta[:, -1])
        np.testing.assert_array_equal(longer.state.theta, whole.state.theta)
    monkeypatch.setattr(segments, "SEGMENT", 5)
    np.testing.assert_array_equal(ou.label_noise_sgd(setting, theta, **how).theta, whole.theta)
    plain = ou.Setting(setting.h, setting.x, setting.y, setting.dim)
    diffused, by_plain = (
        ou.label_noise_sde(each, theta, lr=0.05, noise_std=0.3, steps=20, rng=1, substeps=3)
        for each in (setting, plain)
    )
    np.testing.assert_allclose(diffused.theta, by_plain.theta, rtol=0, atol=1e-13)


@pytest.mark.parametrize(
    "setting",
    [
        ou.SigmoidNetwork([[2.0]], [0.5], 3),
        ou.SigmoidNetwork([[0.0, 0.0]], [0.5], 3),
        ou.SigmoidNetwork([[1e-200, 1e-200]], [0.5], 3),
        ou.SigmoidNetwork([[1e200, 1e200]], [0.5], 3),
        ou.SigmoidNetwork([[1.0, 2.0], [3.0, 4.0]], [0.5, 0.1], 3),
        ou.MatrixSensing([[[1.0, 2.0], [2.0, 1.0]]], y=[4.0]),
    ],
)
def test_others_are_walked_as_they_are(setting):
    assert setting.reduction() is None
