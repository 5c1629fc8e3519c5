"""Any model compiled: its values and gradients are autograd's, and so are its paths; what does not compile says so."""

import cProfile
import json
import os
import pickle
import subprocess
import sys

import autograd.numpy as anp
import numba
import numpy as np
import pytest
from autograd import grad
from autograd.tracer import getval
from rounding import ALGEBRA
from strategies import CASES, written_out
from written_models import MODELS

import ouanalysis as ou
from ouanalysis.settings.quiet_derivatives import quiet_derivatives
from ouanalysis.simulate import kernels
from ouanalysis.simulate.compiling.program import program
from ouanalysis.simulate.kernels import kernel

TO_ROUNDING = ALGEBRA  # sums of some ten terms, several deep, through functions whose slopes are of order one


def setting_of(name, n=6):
    h, dim, feature = MODELS[name]
    rng = np.random.default_rng(0)
    return ou.Setting(h, rng.standard_normal((n, *feature)), rng.standard_normal(n), dim)


def by_autograd(h, theta, x):
    """h and ∇_θ h of one datum."""
    with quiet_derivatives():
        gradient = grad(lambda rows: anp.sum(h(rows, x[None])))(theta[None])[0]
        return h(theta[None], x[None])[0], gradient


def dot_of(a, i, b, j, n):
    return np.sum(a[i : i + n] * b[j : j + n])


def add_multiple(out, i, factor, a, j, n):
    out[i : i + n] += factor * a[j : j + n]


def set_multiple(out, i, factor, a, j, n):
    out[i : i + n] = factor * a[j : j + n]


def on_stack(size):
    return np.full(size, np.nan)


def run_by_python(made):
    """The names of a program's source, where Python runs it."""
    names = {}
    exec(made.source, names)
    names.update({"on_stack": on_stack, "divide": np.divide, "tanh": np.tanh})
    names.update({"dot_of": dot_of, "add_multiple": add_multiple, "set_multiple": set_multiple})
    return names


def interpreted(made, theta, x):
    """h and ∇_θ h of one datum, as the source of a program has them."""
    names = run_by_python(made)
    gradient = np.full(theta.shape, np.nan)
    model = names["Compiled"](x.reshape(1, -1), None, made.constants, made.tables)
    with np.errstate(all="ignore"):
        return names["value_and_gradient"](model, theta, 0, gradient), gradient


def interpreted_batch(made, theta, x, y, indices, noise):
    """The gradient of the loss of a batch, as the source of a program has it."""
    names = run_by_python(made)
    gradient = np.full(theta.shape, np.nan)
    model = names["Compiled"](x.reshape(len(x), -1), y, made.constants, made.tables)
    with np.errstate(all="ignore"):
        names["batch_gradient"](model, theta, indices, noise, gradient)
    return gradient


@pytest.mark.parametrize("name", MODELS)
def test_the_program_of_every_way_of_writing_gives_what_autograd_does(name):
    h, dim, feature = MODELS[name]
    rng = np.random.default_rng(1)
    for size in (1.0, 1.0, 0.1):
        theta, x = size * rng.standard_normal(dim), rng.standard_normal(feature)
        with quiet_derivatives():
            made = program(h, theta, x)
        got, wanted = interpreted(made, theta, x), by_autograd(h, theta, x)
        scale = max(abs(wanted[0]), np.max(np.abs(wanted[1])))
        np.testing.assert_allclose(got[0], wanted[0], rtol=0, atol=TO_ROUNDING * scale)
        np.testing.assert_allclose(got[1], wanted[1], rtol=0, atol=TO_ROUNDING * scale)


@pytest.mark.parametrize("name", ["on_kinks", "on_kinks_of_numpy"])
def test_derivatives_at_a_kink_are_exactly_those_of_autograd(name):
    h, dim, feature = MODELS[name]
    theta, x = np.zeros(dim), np.ones(feature)
    with quiet_derivatives():
        value, gradient = interpreted(program(h, theta, x), theta, x)
    wanted = by_autograd(h, theta, x)
    assert value == wanted[0]
    assert gradient.tolist() == wanted[1].tolist()
    data, noise = np.stack([x, x]), np.full(2, value - 1.0)  # 2/2 (h − label) = 1, for each of two
    batch = interpreted_batch(program(h, theta, x), theta, data, np.zeros(2), np.zeros(0, np.int64), noise)
    assert batch.tolist() == (2 * wanted[1]).tolist()


