"""Every product by JAX against autograd's, on networks that were written twice."""

from functools import cache

import numpy as np
import pytest
from every_product import DIGITS, assert_alike, every_product
from networks import NETWORKS

import ouanalysis as ou
from ouanalysis.frameworks import jax_model, jax_products
from ouanalysis.numeric.zero_error_set.autograd_products import AutogradProducts

pytest.importorskip("jax")
from jax_networks import FUNCTIONS

N = 6


@cache  # a program is compiled once
def both(name):
    """(setting by JAX, by autograd, θ)."""
    network, rng = NETWORKS[name], np.random.default_rng(1)
    (x, y), params = network.data(N, rng), network.params(rng)
    setting = ou.Setting.from_jax(FUNCTIONS[name], params, x, y)
    return setting, network.setting(x, y), setting.pack(params)


@pytest.mark.parametrize("name", NETWORKS)
def test_jax_against_autograd(name):
    setting, witness, theta = both(name)
    assert_alike(
        every_product(setting.products(), theta, setting.rows),
        every_product(AutogradProducts(witness), theta, witness.rows),
    )


@pytest.mark.parametrize("floats", [1, 150, 600])  # blocks of one datum, and of some, the last one shorter
def test_no_datum_is_lost_whatever_the_block(floats, monkeypatch):
    setting, witness, theta = both("two outputs")
    for module in (jax_model, jax_products):
        monkeypatch.setattr(module, "FLOATS", floats)
    assert_alike(
        every_product(setting.products(), theta, setting.rows),
        every_product(AutogradProducts(witness), theta, witness.rows),
    )


@pytest.mark.parametrize("floats", [1, 1 << 20])
@pytest.mark.parametrize("name", ["rnn", "two outputs"])
def test_the_backward_pass_of_chains_is_that_of_each(name, floats, monkeypatch):
    setting, _, theta = both(name)
    monkeypatch.setattr(jax_model, "FLOATS", floats)
    chains = np.stack([theta, 0.9 * theta])
    batches = np.stack([setting.x[:3], setting.x[2:5]])
    weights = np.random.default_rng(3).normal(size=(2, 3, *setting.y.shape[1:]))
    for x, of_chain in ((batches, batches), (batches[0], [batches[0]] * 2)):
        values, pull_back = setting.h.with_backward(chains, x)
        pulled = pull_back(weights)
        for k, data in enumerate(of_chain):
            alone = jax_products.JaxProducts(setting.h, data)
            np.testing.assert_allclose(values[k].ravel(), alone.predictions(chains[k : k + 1])[0], rtol=DIGITS)
            wanted = alone.backward(chains[k], weights[k].ravel())
            np.testing.assert_allclose(pulled[k], wanted, rtol=0, atol=DIGITS * np.max(np.abs(wanted)))


def test_a_multiple_of_a_model_has_multiples_of_its_derivatives():
    setting, witness, theta = both("mlp")
    scaled, wanted = setting.rescaled(3.0), witness.rescaled(3.0)
    np.testing.assert_array_equal(scaled.y, wanted.y)
    assert_alike(
        every_product(scaled.products(), theta, scaled.rows),
        every_product(AutogradProducts(wanted), theta, wanted.rows),
    )
