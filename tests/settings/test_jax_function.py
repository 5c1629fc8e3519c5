"""A function of JAX as a setting: it is as its autograd twin, and what is no model is refused in one line."""

import functools
import pickle
import re
import subprocess
import sys
from functools import cache

import numpy as np
import pytest
from networks import NETWORKS

import ouanalysis as ou

jax = pytest.importorskip("jax")
from jax_networks import FUNCTIONS, mlp  # noqa: E402  # after JAX is known to be there

jnp = jax.numpy
DIGITS = 1e-10  # relative to the largest entry
NOISE = {"lr": 0.01, "noise_std": 0.1}
X, Y = np.random.default_rng(0).normal(size=(4, 3)), np.array([0.1, -0.2, 0.3, 0.4])
PARAMS = NETWORKS["mlp"].params(np.random.default_rng(1))


@cache
def both(name):
    """A network by JAX and by autograd, and a θ where both fit the same labels."""
    network, rng = NETWORKS[name], np.random.default_rng(1)
    (x, y), params = network.data(4, rng), network.params(rng)
    setting = ou.Setting.from_jax(FUNCTIONS[name], params, x, y)
    return setting, network.setting(x, y), ou.interpolate(setting, setting.pack(params))


def assert_alike(got, wanted):
    np.testing.assert_allclose(got, wanted, rtol=0, atol=DIGITS * np.max(np.abs(wanted)))


@pytest.mark.parametrize("name", ["mlp", "two outputs", "attention"])
def test_laws_and_drift_are_those_of_autograd(name):
    setting, witness, theta = both(name)
    assert_alike(ou.interpolate(witness, theta), theta)
    assert_alike(ou.gram(setting, theta), ou.gram(witness, theta))
    for law in (ou.linearized_sgd, ou.local_ou):
        got, wanted = law(setting, theta, **NOISE), law(witness, theta, **NOISE)
        assert_alike(got.covariance(), wanted.covariance())
        assert_alike(got.tangent_drift(100), wanted.tangent_drift(100))
        assert_alike(got.mean_residual(), wanted.mean_residual())


@pytest.mark.parametrize("name", ["mlp", "two outputs"])
def test_the_flow_and_what_is_stable_are_those_of_autograd(name):
    setting, witness, theta = both(name)
    got, wanted = (ou.regularized_flow(of, theta, times=[0.0, 0.02]) for of in (setting, witness))
    assert_alike(got.theta, wanted.theta)
    got, wanted = (ou.stability(of, theta) for of in (setting, witness))
    assert got.verdict == wanted.verdict
    assert_alike(got.gradient_norm, wanted.gradient_norm)


@pytest.mark.parametrize("name", ["mlp", "two outputs"])
def test_sgd_is_that_of_autograd_path_by_path(name):
    setting, witness, theta = both(name)
    run = {**NOISE, "steps": 20, "chains": 2, "rng": 0, "batch_size": 2}
    assert_alike(ou.label_noise_sgd(setting, theta, **run).theta, ou.label_noise_sgd(witness, theta, **run).theta)


def test_theta_is_the_tree_and_back():
    setting = ou.Setting.from_jax(mlp, PARAMS, X, Y)
    theta = setting.pack(PARAMS)
    for name, array in setting.unpack(theta).items():
        np.testing.assert_array_equal(array, PARAMS[name])
    stacked = setting.unpack(np.stack([theta, 2 * theta]))
    np.testing.assert_array_equal(stacked["first"][1], 2 * PARAMS["first"])
    np.testing.assert_array_equal(setting.pack(jax.tree_util.tree_map(jnp.asarray, PARAMS)), theta.astype(np.float32))
    assert type(setting.unpack(theta)["out"]) is np.ndarray


def of_nested(params, x):
    (first, shift), rest = params
    return jnp.tanh(x @ first + shift) @ rest["out"]


def test_any_tree_will_do_and_float32_is_taken_exactly():
    single = jax.tree_util.tree_map(np.float32, ((PARAMS["first"], 0.1 * np.ones(5)), {"out": np.ones((5, 1))}))
    setting = ou.Setting.from_jax(of_nested, single, X, Y)
    np.testing.assert_array_equal(setting.unpack(setting.pack(single))[0][1], np.full(5, np.float32(0.1), dtype=float))
    assert setting.predictions(setting.pack(single)).shape == (4,)


def test_h_broadcasts_as_a_setting_asks():
    setting, witness, theta = both("two outputs")
    stacked = np.stack([theta, 0.5 * theta, 0.1 + theta, -theta])
    for rows, data in (
        (theta, setting.x[0]),
        (stacked, setting.x),
        (stacked[:, None], setting.x),
        (stacked[:2], setting.x[0]),
        (stacked[None, :2, None], np.stack([setting.x, setting.x[::-1]])),
    ):
        assert_alike(setting.h(rows, data), witness.h(rows, data))


