"""A module as a Setting: what is refused and how, its parts, and what a setting can do."""

import copy
import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402  after importorskip

import ouanalysis as ou  # noqa: E402

X, Y = np.arange(6.0).reshape(3, 2) / 4, np.array([1.0, -1.0, 0.5])


class Forward(nn.Module):
    """A dense layer, and what is done with its output."""

    def __init__(self, function=lambda _module, value: value):
        super().__init__()
        self.dense, self.function = nn.Linear(2, 1), function
        self.register_buffer("calls", torch.zeros(()))

    def forward(self, x):
        return self.function(self, self.dense(x))


class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Linear(2, 2), nn.Linear(2, 2)
        self.second.weight = self.first.weight
        self.register_buffer("shift", torch.tensor([1.0, 2.0]))

    def forward(self, x):
        return (self.second(torch.tanh(self.first(x))) + self.shift).sum(dim=1)


def counted(module, value):
    module.calls += 1
    return value


def dense():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double()


def frozen():
    module = dense()
    module[0].requires_grad_(False)
    return module


def lost(*_):
    raise RuntimeError("sizes do\nnot match")


def all_frozen():
    return dense().requires_grad_(False)


REFUSED = [
    ("module: expected a torch.nn.Module, got function", lambda: dense),
    (
        "module: expected float64, got the parameter 0.weight in float32: module.double()",
        lambda: nn.Sequential(nn.Linear(2, 1)),
    ),
    ("module: expected parameters that require a gradient, got none", all_frozen),
    (
        "module: expected no dropout, got 1 (Dropout) in training mode with p = 0.5: .eval()",
        lambda: nn.Sequential(nn.Linear(2, 1), nn.Dropout()).double(),
    ),
    (
        "module: expected no dropout, got the module itself (MultiheadAttention) in training mode with p = 0.1:"
        " .eval()",
        lambda: nn.MultiheadAttention(2, 1, dropout=0.1).double(),
    ),
    (
        "module: expected no batch norm over the batch, got 1 (BatchNorm1d) in training mode: .eval()",
        lambda: nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1)).double(),
    ),
    (
        "module: expected a forward that changes nothing, got the buffer calls changed by it",
        lambda: Forward(counted).double(),
    ),
    (
        "module: expected a forward that is neither random nor changes its input, got two that differ",
        lambda: Forward(lambda _, value: value + torch.rand_like(value)).double(),
    ),
    (
        "module: expected no batch norm over the batch, got 1 (BatchNorm1d) that keeps no running statistics:"
        " track_running_stats=True",
        lambda: nn.Sequential(nn.Linear(2, 1), nn.BatchNorm1d(1, track_running_stats=False)).double().eval(),
    ),
    (
        "module: expected no embedding whose vectors are cut, got 0 (Embedding) with max_norm=9",
        lambda: nn.Sequential(nn.Embedding(7, 3, max_norm=9), nn.Flatten(), nn.Linear(6, 1)).double(),
    ),
    (
        "module: expected no embedding whose gradients are scaled, got 0 (EmbeddingBag) with scale_grad_by_freq=True",
        lambda: nn.Sequential(nn.EmbeddingBag(7, 3, scale_grad_by_freq=True), nn.Linear(3, 1)).double(),
    ),
    (
        "module: expected the module that is run, got a DataParallel of it: give its .module",
        lambda: nn.DataParallel(dense()),
    ),
    (
        "module: expected predictions of each datum alone, got some that depend on the rest of the batch",
        lambda: Forward(lambda _, value: value - value.mean()).double(),
    ),
    (
        "module: expected an output of shape (3,) or (3, 1) for 3 data, as y has, got (3, 2)",
        lambda: nn.Linear(2, 2).double(),
    ),
    (
        "module: expected one tensor of its forward, got tuple",
        lambda: Forward(lambda _, value: (value, value)).double(),
    ),
    ("module: expected float64 of its forward, got float32", lambda: Forward(lambda _, value: value.float()).double()),
    (
        "module: expected a forward of x of shape (3, 2) in float64, got RuntimeError: sizes do not match",
        lambda: Forward(lost).double(),
    ),
    (
        "module: expected parameters with a shape, got weight of none yet: call the module once",
        lambda: nn.LazyLinear(1).double(),
    ),
]