@pytest.mark.parametrize("indices", [[1], [2, 0], [2, 2, 1], []], ids=["one", "two", "one twice", "all"])
@pytest.mark.parametrize("name", MODELS)
def test_the_gradient_of_a_batch_is_that_of_its_mean_loss_by_autograd(name, indices):
    h, dim, feature = MODELS[name]
    rng = np.random.default_rng(3)
    theta, x, y = rng.standard_normal(dim) / 2, rng.standard_normal((4, *feature)), rng.standard_normal(4)
    indices = np.array(indices, dtype=np.int64)
    batch = indices if indices.size else np.arange(4)
    labels = y[batch] + rng.standard_normal(len(batch))
    with quiet_derivatives():
        made = program(h, theta, x[0])
        by_datum = [by_autograd(h, theta, x[i]) for i in batch]
    terms = np.array(
        [2 / len(batch) * (h_i - label) * slope for (h_i, slope), label in zip(by_datum, labels, strict=True)]
    )
    got = interpreted_batch(made, theta, x, y, indices, labels - y[batch])
    # the label, too, is known to rounding
    size = max(
        (abs(h_i) + abs(label)) * np.max(np.abs(slope)) for (h_i, slope), label in zip(by_datum, labels, strict=True)
    )
    np.testing.assert_allclose(got, terms.sum(axis=0), rtol=0, atol=TO_ROUNDING * size)


def test_what_does_not_depend_on_the_datum_is_computed_once_a_batch():
    theta, x = np.array([0.5, -0.3, 0.2]), np.ones((4, 3))

    def h(theta, x):
        return anp.sum(anp.tanh(anp.sin(theta)) * x, axis=-1)

    counted = []
    names = run_by_python(program(h, theta, x[0]))
    names["tanh"] = lambda z: counted.append(z) or np.tanh(z)
    model = names["Compiled"](x, np.zeros(4), np.zeros(0), np.zeros(0, np.int64))
    names["batch_gradient"](model, theta, np.zeros(0, np.int64), np.zeros(4), np.zeros(3))
    assert len(counted) == 3  # an entry each, whatever the data


WRITTEN_OUT = {case: written_out(CASES[case]) for case in CASES if written_out(CASES[case])}


def setting_written_out(case):
    """A built-in setting as a user may write it."""
    return ou.Setting(WRITTEN_OUT[case], CASES[case].x, CASES[case].y, parts=CASES[case].parts)


@pytest.mark.parametrize("case", ["perceptron", "attention", "on_kinks", "of_a_number", "matrix_sensing: planted"])
def test_a_compiled_path_is_that_by_autograd_to_rounding(case):
    setting = setting_written_out(case) if case in CASES else setting_of(case)
    start = np.random.default_rng(2).normal(size=(2, setting.dim)) / 2
    run = {"lr": 0.002, "noise_std": 0.1, "steps": 300, "rng": 5, "chains": 2, "batch_size": 2, "record": 100}
    fast = ou.label_noise_sgd(ou.compiled(setting), start, **run)
    slow = ou.label_noise_sgd(setting, start, **run)
    assert "numba" in fast.versions
    assert "autograd" in slow.versions
    # A rounding error of eps a step, carried on by a nearly neutral motion: at most steps × eps × the path's size.
    tolerance = 300 * np.finfo(float).eps * np.max(np.abs(fast.theta))
    np.testing.assert_allclose(fast.theta, slow.theta, rtol=0, atol=tolerance)
    np.testing.assert_allclose(fast.reg, slow.reg, rtol=TO_ROUNDING)
    assert np.max(np.abs(fast.theta[:, -1] - start)) > 1e-3


TABLE = ["functions_of_entries", "functions_of_bounded_entries", "functions_of_scipy", "powers"]


@pytest.mark.parametrize("case", [*TABLE, "convolution", "joined", "relu_network", *WRITTEN_OUT])
def test_what_numba_compiles_has_the_values_and_gradients_of_autograd(case):
    setting = setting_written_out(case) if case in CASES else setting_of(case)
    theta = np.random.default_rng(4).uniform(0.1, 1.0, setting.dim)
    with quiet_derivatives():
        made = setting._with(kernel=program(setting.h, theta, setting.x[0]))
        wanted = [by_autograd(setting.h, theta, x) for x in setting.x]
    values, gradients = np.empty(setting.n), np.empty((setting.n, setting.dim))
    kernels.values_and_gradients(made)(theta, values, gradients)
    scale = max(max(abs(value), np.max(np.abs(gradient))) for value, gradient in wanted)
    np.testing.assert_allclose(values, [value for value, _ in wanted], rtol=0, atol=TO_ROUNDING * scale)
    np.testing.assert_allclose(gradients, [gradient for _, gradient in wanted], rtol=0, atol=TO_ROUNDING * scale)


