"""What PyTorch differentiates wrongly, or not often enough, is right here: against backward passes and differences."""

import numpy as np
import pytest
from every_product import assert_alike, every_product

torch = pytest.importorskip("torch")

import torch.nn.functional as F  # noqa: E402  after importorskip
from torch import nn  # noqa: E402

import ouanalysis as ou  # noqa: E402
from ouanalysis.frameworks.torch_formulas import FORMULAS, Formulas  # noqa: E402

STEP = 1e-4
CLOSE = 1e-6  # of differences of the fourth order with that step, relative


class Of(nn.Module):
    """Outputs of a function of what a convolution or dense layer gives, and of some parameters."""

    def __init__(self, function, outputs, *shapes, first=None):
        super().__init__()
        self.first = first or nn.Conv1d(2, 4, 2)
        self.parts = nn.ParameterList([torch.linspace(0.4, 1.3, int(np.prod(s))).reshape(s) for s in shapes])
        self.function, self.outputs = function, outputs

    def forward(self, x):
        values = torch.tanh(self.function(torch.tanh(self.first(x)), *self.parts)).flatten(start_dim=1)
        weights = torch.cos(torch.arange(values.shape[1] * self.outputs, dtype=torch.float64))
        return values @ weights.reshape(values.shape[1], self.outputs)


def batch_norm_of_single_data(z, scale):
    return F.batch_norm(z.reshape(1, -1, z.shape[-1]), None, None, training=True).reshape(z.shape) * scale


def implicit(z, matrix):
    return torch.linalg.solve(matrix + 2 * torch.eye(4, dtype=z.dtype), z)


def factored(z, matrix):
    return torch.linalg.lu_solve(*torch.linalg.lu_factor(matrix + 2 * torch.eye(4, dtype=z.dtype)), z)


FUNCTIONS = {
    "layer norm": (lambda z, *p: F.layer_norm(z, (3,), *p), (3,), (3,)),
    "torch.layer_norm": (lambda z, p: torch.layer_norm(z, (4, 3), p), (4, 3)),
    "instance norm": (lambda z, *p: F.instance_norm(z, weight=p[0], bias=p[1]), (4,), (4,)),
    "batch norm of single data": (batch_norm_of_single_data, (1,)),
    "weight norm": (lambda z, v, g: torch._weight_norm(v, g, 0) @ z, (3, 4), (3, 1)),
    "distances": (lambda z, p: torch.cdist(z, p), (5, 3)),
    "distances of p = 3": (lambda z, p: torch.cdist(z, p, 3.0), (5, 3)),
    "distances of pairs": (lambda z, p: torch.stack([F.pdist(one * p) for one in z]), (4, 1)),
    "prelu": (F.prelu, (4,)),
    "one prelu": (lambda z, p: torch.prelu(z, p), (1,)),
    "hardsigmoid": (lambda z, p: F.hardsigmoid(p) * z, (1,)),
    "solve": (implicit, (4, 4)),
    "det": (lambda z, p: torch.linalg.det(p + 2 * torch.eye(4, dtype=z.dtype)) * z, (4, 4)),
    "lu_solve": (factored, (4, 4)),  # which vmap differentiates wrongly
}


@pytest.mark.parametrize("outputs", [1, 2, 12])
@pytest.mark.parametrize("name", FUNCTIONS)
def test_derivatives_of_every_order_are_those_of_the_values(name, outputs):
    function, *shapes = FUNCTIONS[name]
    torch.manual_seed(0)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 2, 4)))  # as many data as outputs in one case
    digits = 1e-7 if name == "hardsigmoid" else 1e-10  # whose slope is 1/6 in single precision to PyTorch
    check_derivatives(Of(function, outputs, *shapes).double(), x, outputs, digits)


BAGS = {
    "sum": {"mode": "sum"},
    "mean without padding": {"padding_idx": 1},
    "max without padding": {"mode": "max", "padding_idx": -1},
    "sparse": {"mode": "sum", "sparse": True},
}