@pytest.mark.parametrize(("message", "make"), REFUSED, ids=[message[:60] for message, _ in REFUSED])
@pytest.mark.filterwarnings("ignore:Lazy modules are a new feature")
def test_what_is_no_model_is_refused_in_one_line(message, make):
    with pytest.raises((TypeError, ValueError)) as caught:
        ou.Setting.from_torch(make(), X, Y)
    assert str(caught.value) == message


def test_words_past_the_end_of_a_table_are_no_numbers():
    module = nn.Sequential(nn.Embedding(3, 1), nn.Flatten()).double()
    with pytest.raises(TypeError, match=r"in int64, got IndexError: index out of range in self$"):
        ou.Setting.from_torch(module, [[0], [5]], [1.0, 2.0])


def in_place(_module, given):
    given[0].mul_(2)


def test_an_input_that_is_changed_is_named():
    module = dense()
    module.register_forward_pre_hook(in_place)
    with pytest.raises(ValueError, match=r"neither random nor changes its input, got two that differ$"):
        ou.Setting.from_torch(module, X, Y)


def test_numbers_that_numpy_does_not_have_are_refused_by_the_name_of_the_argument():
    x, y = torch.tensor(X), torch.tensor(Y)
    for name, given in {"x": (x.bfloat16(), y), "y": (x, y.bfloat16())}.items():
        with pytest.raises(TypeError, match=rf"^{name}: expected an array that NumPy reads.* got Tensor: .*BFloat16"):
            ou.Setting.from_torch(dense(), *given)
    setting = ou.Setting.from_torch(dense(), X, Y)
    with pytest.raises(
        TypeError, match=r"^theta: expected .*\.detach\(\)\.double\(\)\.numpy\(\) gives, got Tensor: .*grad"
    ):
        ou.regularizer(setting, torch.ones(setting.dim, requires_grad=True))
    with pytest.raises(TypeError, match=r"^0.weight: expected an array that NumPy reads"):
        setting.pack(dense().bfloat16().state_dict())


@pytest.mark.parametrize("argument", ["x", "y"])
@pytest.mark.filterwarnings("ignore:Sparse CSR tensor support", "ignore:The PyTorch API of nested tensors")
def test_tensors_that_are_no_array_are_refused_by_the_name_of_the_argument(argument):
    x, y = torch.tensor(X), torch.tensor(Y)
    for make, what in (
        (lambda of: of.to("meta"), r"one on the device meta, which holds none"),
        (torch.Tensor.to_sparse, r"one of torch.sparse_coo: .to_dense\(\)"),
        (lambda of: torch.nested.nested_tensor(list(of)), r"a nested one"),
    ):
        given = (make(x), y) if argument == "x" else (x, make(y))
        with pytest.raises(TypeError, match=rf"^{argument}: expected a dense tensor of numbers, got {what}$"):
            ou.Setting.from_torch(dense(), *given)


def test_a_view_that_is_negated_or_conjugated_is_an_array():
    x = torch.complex(torch.tensor(X), torch.tensor(X)).conj()
    assert ou.Setting.from_torch(dense(), -x.imag, Y) == ou.Setting.from_torch(dense(), X, Y)


@pytest.mark.parametrize("kind", [np.uint8, np.int16, np.uint16, np.uint64, np.int64, bool])
def test_indices_are_integers_of_any_kind(kind):
    module = nn.Sequential(nn.Embedding(4, 2), nn.Flatten(), nn.Linear(4, 1)).double()
    tokens = np.array([[0, 1], [1, 1], [1, 0]])
    found, wanted = (ou.Setting.from_torch(module, of, Y) for of in (tokens.astype(kind), tokens))
    np.testing.assert_array_equal(found.predictions(np.arange(13.0)), wanted.predictions(np.arange(13.0)))


class Waves(nn.Module):
    """What has a complex parameter, or constant."""

    def __init__(self, waves):
        super().__init__()
        self.dense, self.waves = nn.Linear(2, 1).double(), waves

    def forward(self, x):
        return self.dense((x * self.waves).real)