def test_a_compiled_setting_is_the_setting_with_all_its_facts():
    setting = ou.Setting(MODELS["relu_network"][0], np.ones((2, 4)), [1.0, 2.0], parts={"W": (8, 4), "a": (8,)})
    made = ou.compiled(setting)
    assert made == setting
    assert hash(made) == hash(setting)
    assert type(made) is type(setting)
    assert made.parts == setting.parts
    assert made.branches == setting.branches
    assert setting.kernel is None  # what was given stays as it was
    again = pickle.loads(pickle.dumps(made))
    assert again == made
    assert kernel(again)
    assert kernel(made.with_labels([0.0, 0.0]))
    assert made.rescaled(2.0).kernel is None  # another h
    assert ou.compiled(made) is made


def test_a_run_is_saved_and_loaded_with_its_compiled_setting(tmp_path):
    setting = ou.compiled(setting_of("of_a_number"))
    run = ou.label_noise_sgd(setting, [0.5], lr=0.1, noise_std=0.1, steps=5, rng=0)
    run.save(tmp_path / "run.npz")
    loaded = ou.Trajectory.load(tmp_path / "run.npz", setting)
    assert loaded.repeat().theta.tolist() == run.theta.tolist()


@pytest.mark.parametrize("case", CASES)
def test_a_built_in_setting_comes_back_as_it_is(case):
    assert ou.compiled(CASES[case]) is CASES[case]


def determinant(theta, x):
    return anp.linalg.det(theta.reshape((*theta.shape[:-1], 2, 2))) * x


def masked(theta, x):
    rows = anp.reshape(theta, (-1, 2))
    return anp.reshape(anp.sum(anp.where(rows > 0, rows, 0.0)[:, anp.argsort(rows[0])], -1), theta.shape[:-1]) * x


@pytest.mark.parametrize(("h", "dim", "name"), [(determinant, 4, "det"), (masked, 2, "argsort")])
def test_what_does_not_compile_is_named_in_one_line_and_runs_by_autograd(h, dim, name):
    setting = ou.Setting(h, [1.0], [2.0], dim)
    with pytest.raises(
        TypeError, match=rf"^h: expected operations that compile, got {name}.*runs by autograd"
    ) as error:
        ou.compiled(setting)
    assert "\n" not in str(error.value)
    run = ou.label_noise_sgd(setting, np.arange(dim) + 1.0, lr=1e-3, noise_std=0.1, steps=2, rng=0)
    assert not run.diverged.any()


def branching(theta, x):
    return theta[..., 0] * x if np.max(np.abs(getval(theta))) < 100 else theta[..., 0] ** 3 * x


def looking(theta, x):
    return theta[..., 0] * x if theta.size > 1 or theta[..., 0] < 100 else 0.0 * theta[..., 0]


@pytest.mark.parametrize(
    ("h", "got"), [(branching, "a value of theta or x that is taken out of autograd"), (looking, "a branch of Python")]
)
def test_a_branch_on_values_is_refused_however_seldom_it_is_taken(h, got):
    setting = ou.Setting(h, [1.0], [1.0], 1)
    with pytest.raises(TypeError, match=rf"^h: expected operations that compile, got {got}.*runs by autograd") as error:
        ou.compiled(setting)
    assert "\n" not in str(error.value)


def test_a_profiler_that_is_on_stays_on():
    profile = cProfile.Profile()
    profile.enable()
    program(MODELS["linear"][0], np.ones(3), np.ones(3))
    assert sys.getprofile() is profile
    profile.disable()
    told = []
    sys.setprofile(lambda *_: told.append(1))
    program(MODELS["linear"][0], np.ones(3), np.ones(3))
    known = len(told)
    len("called")
    sys.setprofile(None)
    assert len(told) > known


COUNTED = iter(range(1, 1000))


def test_what_is_not_the_same_each_time_is_refused():
    setting = setting_of("of_a_number")._with(h=lambda theta, x: theta[..., 0] * x * next(COUNTED))
    with pytest.raises(ValueError, match=r"^h: expected the same operations and constants .*runs by autograd"):
        ou.compiled(setting)


def own(theta, x, gradient):
    gradient[0] = np.cos(theta[0] * x) * x
    return np.sin(theta[0] * x)


def wrong_gradient(theta, x, gradient):
    gradient[0] = np.cos(theta[0] * x)
    return np.sin(theta[0] * x)


def wrong_value(theta, x, gradient):
    gradient[0] = np.cos(theta[0] * x) * x
    return np.sin(theta[0] * x) + 1e-6


def no_gradient(theta, x, _gradient):
    return np.sin(theta[0] * x)


@pytest.mark.parametrize("function", [own, numba.njit(own)])
def test_a_function_of_the_users_own_takes_the_steps(function):
    setting = setting_of("of_a_number")
    made = ou.compiled(setting, function)
    run = {"lr": 0.05, "noise_std": 0.1, "steps": 100, "rng": 0}
    tolerance = 100 * np.finfo(float).eps  # a rounding each step, of θ of order one
    fast, slow = (ou.label_noise_sgd(one, [0.5], **run).theta for one in (made, setting))
    np.testing.assert_allclose(fast, slow, rtol=0, atol=tolerance)
    assert kernel(made)