@pytest.mark.parametrize("name", BAGS)
def test_derivatives_by_bags_of_words_are_those_of_the_values(name):
    torch.manual_seed(0)
    words = torch.tensor([[0, 1, 2, 2], [1, 1, 1, 1], [3, 4, 0, 1]])
    module = nn.Sequential(nn.EmbeddingBag(5, 3, **BAGS[name]), nn.Tanh(), nn.Linear(3, 2)).double()
    check_derivatives(module, words, 2, 1e-10)


def test_a_table_whose_gradients_are_sparse_is_that_whose_are_not():
    words, settings = torch.tensor([[0, 1], [2, 2]]), []
    for sparse in (False, True):
        module = nn.Sequential(nn.Embedding(4, 3, sparse=sparse), nn.Tanh(), nn.Flatten(), nn.Linear(6, 1)).double()
        settings.append(ou.Setting.from_torch(module, words, np.zeros(2)))
    theta = np.random.default_rng(0).normal(size=settings[0].dim)
    assert_alike(*(every_product(of.products(), theta, 2) for of in settings))


class WrongTogether(torch.autograd.Function):
    """x², and 2 x² under vmap."""

    @staticmethod
    def forward(x):
        return x**2

    @staticmethod
    def setup_context(context, inputs, _output):
        context.save_for_backward(*inputs)

    @staticmethod
    def backward(context, pulled):
        return 2 * context.saved_tensors[0] * pulled

    @staticmethod
    def vmap(_info, dims, x):
        return 2 * x**2, dims[0]


@pytest.mark.parametrize("outputs", [1, 2, 12])
def test_a_rule_of_vmap_that_is_wrong_is_not_used(outputs):
    torch.manual_seed(0)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 2, 4)))
    check_derivatives(Of(lambda z, p: WrongTogether.apply(p * z), outputs, (1,)).double(), x, outputs, 1e-10)


def check_derivatives(module, x, outputs, digits):
    rng = np.random.default_rng(1)
    setting, theta_of = ou.Setting.from_torch(module, x, np.zeros((len(x), outputs))), module.state_dict()
    held, rows = list(module.parameters()), module(x).reshape(-1)
    plain = [torch.autograd.grad(row, held, retain_graph=True, materialize_grads=True) for row in rows]
    jacobian = np.array([torch.cat([part.to_dense().reshape(-1) for part in row]).numpy() for row in plain])
    theta, along = setting.pack(theta_of), rng.normal(size=setting.dim)
    close(ou.jacobian(setting, theta), jacobian, digits)
    close(ou.gram(setting, theta), jacobian @ jacobian.T, digits)
    close(ou.regularizer(setting, theta), np.sum(jacobian**2) / len(x), digits)

    products, weights = setting.products(), rng.normal(size=setting.rows)

    def slopes(at):
        return ou.regularizer_gradient(setting, at) - products.backward(at, weights)

    close(ou.regularizer_gradient(setting, theta) @ along, slope(lambda at: ou.regularizer(setting, at), theta, along))
    close(products.data_hessian_products(theta, along), slope(lambda at: ou.jacobian(setting, at), theta, along))
    close(products.lagrangian_hessian_products(theta, weights, along[None])[0], slope(slopes, theta, along))


def slope(function, theta, along):
    once, twice = (function(theta + s * along) - function(theta - s * along) for s in (STEP, 2 * STEP))
    return (8 * once - twice) / (12 * STEP)


def close(found, wanted, digits=CLOSE):
    np.testing.assert_allclose(found, wanted, rtol=digits, atol=digits * np.max(np.abs(wanted)))


