"""The networks of tests/networks.py as a user of JAX writes them: f(params, x) of a batch, from JAX's own layers."""

import pytest

jax = pytest.importorskip("jax")
jnp = jax.numpy

__all__ = ["FUNCTIONS"]


def mlp(params, x):
    z = jnp.tanh(x @ params["first"] + params["shift"])
    return jnp.tanh(z @ params["second"]) @ params["out"]


def two_outputs(params, x):
    return jnp.tanh(x @ params["first"] + params["shift"]) @ params["out"]


def cnn(params, x):
    z = jax.lax.conv_general_dilated(x, params["kernel"], (1, 1), "VALID")
    z = jnp.tanh(z + params["shift"][:, None, None])
    pooled = jax.lax.reduce_window(z, 0.0, jax.lax.add, (1, 1, 2, 2), (1, 1, 2, 2), "VALID") / 4
    return pooled.reshape(len(x), -1) @ params["out"].ravel()[:, None]  # (n, 1), as a last layer gives


def attention(params, x):
    z = jnp.take(params["embedding"], x, axis=0) + params["position"]
    query, key, value = (jnp.einsum("btd,dhe->bthe", z, params[name]) for name in ("query", "key", "value"))
    weights = jax.nn.softmax(jnp.einsum("bthe,bshe->bhts", query, key) / jnp.sqrt(2.0), axis=-1)
    z = z + jnp.einsum("bthe,hed->btd", jnp.einsum("bhts,bshe->bthe", weights, value), params["join"])
    normed = jax.nn.standardize(z, epsilon=1e-5) * params["scale"]
    return jnp.mean(normed @ params["out"], axis=1)


def rnn(params, x):
    def step(state, at):
        return jnp.tanh(at @ params["input"] + state @ params["again"] + params["shift"]), None

    still = jnp.zeros((len(x), len(params["again"])), x.dtype)
    state = jax.lax.scan(step, still, jnp.swapaxes(x, 0, 1))[0]
    return (state @ params["input"].T).sum(axis=1)


FUNCTIONS = {"mlp": mlp, "two outputs": two_outputs, "cnn": cnn, "attention": attention, "rnn": rnn}