def test_complex_parameters_are_refused_and_constants_are_not():
    waves = torch.tensor([1 + 1j, 2.0])
    with pytest.raises(ValueError, match=r"^module: expected real parameters, got waves in complex128: make it two of"):
        ou.Setting.from_torch(Waves(nn.Parameter(waves.cdouble())), X, Y)
    with pytest.raises(ValueError, match=r"complex128, got the parameter waves in complex64: make it \.cdouble\(\)$"):
        ou.Setting.from_torch(Waves(nn.Parameter(waves.cfloat(), requires_grad=False)), X, Y)
    setting = ou.Setting.from_torch(Waves(nn.Parameter(waves.cdouble(), requires_grad=False)), X, Y)
    np.testing.assert_allclose(ou.jacobian(setting, np.zeros(3))[:, :2], X * [1.0, 2.0], rtol=1e-12, atol=1e-12)


def test_a_branch_by_all_of_a_batch_is_refused_though_few_data_take_the_same():
    x = np.concatenate([np.full((15, 2), 1.0), np.full((1, 2), -1.0), np.full((15, 2), 2.0)])
    doubled = Forward(lambda module, value: value if module.held.sum() > 0 else 2 * value).double()
    doubled.register_forward_pre_hook(lambda module, given: setattr(module, "held", given[0]))
    with pytest.raises(ValueError, match="expected predictions of each datum alone"):
        ou.Setting.from_torch(doubled, x, np.zeros(31))


def test_labels_of_another_shape_are_refused():
    with pytest.raises(ValueError, match=r"^y: expected shape \(3,\), got \(2,\)$"):
        ou.Setting.from_torch(dense(), X, Y[:2])
    with pytest.raises(ValueError, match=r"expected an output of shape \(3, 2\) for 3 data, as y has, got \(3, 1\)$"):
        ou.Setting.from_torch(dense(), X, np.zeros((3, 2)))


def test_without_torch_one_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "torch", None)
    with pytest.raises(
        ImportError, match=r"^from_torch: expected PyTorch, got none: pip install 'ouanalysis\[torch\]'$"
    ):
        ou.Setting.from_torch(None, X, Y)


def test_theta_holds_the_state_dict_that_it_is_made_of():
    module = dense()
    setting = ou.Setting.from_torch(module, X, Y)
    theta = setting.pack(module.state_dict())
    assert setting.parts == {"0.weight": (3, 2), "0.bias": (3,), "2.weight": (1, 3), "2.bias": (1,)}
    with torch.no_grad():
        np.testing.assert_array_equal(setting.predictions(theta), module(torch.from_numpy(X))[:, 0].numpy())
    moved = theta + 1.0
    module.load_state_dict(setting.unpack(moved))
    np.testing.assert_array_equal(setting.pack(module.state_dict()), moved)
    np.testing.assert_array_equal(
        setting.pack(**{name: value.numpy() for name, value in setting.unpack(moved).items()}), moved
    )


def test_shared_parameters_come_once_and_buffers_stay():
    module = Tied().double()
    setting = ou.Setting.from_torch(module, X, Y)
    assert setting.parts == {"first.weight": (2, 2), "first.bias": (2,), "second.bias": (2,)}
    state = setting.unpack(np.arange(8.0))
    assert set(state) == set(module.state_dict())
    module.load_state_dict(state)
    assert module.second.weight is module.first.weight
    np.testing.assert_array_equal(module.shift.numpy(), [1.0, 2.0])
    np.testing.assert_array_equal(setting.pack(state), np.arange(8.0))
    with pytest.raises(
        ValueError, match=r"^pack: expected second.weight equal to first.weight, which it is, got another$"
    ):
        setting.pack({**state, "second.weight": torch.zeros(2, 2)})
    with pytest.raises(
        ValueError, match=r"^pack: expected shift as it was in the module, a constant of h, got another$"
    ):
        setting.pack({**state, "shift": torch.zeros(2)})
    with pytest.raises(ValueError, match=r"^pack: expected the entries shift, first.weight, .*, got shift$"):
        setting.pack({"shift": state["shift"]})
    with pytest.raises(TypeError, match=r"^pack: expected a state dict, got list$"):
        setting.pack([1.0])