Z, W = torch.linspace(-2, 2, 60, dtype=torch.float64).reshape(3, 4, 5).sin(), torch.linspace(0.3, 1, 6).double()
INDICES = torch.tensor([[0, 1, 3], [2, 2, 2]])
CALLS = {
    F.layer_norm: lambda: F.layer_norm(Z, (5,), W[:5], eps=0.1),
    torch.layer_norm: lambda: torch.layer_norm(Z, [4, 5], None, None, 0.1),
    F.instance_norm: lambda: F.instance_norm(Z, None, None, W[:4], W[2:], True, 0.1, 0.2),
    torch.instance_norm: lambda: torch.instance_norm(Z, W[:4], W[2:], None, None, True, 0.1, 0.2, False),
    F.batch_norm: lambda: F.batch_norm(Z, W[:4], W[2:], W[1:5], eps=0.2),
    torch.batch_norm: lambda: torch.batch_norm(Z, W[:4], W[2:], None, None, True, 0.1, 0.2, False),
    torch._weight_norm: lambda: torch._weight_norm(Z, W[None, None, :5], 2),
    torch.cdist: lambda: torch.cdist(Z, Z[:1] + 1, p=1.5),
    torch._VF.cdist: lambda: torch._VF.cdist(Z, Z[:1] + 1, 2.0, None),
    F.pdist: lambda: F.pdist(Z[0], 3.0),
    torch.pdist: lambda: torch.pdist(Z[0]),
    F.prelu: lambda: F.prelu(Z, W[:4]),
    torch.prelu: lambda: torch.prelu(Z[0, 0], W[:1]),
    torch.Tensor.prelu: lambda: Z.prelu(W[:1]),
    F.hardsigmoid: lambda: F.hardsigmoid(4 * Z, inplace=True),
    F.embedding: lambda: F.embedding(INDICES, Z[0], 1, sparse=True),
    torch.embedding: lambda: torch.embedding(Z[0], INDICES, 1, False, True),
    F.embedding_bag: lambda: F.embedding_bag(INDICES, Z[0], mode="max", padding_idx=-2),
    torch._C._nn.hardsigmoid: lambda: torch._C._nn.hardsigmoid(4 * Z),
    torch._C._nn.hardsigmoid_: lambda: torch._C._nn.hardsigmoid_(4 * Z),
}


@pytest.mark.parametrize("function", FORMULAS, ids=lambda function: getattr(function, "__qualname__", str(function)))
def test_a_formula_gives_what_the_function_gives(function):
    wanted = CALLS[function]()
    with Formulas():
        torch.testing.assert_close(CALLS[function](), wanted, rtol=1e-12, atol=1e-12)


OTHER_CALLS = [
    lambda: F.embedding_bag(INDICES, Z[0], mode="sum", per_sample_weights=W[:6].reshape(2, 3), padding_idx=2),
    lambda: F.embedding_bag(INDICES, Z[0], mode="mean", padding_idx=2),
    lambda: F.embedding_bag(INDICES.reshape(-1), Z[0], torch.tensor([0, 4]), mode="sum"),
    lambda: F.embedding_bag(INDICES.reshape(-1), Z[0], torch.tensor([0, 4, 6]), mode="max", include_last_offset=True),
    lambda: F.instance_norm(Z, W[:4], W[2:], W[1:5], None, False, 0.1, 0.2),
]


@pytest.mark.parametrize("call", range(len(OTHER_CALLS)))
def test_all_that_a_function_may_be_given_is_given_to_its_formula(call):
    wanted = OTHER_CALLS[call]()
    with Formulas():
        torch.testing.assert_close(OTHER_CALLS[call](), wanted, rtol=1e-12, atol=1e-12)


def test_running_statistics_of_instances_are_used():
    module = nn.Sequential(
        nn.Conv1d(2, 3, 2), nn.InstanceNorm1d(3, affine=True, track_running_stats=True), nn.Flatten()
    )
    module = nn.Sequential(module, nn.Tanh(), nn.Linear(9, 1)).double().eval()
    x = np.random.default_rng(0).normal(size=(3, 2, 4))
    setting = ou.Setting.from_torch(module, x, np.zeros(3))
    close(
        setting.predictions(setting.pack(module.state_dict())),
        module(torch.from_numpy(x)).detach().numpy()[:, 0],
        1e-12,
    )


def test_an_input_that_the_first_layer_changes_in_place_may_be_differentiated_as_often_as_another():
    settings = []
    for in_place in (False, True):
        torch.manual_seed(0)
        module = nn.Sequential(nn.ReLU(inplace=in_place), nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1)).double()
        x = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 2)))
        settings.append(ou.Setting.from_torch(module, x, np.zeros(4)))
    theta, directions = settings[0].pack(module.state_dict()), np.eye(settings[0].dim)
    plain, changed = (s.products().lagrangian_hessian_products(theta, np.ones(4), directions) for s in settings)
    close(changed, plain, 1e-12)
