"""Norms and inner products of gradients that are not formed, against explicit ones by JAX's own reverse mode."""

import numpy as np
import pytest
from every_product import assert_alike

jax = pytest.importorskip("jax")
from jax import lax  # noqa: E402

import ouanalysis as ou  # noqa: E402
from ouanalysis.arguments import cut  # noqa: E402
from ouanalysis.frameworks.jax_checks import flattened, model_of  # noqa: E402
from ouanalysis.frameworks.jax_layers import Layer  # noqa: E402
from ouanalysis.frameworks.jax_library import double_precision  # noqa: E402
from ouanalysis.frameworks.jax_products import JaxProducts  # noqa: E402

jnp = jax.numpy
ROWS, PLACES, IMAGE, WAVE, BLOCK = (5, 3), (5, 4, 3), (5, 2, 6, 5), (5, 7, 2), (5, 1, 4, 4, 3)


def convolved(x, w, numbers, *, strides=(1, 1), padding="SAME", **how):
    return lax.conv_general_dilated(x, w, strides, padding, dimension_numbers=numbers, **how)


def summed(values):
    return jnp.sum(jnp.tanh(values).reshape(len(values), -1), axis=1)


def scanned(p, x):
    def step(state, at):
        return jnp.tanh(state @ p["w"] + at), None

    return summed(lax.scan(step, x, jnp.stack([x, 2 * x]))[0])


def branching(p, x):
    return summed(lax.cond(True, lambda w: x @ w, lambda w: -x @ w, p["w"]))


@jax.custom_jvp
def squashed(z):
    return jnp.tanh(z)


@squashed.defjvp
def _(z, t):  # twice the derivative, which is kept
    return jnp.tanh(z[0]), 2 * t[0] * (1 - jnp.tanh(z[0]) ** 2)


@jax.custom_vjp
def clipped(w, x):
    return jnp.tanh(x @ w)


clipped.defvjp(lambda w, x: (clipped(w, x), (w, x)), lambda wx, t: (2 * wx[1].T @ t, t @ wx[0].T))