def test_frozen_parameters_are_constants():
    module = frozen()
    setting = ou.Setting.from_torch(module, X, Y)
    assert list(setting.parts) == ["2.weight", "2.bias"]
    theta = setting.pack(module.state_dict())
    hidden = np.tanh(X @ module[0].weight.numpy().T + module[0].bias.numpy())
    np.testing.assert_allclose(ou.jacobian(setting, theta), np.column_stack([hidden, np.ones(3)]), rtol=1e-14)


def test_what_becomes_of_the_module_does_not_change_the_setting():
    module = dense()
    setting = ou.Setting.from_torch(module, X, Y)
    theta = setting.pack(module.state_dict())
    before = setting.predictions(theta)
    module[0].weight.data += 1.0
    module[1] = nn.ReLU()
    np.testing.assert_array_equal(setting.predictions(theta), before)


def test_a_setting_of_a_module_pickles_and_is_equal_by_value():
    module = dense()
    setting = ou.Setting.from_torch(module, X, Y)
    theta = setting.pack(module.state_dict())
    ou.regularizer(setting, theta)  # what it has found out is not pickled
    other = pickle.loads(pickle.dumps(setting))
    assert other == setting
    assert hash(other) == hash(setting)
    np.testing.assert_array_equal(ou.jacobian(other, theta), ou.jacobian(setting, theta))
    assert ou.Setting.from_torch(copy.deepcopy(module), X, Y) == setting
    module[1] = nn.Sigmoid()
    assert ou.Setting.from_torch(module, X, Y) != setting


def doubled(_module, given):
    return (2 * given[0],)


def tripled(_module, given):
    return (3 * given[0],)


def holding(**held):
    """A dense layer with attributes, which is all the same to what it gives."""
    torch.manual_seed(len(held))
    module = Forward().double()
    vars(module).update(held)
    return module


def hooked(*hooks):
    module = Forward().double()
    for hook in hooks:
        module.dense.register_forward_pre_hook(hook)
    return module


class Recurrent(nn.Module):
    def __init__(self):
        super().__init__()
        self.cells, self.last = nn.LSTM(2, 2, batch_first=True), nn.Linear(2, 1)

    def forward(self, x):
        return self.last(self.cells(x[:, None])[0][:, -1])


LARGE = np.ones(2000)
OTHER = np.where(np.arange(2000) == 1000, 2.0, 1.0)
FACTOR = torch.tensor([1.0, 2.0])


@pytest.mark.parametrize(
    ("make", "others"),
    [
        pytest.param(lambda: holding(_c=2.0), [holding(_c=3.0), holding(c=2.0)], id="private"),
        pytest.param(lambda: holding(a=LARGE.copy()), [holding(a=OTHER)], id="large array"),
        pytest.param(lambda: holding(a=FACTOR.clone()), [holding(a=2 * FACTOR)], id="tensor"),
        pytest.param(lambda: holding(a={"b": [FACTOR.clone()]}), [holding(a={"b": [2 * FACTOR]})], id="inside"),
        pytest.param(lambda: holding(a=FACTOR.bfloat16()), [holding(a=FACTOR)], id="another precision"),
        pytest.param(lambda: hooked(doubled), [hooked(), hooked(tripled), hooked(doubled, doubled)], id="hook"),
        pytest.param(lambda: hooked(doubled, tripled), [hooked(tripled, doubled)], id="order of hooks"),
        pytest.param(lambda: Recurrent().double(), [hooked()], id="weak references"),
    ],
)
def test_settings_of_modules_are_equal_where_all_is_that_the_modules_hold(make, others):
    setting, twin = (ou.Setting.from_torch(make(), X, Y) for _ in range(2))
    ou.regularizer(setting, np.ones(setting.dim))
    assert setting == twin
    assert hash(setting) == hash(twin)
    for other in others:
        assert setting != ou.Setting.from_torch(other, X, Y)
    setting = ou.Setting.from_torch(picklable(make()), X, Y)
    again = pickle.loads(pickle.dumps(setting))
    assert again == setting
    assert hash(again) == hash(setting)


def same(_module, value):
    return value


def picklable(module):
    if isinstance(module, Forward):
        module.function = same
    return module