def test_labels_of_one_column_are_those_of_one_output():
    flat, column = (ou.Setting.from_jax(mlp, PARAMS, X, y) for y in (Y, Y[:, None]))
    theta = flat.pack(PARAMS)
    assert_alike(ou.regularizer(column, theta), ou.regularizer(flat, theta))
    assert column.predictions(theta).shape == (4, 1)


def test_it_survives_pickling_and_is_equal_by_value():
    setting = ou.Setting.from_jax(mlp, PARAMS, X, Y)
    theta = setting.pack(PARAMS)
    before = setting.predictions(theta)
    twin = pickle.loads(pickle.dumps(setting))
    assert twin == setting
    assert hash(twin) == hash(setting)
    assert twin != ou.Setting.from_jax(mlp, PARAMS, 2 * X, Y)
    np.testing.assert_array_equal(twin.predictions(theta), before)
    assert repr(setting) == "JaxFunction(n=4, dim=44)"


def scaled(params, x, scale):
    return scale * mlp(params, x)


class Scaled:
    """A function as an object and as a method of one."""

    def __init__(self, scale):
        self.scale = scale

    def __call__(self, params, x):
        return self.scale * mlp(params, x)

    def apply(self, params, x):
        return self.scale * mlp(params, x)


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda scale: functools.partial(scaled, scale=scale), id="partial"),
        pytest.param(lambda scale: functools.partial(scaled, scale=np.array([scale])), id="partial of an array"),
        pytest.param(lambda scale: functools.partial(scaled, scale=jnp.array([scale])), id="partial of one of JAX"),
        pytest.param(Scaled, id="object"),
        pytest.param(lambda scale: Scaled(scale).apply, id="method"),
    ],
)
def test_of_a_function_that_holds_something_settings_are_equal_by_value(make):
    setting, same, other = (ou.Setting.from_jax(make(scale), PARAMS, X, Y) for scale in (2.0, 2.0, 3.0))
    for twin in (same, pickle.loads(pickle.dumps(setting))):
        assert twin == setting
        assert hash(twin) == hash(setting)
    assert other != setting


def test_the_users_configuration_of_jax_is_left_alone():
    code = """
import jax, numpy as np, ouanalysis as ou
before = dict(jax.config.values)
setting = ou.Setting.from_jax(lambda p, x: x @ p, np.ones(2, np.float32), [[1.0, 2.0]], [1.0])
assert ou.regularizer(setting, [0.1, 0.2]) == 5.0
assert setting.predictions([0.1, 0.2]).dtype == np.float64
assert dict(jax.config.values) == before
print(jax.numpy.ones(1).dtype)
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert made.stdout.strip() == "float32"


def test_without_jax_one_line_says_what_to_install():
    code = """
import sys
sys.modules["jax"] = None
import ouanalysis as ou
try:
    ou.Setting.from_jax(len, 1.0, [1.0], [1.0])
except ImportError as error:
    print(error)
