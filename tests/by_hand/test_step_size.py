"""Step sizes on other losses make the steps that they make there."""

import numpy as np
import pytest

import ouanalysis as ou


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


SETTING = ou.Setting(product, x=[1.0, 2.0], y=[2.0, 3.0], dim=2)


# a = 3, b = 1/2: residuals −1/2 and 0 of the data 1 and 2; g = (1/2, 3) and (1, 6). Their mean of r g is (−1/8, −3/4),
# and the gradient of the mean of r² twice that, of ½r² once, of ¼r² half of it.
@pytest.mark.parametrize(
    ("loss", "gradient"), [("mean", [-0.25, -1.5]), ("half", [-0.125, -0.75]), ("quarter", [-0.0625, -0.375])]
)
def test_a_step_on_another_loss_is_the_step_by_hand(loss, gradient):
    here = ou.step_size(0.4, loss=loss)
    run = ou.label_noise_sgd(SETTING, [3.0, 0.5], lr=here, noise_std=0.0, steps=1, rng=0, batch_size="full")
    np.testing.assert_allclose(run.theta[0, 0], np.array([3.0, 0.5]) - 0.4 * np.array(gradient), rtol=1e-14)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lr": 0.0, "loss": "half"}, "lr: expected a finite number above 0, got 0"),
        ({"lr": 0.1, "loss": "sum"}, "loss: expected 'mean' or 'half' or 'quarter', got 'sum'"),
        ({"lr": 0.1, "loss": 0.5}, "loss: expected 'mean' or 'half' or 'quarter', got 0.5"),
    ],
)
def test_bad_input_is_one_line_that_names_expected_and_got(arguments, message):
    with pytest.raises(ValueError, match=f"^{message}"):
        ou.step_size(**arguments)
