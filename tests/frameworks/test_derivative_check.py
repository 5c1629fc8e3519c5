"""Derivatives that are not those of the values are refused when the setting is made, kinks are not."""

from types import SimpleNamespace

import numpy as np
import pytest

import ouanalysis as ou

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after importorskip

from ouanalysis.frameworks.derivative_check import check_derivatives  # noqa: E402

X, Y = np.random.default_rng(0).normal(size=(5, 3)), np.arange(5.0)
WORDS = np.array([[1, 1, 1, 2], [0, 3, 3, 3], [1, 2, 3, 4], [5, 5, 6, 6], [1, 2, 2, 1]])
OUTSIDE = nn.Linear(3, 1).double()


class Straight(torch.autograd.Function):
    """Square with the derivative of the identity."""

    @staticmethod
    def forward(_context, x):
        return x**2

    @staticmethod
    def backward(_context, pulled):
        return pulled


class LateCube(torch.autograd.Function):
    """x³, whose first derivative is a constant to PyTorch."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x**3

    @staticmethod
    def backward(context, pulled):
        return 3 * context.saved_tensors[0].detach() ** 2 * pulled


class LateFourth(torch.autograd.Function):
    """x⁴, whose second derivative is one."""

    @staticmethod
    def forward(context, x):
        context.save_for_backward(x)
        return x**4

    @staticmethod
    def backward(context, pulled):
        return 4 * LateCube.apply(context.saved_tensors[0]) * pulled


class Layers(nn.Module):
    """A function of two layers and data."""

    def __init__(self, function, first=None, outputs=1):
        super().__init__()
        self.first, self.second = first or nn.Linear(3, 4), nn.Linear(4, outputs)
        self.function = function

    def forward(self, x):
        return self.function(self.first, self.second, x)


def words(first, second, x):
    return second(torch.tanh(first(x)).sum(dim=1))


class Table(nn.Module):
    """Vectors of words that a function looks up as it likes."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(7, 4))


def looked_up(**given):
    def function(first, second, x):
        return second(torch.tanh(nn.functional.embedding(x, first.weight, **given)).sum(dim=1))

    return function


def without(mode):
    def function(first, second, x):
        with mode():
            hidden = first(x)
        return second(torch.tanh(hidden.clone()))

    return function


def slope_inside(first, second, x):
    return torch.func.vmap(torch.func.grad(lambda datum: second(torch.tanh(first(datum)))[0]))(x)[:, 0]


