"""A network on one datum is walked in two coordinates a neuron, and what comes out is the walk in all of them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rounding import ALGEBRA
from strategies import numbers

import ouanalysis as ou
from ouanalysis.simulate import segments

RUN = {"lr": 0.05, "noise_std": 0.3, "steps": 60, "rng": 1, "chains": 3}
inputs = st.lists(st.floats(-3, 3), min_size=2, max_size=5).filter(lambda x: np.linalg.norm(x) > 1e-3)


@given(x=inputs, scale=st.sampled_from([1e-100, 1.0, 1e100]), data=st.data())
def test_coordinates_are_a_rotation_and_the_first_of_them_are_all_that_h_sees(x, scale, data):
    x = scale * np.array(x)
    setting = ou.SigmoidNetwork([x], [0.5], 3)
    theta = data.draw(numbers((2, setting.dim)))
    reduction = setting.reduction()
    turned = reduction.turned(theta)
    assert turned.shape == theta.shape
    np.testing.assert_allclose(reduction.back(turned), theta, rtol=0, atol=ALGEBRA * (1 + np.max(np.abs(theta))))
    np.testing.assert_allclose(np.sum(turned**2, axis=-1), np.sum(theta**2, axis=-1), rtol=ALGEBRA, atol=0)
    small = reduction.setting
    assert (small.n, small.d, small.width) == (1, 1, 3)
    assert abs(small.x[0, 0]) == pytest.approx(np.linalg.norm(x / scale) * scale, rel=ALGEBRA)
    W, u = theta[:, 3:].reshape(2, 3, -1), turned[:, 3:6]
    inner = np.sum(W * (x / scale), axis=-1)
    np.testing.assert_allclose(u * (small.x[0, 0] / scale), inner, rtol=0, atol=ALGEBRA * (1 + np.max(np.abs(W))) * 20)


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
    np.testing.assert_allclose((W - W[:, :1]) @ normal, 0.0, atol=1e-14)


@pytest.mark.parametrize("options", [{"weight_decay": 0.1}, {"gradient_noise_std": 0.1}, {"average": ou.Averaging()}])
def test_what_moves_or_sums_all_coordinates_takes_them_as_they_are(options):
    setting = ou.SigmoidNetwork([[0.6, -0.8, 0.3]], [0.5], 4)
    theta = np.random.default_rng(0).standard_normal(setting.dim)
    plain = ou.Setting(setting.h, setting.x, setting.y, setting.dim)
    walked, whole = (ou.label_noise_sgd(each, theta, record=1, **RUN, **options) for each in (setting, plain))
    np.testing.assert_array_equal(walked.theta[:, 0], np.broadcast_to(theta, (3, setting.dim)))
    np.testing.assert_allclose(walked.theta, whole.theta, rtol=0, atol=1e-13)


def test_it_is_cut_resumed_observed_and_diffused_as_any_other_run(tmp_path, monkeypatch):
    setting = ou.SigmoidNetwork([[0.6, -0.8, 0.3]], [0.5], 4)
    theta = np.random.default_rng(0).standard_normal(setting.dim)

    def first_weight(setting, theta):
        return theta[:, setting.width]

    how = RUN | {"record": 7, "observe": {"w": first_weight}}
    whole = ou.label_noise_sgd(setting, theta, **how)
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