def test_tensors_and_integers_are_given_to_the_module_as_they_are():
    tensors = ou.Setting.from_torch(dense(), torch.from_numpy(X), torch.from_numpy(Y).requires_grad_())
    assert tensors == ou.Setting.from_torch(dense(), X, Y)
    module = nn.Sequential(nn.Embedding(4, 2), nn.Flatten(), nn.Linear(4, 1)).double()
    tokens = np.array([[0, 3], [1, 1], [2, 0]])
    setting = ou.Setting.from_torch(module, tokens, Y)
    assert setting.x.dtype == np.float64
    with torch.no_grad():
        wanted = module(torch.from_numpy(tokens))[:, 0].numpy()
    np.testing.assert_array_equal(setting.predictions(setting.pack(module.state_dict())), wanted)
    whole = ou.Setting.from_torch(dense(), [[0, 1], [2, 3], [4, 5]], Y)  # numbers, where it takes no integers
    assert whole == ou.Setting.from_torch(dense(), [[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]], Y)


def test_what_is_symbolic_refuses_a_module_in_one_line():
    setting = ou.Setting.from_torch(dense(), X, Y)
    says = "h is a PyTorch module, which takes numbers alone|got a TorchModule"
    for refuses in (ou.symbolic.trace, ou.compiled):
        with pytest.raises(TypeError, match=says) as caught:
            refuses(setting)
        assert "\n" not in str(caught.value)


def test_the_output_weights_are_the_linear_part_and_none_is_looked_for_in_a_large_module():
    setting = ou.Setting.from_torch(dense(), X, Y)
    theta = np.arange(setting.dim)
    np.testing.assert_array_equal(setting.linear_part(), theta[-4:])
    large = ou.Setting.from_torch(nn.Sequential(nn.Linear(2, 1000), nn.Tanh(), nn.Linear(1000, 1)).double(), X, Y)
    assert large.linear_part().size == 0


def test_no_kinks_are_known_and_the_laws_say_so():
    module = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1)).double()
    setting = ou.Setting.from_torch(module, X, Y)
    theta = setting.pack(module.state_dict())
    kinks = setting.kinks(theta)
    for each in (kinks.preactivations, kinks.clearance, kinks.distance, kinks.jump, setting.preactivations(theta)):
        assert each.shape == (3, 0)
    assert kinks.size.shape == kinks.rectified.shape == kinks.dead.shape == (0,)
    assert kinks.on_data.shape == (0, 2)
    assert np.isnan(ou.kink_distance(setting, theta))
    assert setting.smooth_piece(theta) is setting
    setting = setting.with_labels(setting.predictions(theta))
    assert "as h is a PyTorch module" in repr(ou.linearized_sgd(setting, theta, lr=0.01, noise_std=0.1))


def test_a_rescaled_module_is_still_one():
    module = dense()
    setting = ou.Setting.from_torch(module, X, Y)
    theta, scaled = setting.pack(module.state_dict()), setting.rescaled(3.0)
    np.testing.assert_allclose(scaled.predictions(theta), 3 * setting.predictions(theta), rtol=1e-15)
    np.testing.assert_array_equal(scaled.y, 3 * Y)
    np.testing.assert_allclose(ou.regularizer(scaled, theta), 9 * ou.regularizer(setting, theta), rtol=1e-14)
    np.testing.assert_array_equal(scaled.unpack(theta)["2.bias"].numpy(), theta[-1:])


@pytest.mark.parametrize(("labels", "k"), [(Y, 1), (Y[:, None], 1), (np.zeros((3, 4)), 4)])
def test_the_model_knows_its_outputs_and_parameters_without_running(labels, k):
    model = ou.Setting.from_torch(nn.Linear(2, k).double(), X, labels).h
    assert (model.k, model.dim) == (k, 3 * k)


def test_integers_that_a_module_takes_neither_as_they_are_nor_as_numbers_are_refused_once():
    message = "^module: expected a forward of x of shape \\(3, 2\\) in float64, got RuntimeError: sizes do not match$"
    with pytest.raises(TypeError, match=message):
        ou.Setting.from_torch(Forward(lost).double(), np.array([[0, 1], [2, 3], [4, 5]]), Y)