WRONG = {
    "all without gradients": Layers(lambda first, second, x: torch.no_grad()(lambda: second(torch.tanh(first(x))))()),
    "no_grad": Layers(without(torch.no_grad)),
    "detach": Layers(lambda first, second, x: second(torch.tanh(first(x)) * first(x).detach())),
    "straight through": Layers(lambda first, second, x: Straight.apply(second(torch.tanh(first(x))))),
    "rounding": Layers(lambda first, second, x: (lambda z: z + (z.round() - z).detach())(second(first(x)))),
    "not registered": Layers(lambda _first, _second, x: OUTSIDE(x)),
    "max_norm": Layers(looked_up(max_norm=0.5), Table()),
    "frequencies": Layers(looked_up(scale_grad_by_freq=True), Table()),
    "second derivative": Layers(lambda first, second, x: second(LateCube.apply(first(x)))),
    "third derivative": Layers(lambda first, second, x: second(LateFourth.apply(first(x)))),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_derivative_that_is_not_that_of_the_values_is_refused(name):
    module = WRONG[name].double()
    reads_words = isinstance(module.first, Table)
    with pytest.raises(
        ValueError, match=r"^module: expected .* got .*look for .*no_grad, inference_mode, detach"
    ) as caught:
        ou.Setting.from_torch(module, WORDS if reads_words else X, Y)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("late", [LateCube, LateFourth])
def test_of_many_outputs_later_derivatives_are_checked_too(late):
    module = Layers(lambda first, second, x: second(late.apply(first(x))), outputs=20).double()
    with pytest.raises(ValueError, match=r"^module: expected (second|third) derivatives .* got the slope of the"):
        ou.Setting.from_torch(module, X, np.zeros((5, 20)))


@pytest.mark.parametrize("reentrant", [False, True])
@pytest.mark.filterwarnings("ignore:None of the inputs have requires_grad=True")
def test_layers_that_run_again_after_the_module_are_named(reentrant):
    def function(first, second, x):
        return second(torch.utils.checkpoint.checkpoint(lambda z: torch.tanh(first(z)), x, use_reentrant=reentrant))

    with pytest.raises(ValueError, match=r"look for .*torch\.utils\.checkpoint"):
        ou.Setting.from_torch(Layers(function).double(), X, Y)


def test_a_derivative_that_is_no_number_is_refused():
    module = Layers(lambda first, second, x: second(torch.logcumsumexp(first(x), dim=1))).double()
    with pytest.raises(
        ValueError, match=r"^module: expected (first|third) derivatives .* = nan where differences give"
    ):
        ou.Setting.from_torch(module, X, Y)


def test_rows_that_stand_for_padding_are_constants_and_no_error():
    module = Layers(words, nn.Embedding(7, 4, padding_idx=1)).double()
    setting = ou.Setting.from_torch(module, WORDS, Y)
    assert not setting.unpack(ou.jacobian(setting, np.ones(setting.dim))[2])["first.weight"][1].any()


def test_a_module_that_differentiates_by_its_data_has_all_derivatives():
    module = Layers(slope_inside).double()
    setting = ou.Setting.from_torch(module, X, Y)
    theta, along = np.random.default_rng(1).normal(size=(2, setting.dim))
    jacobian = ou.jacobian(setting, theta)
    np.testing.assert_allclose(ou.gram(setting, theta), jacobian @ jacobian.T, rtol=1e-10, atol=1e-10)
    beside = [ou.regularizer(setting, theta + step * along) for step in (1e-5, -1e-5)]
    np.testing.assert_allclose(
        ou.regularizer_gradient(setting, theta) @ along, (beside[0] - beside[1]) / 2e-5, rtol=1e-6
    )


@pytest.mark.parametrize("seed", range(24))
def test_kinks_and_rounding_are_no_alarm(seed):
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    width, outputs = rng.integers(1, 20), rng.integers(1, 4)
    act = [nn.ReLU, nn.LeakyReLU, nn.Hardtanh, nn.PReLU][seed % 4]
    module, x = [
        (nn.Sequential(nn.Linear(3, width, bias=False), act(), nn.Linear(width, outputs)), rng.normal(size=(4, 3))),
        (
            nn.Sequential(nn.Conv2d(1, width, 3), act(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4 * width, outputs)),
            rng.normal(size=(4, 1, 6, 6)),
        ),
        (nn.Sequential(nn.Linear(3, width), nn.Linear(width, outputs), act()), 1e3 * rng.normal(size=(4, 3))),
    ][seed // 4 % 3]
    ou.Setting.from_torch(module.double(), x, np.zeros((4, outputs)))


def test_a_function_of_jax_whose_derivative_is_another_is_refused():
    jax = pytest.importorskip("jax")
    for f in (
        lambda p, x: jax.lax.stop_gradient(x @ p),
        lambda p, x: jax.numpy.tanh(x @ p) * jax.lax.stop_gradient(x @ p),
        lambda p, x: jax.lax.stop_gradient(jax.numpy.ones(len(x)) * p[0]),
    ):
        with pytest.raises(ValueError, match=r"^f: expected first derivatives .* look for stop_gradient"):
            ou.Setting.from_jax(f, np.array([1.0, 2.0, 3.0]), X, Y)
    with pytest.raises(ValueError, match=r"^f: expected predictions that move with its parameters"):
        ou.Setting.from_jax(lambda _, x: x[:, 0], np.ones(3), X, Y)
    ou.Setting.from_jax(lambda p, x: jax.nn.relu(x @ p["w"]) @ p["a"], {"w": np.ones((3, 4)), "a": np.ones(4)}, X, Y)


def test_what_is_not_finite_at_random_parameters_is_no_alarm():
    module = Layers(lambda first, second, x: second(torch.log(-first.weight.square().sum()) * first(x))).double()
    assert ou.Setting.from_torch(module, X, Y).n == 5


@pytest.mark.parametrize("outputs", [1, 20])
@pytest.mark.parametrize("order", ["second", "third"])
def test_later_derivatives_of_jax_that_are_others_are_refused(order, outputs):
    jax = pytest.importorskip("jax")
    square = jax.custom_jvp(lambda z: z**2)
    square.defjvp(lambda z, v: (z[0] ** 2, 2 * jax.lax.stop_gradient(z[0]) * v[0]))
    cube = jax.custom_jvp(lambda z: z**3)
    cube.defjvp(lambda z, v: (z[0] ** 3, 3 * square(z[0]) * v[0]))
    late = {"second": square, "third": cube}[order]
    params = {"first": np.ones((3, 4)), "second": np.ones((4, outputs))}
    with pytest.raises(
        ValueError, match=f"^f: expected {order} derivatives that are those of its values, got the slope"
    ):
        ou.Setting.from_jax(lambda p, x: late(x @ p["first"]) @ p["second"], params, X, np.zeros((len(X), outputs)))


def test_a_padding_row_that_is_read_in_another_way_is_refused_and_one_that_is_not_is_none():
    class Tied(torch.nn.Module):
        def __init__(self, tied):
            super().__init__()
            self.table = torch.nn.Embedding(7, 3, padding_idx=0)
            self.out = torch.nn.Linear(3, 7, bias=False)
            if tied:
                self.out.weight = self.table.weight

        def forward(self, words):
            return torch.tanh(self.out(self.table(words))).sum(dim=1)

    words = np.array([[1, 2], [3, 4], [5, 6], [6, 2], [1, 3], [2, 0]])  # the last has the padding
    y = np.zeros((6, 7))
    assert ou.Setting.from_torch(Tied(False).double(), words, y).outputs == 7
    with pytest.raises(ValueError, match=r"first derivatives that are those .* padding_idx of a table that is read in"):
        ou.Setting.from_torch(Tied(True).double(), words, y)


def products(wrong):
    """Those of h = θ_0 x, but for one that another is to find out."""
    x = np.array([1.0, 2.0, 3.0])
    return SimpleNamespace(
        predictions=lambda points: points[:, :1] * x,
        forward=lambda _, direction: direction[0] * x,
        backward=lambda _, weights: np.array([weights @ x]),
        squared_norms=lambda _: (x**2 + (wrong == "squared norms"))[None],
        gram=lambda _: (np.outer(x, x) + (wrong == "inner products"))[None],
        squared_norms_gradient=lambda points: np.zeros(points.shape),
        lagrangian_hessian_products=lambda _, __, directions: np.zeros(directions.shape),
    )


@pytest.mark.parametrize("wrong", ["nothing", "squared norms", "inner products"])
def test_norms_and_inner_products_that_are_not_of_the_gradients_are_named(wrong):
    def check():
        how = {"name": "module", "causes": "that"}
        check_derivatives(products(wrong), lambda rng: rng.standard_normal(1), np.ones(1, dtype=bool), **how)

    if wrong == "nothing":
        check()
        return
    with pytest.raises(
        ValueError, match=f"^module: expected {wrong} that are those of its gradients, .* look for that, or report it"
    ):
        check()
