"""A setting whose h another library differentiates: what reads the operations of h refuses it, in one line."""

import re

import numpy as np
import pytest

import ouanalysis as ou
from ouanalysis.numeric.zero_error_set.autograd_products import AutogradProducts
from ouanalysis.settings.branches import Branches


def product(theta, x):
    return theta[..., 0] * theta[..., 1] * x


class Foreign(ou.Setting):
    """Its products are autograd's, but are said to be its own."""

    def products(self):
        return AutogradProducts(ou.Setting(self.h, self.x, self.y, dim=self.dim))


FOREIGN = Foreign(product, [1.0], [2.0], dim=2, branches=Branches(unknown="another library runs h"))


@pytest.mark.parametrize("call", [ou.symbolic.trace, ou.symbolic.regularizer, ou.compiled])
def test_what_reads_the_operations_of_h_refuses_it_in_one_line(call):
    message = "setting: expected an h written in autograd.numpy to "
    with pytest.raises(TypeError, match=f"^{re.escape(message)}.*, got a Foreign, which another library runs.*$"):
        call(FOREIGN)


def test_a_kernel_of_the_users_own_is_checked_against_its_products():
    def value_and_gradient(theta, x, gradient):
        gradient[0], gradient[1] = theta[1] * x, theta[0] * x
        return theta[0] * theta[1] * x

    run = {"lr": 0.1, "noise_std": 0.1, "steps": 5, "rng": 0}
    made = ou.compiled(FOREIGN, value_and_gradient)
    same = ou.label_noise_sgd(ou.Setting(product, [1.0], [2.0], dim=2), [1.0, 1.0], **run)
    np.testing.assert_allclose(ou.label_noise_sgd(made, [1.0, 1.0], **run).theta, same.theta, rtol=1e-13)


def test_a_note_advises_no_activations_that_h_could_not_use():
    notes = ou.local_ou(FOREIGN, [1.0, 2.0], lr=0.01, noise_std=0.1).notes
    assert notes == ("kinks are not known and not watched for, as another library runs h",)