"""
    made = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"jax: expected .*pip install 'ouanalysis\[jax\]'.*\n", made.stdout)


def test_what_reads_operations_refuses_it():
    setting = ou.Setting.from_jax(mlp, PARAMS, X, Y)
    for call in (ou.symbolic.trace, ou.compiled):
        with pytest.raises(TypeError, match=r"^setting: expected an h written in .*got a JaxFunction"):
            call(setting)


def calls(_params, _x, count=iter(range(99))):  # noqa: B008  # a state that it keeps
    return _x @ _params["first"] @ jnp.ones(5) + next(count)


def of_batch(params, x):
    return mlp(params, x - jnp.mean(x, axis=0))


@jax.custom_vjp
def one_way(z):
    return jnp.sin(z)


one_way.defvjp(lambda z: (jnp.sin(z), z), lambda z, pulled: (jnp.cos(z) * pulled,))


class Alien:
    """As arrays of other libraries are, with a dtype that NumPy does not know."""

    dtype = "alien64"

    def __array__(self, dtype=None, copy=None):
        return np.ones(3)


BAD = {
    "no function": (lambda: ou.Setting.from_jax(3, PARAMS, X, Y), "f: expected a function of (params, x), got 3"),
    "no parameters": (lambda: from_jax(params={}), "params: expected at least one parameter, got {}"),
    "integers": (
        lambda: from_jax(params={**PARAMS, "shift": np.arange(5)}),
        "params['shift']: expected real floats of NumPy or JAX, got int64; keep what is no parameter out",
    ),
    "functions": (lambda: from_jax(params=[jnp.tanh]), "params[0]: expected real floats of NumPy or JAX, got "),
    "complex numbers": (
        lambda: from_jax(params=[np.ones(2) * 1j]),
        "params[0]: expected real floats of NumPy or JAX, got complex128",
    ),
    "random keys": (
        lambda: from_jax(params=[jax.random.key(0)]),
        "params[0]: expected real floats of NumPy or JAX, got key<fry>",
    ),
    "another library's": (lambda: from_jax(params=[Alien()]), "expected real floats of NumPy or JAX, got alien64"),
    "not finite": (
        lambda: from_jax(params={**PARAMS, "shift": np.full(5, np.nan)}),
        "params['shift']: expected finite numbers, got nan at [0]",
    ),
    "another shape": (
        lambda: from_jax(lambda p, x: x @ p["first"]),
        "f: expected (1,) or (1, 1) floats for a batch x (1, 3) (y has shape (n,)), got (1, 5)",
    ),
    "one number for all": (lambda: from_jax(lambda p, x: jnp.sum(mlp(p, x))), "for a batch x (1, 3) (y has shape"),
    "a pair": (lambda: from_jax(lambda p, x: (mlp(p, x), x)), "for a batch x (1, 3), got (ShapeDtypeStruct("),
    "an error": (
        lambda: from_jax(lambda p, x: x @ p["second"]),
        "f: expected a function of (params, x) that JAX traces with float64 parameters and a batch of x, got TypeError",
    ),
    "plain NumPy": (lambda: from_jax(lambda p, x: np.tanh(x @ p["first"])[:, 0]), "got TracerArrayConversionError"),
    "float32": (
        lambda: from_jax(lambda p, x: mlp(p, x).astype(jnp.float32)),
        "f: expected float64 for parameters in float64, got float32: compute in their precision",
    ),
    "float32 inside": (
        lambda: from_jax(jax.jit(lambda p, x: mlp(p, x.astype(jnp.float32)).astype(jnp.float64))),
        "f: expected float64 throughout for parameters in float64, got float32 from convert_element_type",
    ),
    "a state": (lambda: from_jax(calls), "f: expected the same predictions each time it is called, got others"),
    "other data": (lambda: from_jax(of_batch), "f: expected of each datum a prediction of its own, got "),
    "no derivative": (
        lambda: from_jax(lambda p, x: one_way(mlp(p, x))),
        "f: expected a function that JAX differentiates three times, forwards and backwards, got TypeError",
    ),
    "a call without vmap": (
        lambda: from_jax(lambda p, x: jax.pure_callback(np.sin, x[:, 0], mlp(p, x).ravel())),
        "f: expected a function that JAX compiles, for several parameters at once by vmap, got NotImplementedError",
    ),
    "x": (lambda: from_jax(x=[["a"] * 3]), "x: expected real numbers, got 'a' of type str"),
    "y": (lambda: from_jax(y=[1.0, 2.0]), "y: expected shape (4,), got (2,)"),
    "another tree": (lambda: pack({"first": np.ones(3)}), "params: expected the tree PyTreeDef({'first': *, "),
    "another leaf": (
        lambda: pack({**PARAMS, "out": np.ones(3)}),
        "params['out']: expected shape (4,), got (3,)",
    ),
}


def from_jax(f=mlp, params=PARAMS, x=X, y=Y):
    return ou.Setting.from_jax(f, params, x, y)


def pack(params):
    return from_jax().pack(params)


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_what_is_no_model_is_refused_in_one_line(call, message):
    with pytest.raises((TypeError, ValueError), match=re.escape(message)) as caught:
        call()
    assert "\n" not in str(caught.value)


def test_integers_reach_f_as_integers():
    seen = []

    def f(params, x):
        seen.append(x.dtype)
        return params["out"][x.astype(int) if x.dtype == bool else x].sum(axis=1)

    for kind in (np.int32, np.int64, np.uint8, bool):
        ou.Setting.from_jax(f, {"out": np.ones(3)}, np.array([[0, 1], [1, 0]], dtype=kind), [1.0, 2.0])
        assert set(map(str, seen)) == {str(np.dtype(kind))}
        seen.clear()


@pytest.mark.parametrize("name", ["mlp", "two outputs"])
def test_no_kinks_are_known(name):
    setting, _, theta = both(name)
    kinks = setting.kinks(theta)
    for each in (kinks.preactivations, kinks.clearance, kinks.distance, kinks.jump, setting.preactivations(theta)):
        assert each.shape == (4, 0)
    assert kinks.size.shape == kinks.rectified.shape == kinks.dead.shape == (0,)
    assert kinks.on_data.shape == (0, 2)
    assert np.isnan(ou.kink_distance(setting, theta))
    assert setting.smooth_piece(theta) is setting


def test_the_output_weights_are_the_linear_part_and_none_is_looked_for_in_a_large_function():
    setting = ou.Setting.from_jax(mlp, PARAMS, X, Y)
    where = setting.unpack(np.arange(setting.dim))["out"].astype(int)
    np.testing.assert_array_equal(setting.linear_part(), np.sort(where))
    large = ou.Setting.from_jax(lambda p, x: x @ p["w"].reshape(3, -1).sum(axis=1), {"w": np.ones(1002)}, X, Y)
    assert large.linear_part().size == 0