NCHW, NHWC, NWC, NCDHW = ("NCHW", "OIHW", "NCHW"), ("NHWC", "HWIO", "NHWC"), ("NWC", "WIO", "NWC"), None
# name: (f(p, x), the shapes of p, that of x, the layers that are found: of leaf after leaf the places, in, out)
CASES = {
    "matrix": (lambda p, x: summed(x @ p["w"]), {"w": (3, 2)}, ROWS, {0: (1, 3, 2)}),
    "its transpose": (lambda p, x: summed(x @ p["w"].T), {"w": (2, 3)}, ROWS, {0: (1, 3, 2)}),
    "from the left": (lambda p, x: summed((p["w"] @ x.T).T), {"w": (2, 3)}, ROWS, {0: (1, 3, 2)}),
    "vector": (lambda p, x: jnp.tanh(x @ p["w"]), {"w": (3,)}, ROWS, {0: (1, 3, 1)}),
    "reshaped": (lambda p, x: summed(x @ p["w"].reshape(3, 4)), {"w": (2, 6)}, ROWS, {0: (1, 3, 4)}),
    "at places": (lambda p, x: summed(x @ p["w"]), {"w": (3, 9)}, PLACES, {0: (4, 3, 9)}),
    "at places, narrow": (lambda p, x: summed(x @ p["w"]), {"w": (3, 1)}, PLACES, {0: (4, 3, 1)}),
    "mixing places": (lambda p, x: summed(jnp.einsum("ntc,ts->nsc", x, p["w"])), {"w": (4, 2)}, PLACES, {0: (3, 4, 2)}),
    "a part": (lambda p, x: summed(x @ p["w"][1:]), {"w": (4, 2)}, ROWS, {}),
    "heads": (lambda p, x: summed(jnp.einsum("ntc,hce->nhte", x, p["w"])), {"w": (2, 3, 2)}, PLACES, {0: (4, 3, 4)}),
    "contracted twice": (lambda p, x: summed(jnp.einsum("ntc,ctd->nd", x, p["w"])), {"w": (3, 4, 2)}, PLACES, None),
    "vmapped": (
        lambda p, x: jax.vmap(lambda one: jnp.tanh(p["v"] @ jnp.tanh(p["w"] @ one)))(x),
        {"v": (4,), "w": (4, 3)},
        ROWS,
        {0: (1, 4, 1), 1: (1, 3, 4)},
    ),
    "compiled": (lambda p, x: jax.jit(lambda w: summed(x @ w))(p["w"].T), {"w": (2, 3)}, ROWS, {0: (1, 3, 2)}),
    "shared": (lambda p, x: summed(jnp.tanh(x @ p["w"]) @ p["w"].T), {"w": (3, 2)}, ROWS, {}),
    "with a penalty": (lambda p, x: summed(x @ p["w"]) + jnp.sum(p["w"] ** 2), {"w": (3, 2)}, ROWS, {}),
    "shifted": (lambda p, x: summed(x @ p["w"] + p["b"]), {"b": (2,), "w": (3, 2)}, ROWS, {1: (1, 3, 2)}),
    "two leaves": (lambda p, x: summed(x @ (p["v"] @ p["w"])), {"v": (3, 2), "w": (2, 4)}, ROWS, None),
    "scaled": (lambda p, x: summed(x @ (2 * p["w"])), {"w": (3, 2)}, ROWS, {}),
    "normed": (lambda p, x: summed(x @ (p["w"] / jnp.linalg.norm(p["w"]))), {"w": (3, 2)}, ROWS, {}),
    "scanned": (scanned, {"w": (3, 3)}, ROWS, {}),
    "branching": (branching, {"w": (3, 2)}, ROWS, {}),
    "after a rule": (lambda p, x: summed(squashed(x @ p["w"])), {"w": (3, 2)}, ROWS, {0: (1, 3, 2)}),
    "in a rule": (lambda p, x: summed(clipped(p["w"], x)), {"w": (3, 2)}, ROWS, {}),
    "checkpointed": (lambda p, x: summed(jax.checkpoint(lambda w: x @ w)(p["w"])), {"w": (3, 2)}, ROWS, {}),
    "unused": (lambda p, x: summed(x @ p["w"]), {"u": (2,), "w": (3, 2)}, ROWS, {1: (1, 3, 2)}),
    "added": (lambda p, x: summed(x) * jnp.sin(p["w"]), {"w": ()}, ROWS, {}),
    "several outputs": (lambda p, x: jnp.tanh(x @ p["v"]) @ p["w"], {"v": (3, 4), "w": (4, 2)}, ROWS, None),
    "batch of weights": (lambda p, x: summed(jnp.einsum("ntc,tcd->ntd", x, p["w"])), {"w": (4, 3, 2)}, PLACES, {}),
    "convolution": (lambda p, x: summed(convolved(x, p["w"], NCHW)), {"w": (3, 2, 3, 2)}, IMAGE, {0: (30, 12, 3)}),
    "strided": (
        lambda p, x: summed(convolved(x, p["w"], NCHW, strides=(2, 3), padding=[(1, 0), (2, 1)])),
        {"w": (3, 2, 3, 2)},
        IMAGE,
        {0: (9, 12, 3)},
    ),
    "cut": (
        lambda p, x: summed(convolved(x, p["w"], NCHW, padding=[(-1, 0), (0, -1)], strides=(2, 2))),
        {"w": (1, 2, 2, 2)},
        IMAGE,
        {0: (4, 8, 1)},
    ),
    "dilated": (
        lambda p, x: summed(convolved(x, p["w"], NCHW, padding="VALID", rhs_dilation=(2, 1))),
        {"w": (3, 2, 2, 3)},
        IMAGE,
        {0: (12, 12, 3)},
    ),
    "transposed": (
        lambda p, x: summed(convolved(x, p["w"], NCHW, padding=[(1, 1), (2, 2)], lhs_dilation=(2, 3))),
        {"w": (3, 2, 2, 3)},
        IMAGE,
        None,
    ),
    "channels last": (
        lambda p, x: summed(convolved(x.transpose(0, 2, 3, 1), p["w"], NHWC)),
        {"w": (3, 2, 2, 4)},
        IMAGE,
        {0: (30, 12, 4)},
    ),
    "one axis": (
        lambda p, x: summed(convolved(x, p["w"], NWC, strides=(2,))),
        {"w": (3, 2, 4)},
        WAVE,
        {0: (4, 6, 4)},
    ),
    "three axes": (
        lambda p, x: summed(convolved(x, p["w"], NCDHW, strides=(1, 2, 1))),
        {"w": (2, 1, 2, 2, 2)},
        BLOCK,
        {0: (24, 8, 2)},
    ),
    "of no inputs": (lambda p, x: summed(x + x[:, :0] @ p["w"]) * jnp.sin(p["s"]), {"s": (), "w": (0, 3)}, ROWS, {}),
    "of no places": (
        lambda p, x: summed(x) * jnp.sin(p["s"]) + jnp.sum(convolved(x, p["w"], NCHW, padding="VALID")),
        {"s": (), "w": (3, 2, 9, 9)},
        IMAGE,
        {},
    ),
    "of complex data": (lambda p, x: jnp.abs(jnp.fft.fft(x) @ p["w"]).sum(axis=1), {"w": (3, 2)}, ROWS, {}),
    "in groups": (
        lambda p, x: summed(convolved(x, p["w"], NCHW, feature_group_count=2)),
        {"w": (2, 1, 2, 2)},
        IMAGE,
        {},
    ),
    "deep": (
        lambda p, x: summed(jnp.tanh(convolved(x, p["k"], NCHW)).reshape(len(x), -1) @ p["w"] + p["b"]),
        {"b": (2,), "k": (2, 2, 3, 3), "w": (60, 2)},
        IMAGE,
        {1: (30, 18, 2), 2: (1, 60, 2)},
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_not_formed_is_what_reverse_mode_forms(name):
    f, shapes, of_x, layers = CASES[name]
    rng = np.random.default_rng(0)
    theta, template = flattened({part: 0.5 * rng.normal(size=shape) for part, shape in shapes.items()})
    x, y = rng.normal(size=of_x), np.zeros((5, 2) if name == "several outputs" else 5)
    model = model_of(f, template, x, y)
    if layers is not None:
        assert model.layers == {leaf: Layer(*layer) for leaf, layer in layers.items()}

    def rows(theta):
        return jax.jacrev(lambda at: f(model.tree.unflatten(cut(at, model.shapes)), x).ravel())(theta)

    def squares(theta):
        return jnp.sum(rows(theta).reshape(5, -1) ** 2, axis=1)

    with double_precision():
        jacobian, norms = np.asarray(rows(theta)), np.asarray(squares(theta))
        gradient = np.asarray(jax.grad(lambda at: jnp.sum(squares(at)))(theta))
    products = JaxProducts(model, x)
    assert_alike(
        {
            "gram": products.gram(theta[None])[0],
            "squared_norms": products.squared_norms(theta[None])[0],
            "squared_norms_gradient": products.squared_norms_gradient(theta[None])[0],
        },
        {"gram": jacobian @ jacobian.T, "squared_norms": norms, "squared_norms_gradient": gradient},
        1e-12,
    )


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.uint8, np.int32, np.int64])
@pytest.mark.parametrize("made_of", ["data", "a mask"])
def test_products_of_integers_do_not_overflow(kind, made_of):
    rng = np.random.default_rng(0)
    x = (rng.integers(0, 256, size=(5, 6))).astype(kind)
    f = {"data": lambda p, x: x @ p, "a mask": lambda p, x: (100 * x).astype(kind) @ p}[made_of]
    setting = ou.Setting.from_jax(f, np.ones(6), x if made_of == "data" else x / 100, np.ones(5))
    rows = x.astype(float) if made_of == "data" else ou.jacobian(setting, np.ones(6))
    assert_alike(
        {"gram": ou.gram(setting, np.ones(6)), "norms": setting.products().squared_norms(np.ones((1, 6)))[0]},
        {"gram": rows @ rows.T, "norms": np.sum(rows**2, axis=1)},
        1e-12,
    )