@pytest.mark.parametrize(
    ("function", "got"), [(wrong_gradient, "∂h/∂θ_0"), (wrong_value, "h"), (no_gradient, "∂h/∂θ_0 = nan")]
)
def test_a_wrong_function_is_refused(function, got):
    with pytest.raises(ValueError, match=rf"^value_and_gradient: expected the values and gradients .*, got {got}"):
        ou.compiled(setting_of("of_a_number"), function)


def test_a_wrong_gradient_of_a_batch_is_refused(monkeypatch):
    right = kernels.first_velocity
    monkeypatch.setattr(kernels, "first_velocity", lambda setting, theta: (1 + 1e-6) * right(setting, theta))
    with pytest.raises(ValueError, match=r"^h: expected the gradient of the loss by autograd, got ∂L/∂θ_0"):
        ou.compiled(setting_of("of_a_number"))


def not_for_numba(theta, x, gradient):
    gradient[:] = ou.Setting
    return theta @ x


def test_what_numba_cannot_compile_is_refused_in_one_line():
    with pytest.raises(TypeError, match=r"^value_and_gradient: expected a function that Numba compiles") as error:
        ou.compiled(setting_of("of_a_number"), not_for_numba)
    assert "\n" not in str(error.value)
    with pytest.raises(TypeError, match=r"^value_and_gradient: expected a function, got 3"):
        ou.compiled(setting_of("of_a_number"), 3)
    with pytest.raises(TypeError, match=r"^setting: expected a Setting"):
        ou.compiled(own)


PROGRAM = """
import json, sys, warnings
import autograd.numpy as np
import ouanalysis as ou
from ouanalysis.simulate import kernels

def product(theta, x):
    return theta[..., 0] * theta[..., 1] ** POWER * x

setting = ou.Setting(product, [1.0, 2.0], [2.0, 4.0], 2)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    made = ou.compiled(setting)
    theta = ou.label_noise_sgd(made, [1.0, 2.0], lr=0.01, noise_std=0.0, steps=1, rng=0, batch_size="full").theta
loops = [kernels.kernel(made), kernels.values_and_gradients(made)]
hits = [sum(loop.func.stats.cache_hits.values()) for loop in loops if loop]
told = [[str(one.message)[:24] for one in caught], [one.filename for one in caught]]
print(json.dumps([theta.ravel().tolist(), hits, *told]))
"""


def in_a_process_of_its_own(tmp_path, power, **environment):
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.replace("POWER", str(power)), encoding="utf-8")
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "cache"), **environment}
    done = subprocess.run([sys.executable, path], capture_output=True, env=environment, cwd=tmp_path, check=True)
    return json.loads(done.stdout)


def after_one_step(power):
    """θ = (a, b) = (1, 2), h = a bᵏ x on x = 1, 2 with labels 2, 4: ∇L = Σ_i (h_i − y_i) x_i (bᵏ, k bᵏ⁻¹)."""
    slope = (2**power - 2) * (1 + 4)
    return [1.0 - 0.01 * slope * 2**power, 2.0 - 0.01 * slope * power * 2 ** (power - 1)]


def test_a_second_process_reads_what_the_first_compiled_and_another_model_does_not(tmp_path):
    first, second, third = (in_a_process_of_its_own(tmp_path, power) for power in (2, 2, 3))
    assert [run[1] for run in (first, second, third)] == [[0, 0], [1, 1], [0, 0]]
    assert [run[2] for run in (first, second, third)] == [[], [], []]
    assert second[0] == first[0] == pytest.approx(after_one_step(2), rel=TO_ROUNDING)
    assert third[0] == pytest.approx(after_one_step(3), rel=TO_ROUNDING)


def test_without_numbas_compiler_a_compiled_setting_runs_by_autograd_with_one_warning(tmp_path):
    theta, hits, warned, places = in_a_process_of_its_own(tmp_path, 2, NUMBA_DISABLE_JIT="1")
    assert theta == pytest.approx(after_one_step(2), rel=TO_ROUNDING)
    assert hits == []
    assert warned == ["NUMBA_DISABLE_JIT is set"]
    assert places[0].endswith("program.py")


def test_two_models_do_not_share_a_loop():
    one, other = ou.compiled(setting_of("linear")), ou.compiled(setting_of("of_theta_alone"))
    assert kernel(one).func is not kernel(other).func
    assert kernels.kernel(ou.compiled(setting_of("linear"))).func is kernel(one).func
