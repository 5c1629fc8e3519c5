"""Models as a user may write them, one for each way of writing: what `compiled` has to follow.

Each is h(theta, x) under its name, with the number of parameters and the shape of a datum.
"""

import autograd.numpy as np
from autograd.scipy import special

from ouanalysis import activations as act

MODELS = {}


def model(dim, feature=(3,)):
    def add(h):
        MODELS[h.__name__] = (h, dim, feature)
        return h

    return add


def matrix(theta, rows, columns):
    return theta.reshape((*theta.shape[:-1], rows, columns))


def affine(theta, x):
    """Three pre-activations."""
    return theta[..., :3] * x + theta[..., 3:]


@model(1, ())
def of_a_number(theta, x):
    return np.sin(theta[..., 0] * x)


@model(3)
def linear(theta, x):
    return np.sum(theta * x, -1)


@model(3)
def of_theta_alone(theta, x):
    return theta[..., 0] + 2 * theta[..., 1] - theta[..., 2] + 0 * x[..., 0]


@model(2, ())
def of_a_sum(theta, x):
    """Its gradient is alike along θ: what a reverse pass broadcasts at its very end."""
    return np.sum(theta, axis=-1) ** 2 * x


@model(4, ())
def of_masks(theta, x):
    """Masks that are added, multiplied and counted are numbers, not masks."""
    positive, small = theta[..., 1:] > 0, theta[..., 1:] < 0.7
    added = (theta[..., 1] > 0) * 1.0 + (theta[..., 2] > 0) * 1.0
    counted = np.sum(positive * small, axis=-1)
    return theta[..., 0] * (added + counted) * x + np.sum(theta[..., 1:], axis=-1)


@model(9)
def products_of_matrices(theta, x):
    square = matrix(theta, 3, 3)
    return (square @ x[..., None])[..., 1, 0] * np.sum(square @ np.swapaxes(square, -1, -2), axis=(-1, -2))


@model(9)
def bilinear(theta, x):
    return np.einsum("...ij,...i,...j->...", matrix(theta, 3, 3), x, x)


@model(9)
def sums_over_axes(theta, x):
    square = matrix(theta, 3, 3)
    return np.einsum("...ij->...", square) * x[..., 0] + np.sum(np.prod(square, axis=-2) * x, axis=-1)


@model(9)
def triangles(theta, x):
    square = matrix(theta, 3, 3)
    product = np.triu(square) @ np.tril(square)
    return np.sum(product, axis=(-1, -2)) + np.sum(np.diagonal(product, axis1=-1, axis2=-2) * x, -1)


@model(27)
def cubic(theta, x):
    tensor = theta.reshape((*theta.shape[:-1], 3, 3, 3))
    return np.einsum("...ijk,...i,...j,...k->...", tensor, x, x, x)


@model(4)
def products_with_constants(theta, x):
    table = np.arange(12.0).reshape(4, 3)
    by_axes = np.tensordot(theta, table.T, axes=([-1], [1]))
    return np.sum((theta @ table + np.tensordot(theta**2, table, axes=1)) * x, -1) + np.sum(by_axes**2, -1)


@model(4)
def dots(theta, x):
    table = np.arange(12.0).reshape(4, 3)
    return np.dot(theta, np.arange(4.0)) * x[..., 0] + np.dot(theta, table)[..., 1] + np.inner(theta, np.ones(4))


@model(6)
def branches_of_numpy(theta, x):
    sides = np.where(theta > 0.3, theta**2, -theta) + np.clip(theta, -0.5, 0.5) * np.arange(6.0) + np.abs(theta)
    both = np.where(np.logical_and(theta > 0, theta < 1), theta, 0.0) + (theta > 0).astype(float) * theta**3
    return np.sum(sides + both, -1) * x[..., 1]


@model(6)
def extremes(theta, x):
    pairs = np.maximum(theta[..., :3], theta[..., 3:]) - np.minimum(theta[..., :3] * x, 0.1)
    return np.max(theta, -1) * x[..., 0] + np.sum(pairs, -1) + np.amin(theta * theta, axis=-1)


@model(6)
def on_kinks(theta, x):
    one = act.relu(theta[..., 0]) + act.absolute(theta[..., 1]) + act.leaky_relu(theta[..., 2], 0.25)
    two = act.maximum(theta[..., 3], theta[..., 4]) - 2 * act.minimum(theta[..., 3], theta[..., 5])
    return (one + two + act.sign(theta[..., 0]) + act.clip(theta[..., 4], 0.0, 1.0)) * x[..., 0]


@model(6)
def on_kinks_of_numpy(theta, x):
    one = np.maximum(theta[..., 0], 0.0) + np.abs(theta[..., 1]) + np.where(theta[..., 2] > 0, theta[..., 2], 0.0)
    two = np.maximum(theta[..., 3], theta[..., 4]) - 2 * np.minimum(theta[..., 3], theta[..., 5])
    return (one + two + np.clip(theta[..., 4], 0.0, 1.0) + np.max(theta[..., 1:], axis=-1)) * x[..., 0]


@model(6)
def own_activations(theta, x):
    z = affine(theta, x)
    smooth = act.tanh(z) + act.logistic(z) + act.softplus(z) + act.gelu(z) + act.silu(z) + act.erf(z)
    return np.sum(smooth + act.clip(z, -0.3, 0.3) + act.minimum(z, 0.1), -1) + act.logsumexp(z)


@model(6)
def functions_of_entries(theta, x):
    z = affine(theta, x)
    q = np.exp(z)
    waves = np.sin(z) + np.cos(z) + np.tan(z) + np.sinh(z) + np.cosh(z) + np.tanh(z) + np.arctan(z) + np.arcsinh(z)
    logs = np.log(q + 1) + np.log1p(q) + np.expm1(z) + np.log2(q) + np.log10(q) + np.exp2(z) + np.logaddexp(z, 1.0)
    others = np.sqrt(q) + np.square(z) + np.reciprocal(q) + np.arctan2(z, q) + np.hypot(z, q) + np.fabs(z) + z % 2.0
    return np.sum(waves + logs + others, -1)


@model(6)
def functions_of_bounded_entries(theta, x):
    z = 0.9 * np.tanh(affine(theta, x))
    inverse = np.arcsin(z) + np.arccos(z) + np.arctanh(z) + np.arccosh(2 + z)
    return np.sum(inverse + np.degrees(z) + np.radians(z) + np.floor(10 * z) * z + np.sign(z) * z**2 + np.sinc(z), -1)


@model(6)
def functions_of_scipy(theta, x):
    z = np.exp(0.3 * affine(theta, x))
    return np.sum(special.erf(z) + special.erfc(z) + special.expit(z), -1) + special.logsumexp(theta, axis=-1)


@model(6)
def powers(theta, x):
    a = np.exp(theta)
    fixed = a**0.5 + a**-1 + a**3 + a**2.5 + theta**4 + theta**1 + a**-0.5 + a**-2 + a**0
    return np.sum(fixed + 2.0**theta + a**theta + 1.0 / a, -1) * x[..., 0]


@model(6)
def moments(theta, x):
    spread = np.var(theta, axis=-1) * x[..., 0] + np.std(theta, -1) + np.mean(theta * theta, axis=-1)
    return spread + np.prod(theta[..., :3] * x, -1) + np.linalg.norm(theta, axis=-1)


@model(6)
def normalized(theta, x):
    z = affine(theta, x)
    z = (z - np.mean(z, -1, keepdims=True)) / np.sqrt(np.var(z, axis=-1, keepdims=True) + 1e-5)
    return np.sum(z**3, -1)


@model(6)
def joined(theta, x):
    doubled = np.ones(2) * (theta[..., 2:3] * x[..., :1])
    rows = np.concatenate([theta[..., :2] * x[..., :2], theta[..., 3:] ** 3 - x, doubled], axis=-1)
    columns = np.stack([theta[..., 0] * x[..., 0], theta[..., 1] + x[..., 1], theta[..., 2] * x[..., 2]], axis=-1)
    listed = np.array([theta[..., 4] * x[..., 1], theta[..., 5] ** 2 * x[..., 0]])
    return np.sum(rows**2, -1) + np.sum(columns**2, -1) + np.sum(listed, axis=0)


@model(6)
def indexed(theta, x):
    picked = theta[..., [0, 2, 2, 5, 1]] * theta[..., np.array([1, 1, 3, 4, 0])]
    return np.sum(picked, -1) * x[..., 0] + np.sum(theta[..., ::-1] * theta[..., ::1] * np.arange(6.0), -1)


@model(6)
def turned(theta, x):
    z = np.repeat(np.roll(theta, 2, axis=-1) * theta, 2, axis=theta.ndim - 1)  # autograd's own slips at axis=-1
    z = np.tile(z, (1,) * (z.ndim - 1) + (2,))
    z = np.moveaxis(z.reshape((*z.shape[:-1], 2, 3, 4)), -1, -3)
    z = np.transpose(z, (*range(z.ndim - 3), z.ndim - 1, z.ndim - 3, z.ndim - 2))
    return np.sum(z[..., 1, :, :] * z[..., 0, ::-1, :], axis=(-1, -2)) * x[..., 0]


@model(6)
def padded(theta, x):
    z = np.pad(theta, [(0, 0)] * (theta.ndim - 1) + [(1, 1)], "constant")
    running = np.cumsum(theta, axis=-1)
    return np.sum((z[..., 1:] - z[..., :-1]) ** 2, -1) * x[..., 0] + np.sum(running**2 + np.diff(z)[..., 1:] ** 2, -1)


@model(6)
def broadcast(theta, x):
    apart = theta[..., :, None] - theta[..., None, :]
    crossed = np.expand_dims(theta, -1) * np.expand_dims(x, -2)
    return np.sum(apart**2, axis=(-1, -2)) + np.sum(crossed**2, axis=(-2, -1))


@model(385, (5,))
def perceptron(theta, x):
    inner, outer = matrix(theta[..., :80], 16, 5), matrix(theta[..., 96:352], 16, 16)
    z = np.tanh(np.einsum("...ij,...j->...i", inner, x) + theta[..., 80:96])
    z = np.tanh(np.einsum("...ij,...j->...i", outer, z) + theta[..., 352:368])
    return np.sum(theta[..., 368:384] * z, -1) + theta[..., 384]


@model(40, (4,))
def relu_network(theta, x):
    z = act.relu((matrix(theta[..., :32], 8, 4) @ x[..., None])[..., 0])
    return np.sum(theta[..., 32:] * z, -1)


@model(12, (2, 3))
def attention(theta, x):
    queries = np.einsum("...ab,...tb->...ta", matrix(theta[..., :6], 2, 3), x)
    keys = x @ np.swapaxes(matrix(theta[..., 6:], 2, 3), -1, -2)
    shares = act.softmax(np.einsum("...ta,...ua->...tu", queries, keys) / np.sqrt(2.0), axis=-1)
    return np.sum(shares @ x, axis=(-1, -2))


@model(12, (2, 3))
def attention_written_out(theta, x):
    queries, keys = matrix(theta[..., :6], 2, 3), matrix(theta[..., 6:], 2, 3)
    scores = x @ np.swapaxes(queries, -1, -2) @ keys @ np.swapaxes(x, -1, -2)
    shares = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    return np.mean(shares / np.sum(shares, axis=-1, keepdims=True) @ x, axis=(-1, -2))


@model(7, (8,))
def convolution(theta, x):
    windows = np.stack([x[..., k : k + 6] for k in range(3)], axis=-1)
    z = np.tanh(np.einsum("...pk,...k->...p", windows, theta[..., :3]) + theta[..., 3:4])
    return theta[..., 4] * np.mean(z, -1) + theta[..., 5] * np.max(z, -1) + theta[..., 6]


@model(9)
def recurrent(theta, x):
    state = theta[..., 4:6]
    for k in range(3):
        state = np.tanh((matrix(theta[..., :4], 2, 2) @ state[..., None])[..., 0] + theta[..., 6:8] * x[..., k : k + 1])
    return np.sum(state, -1) * theta[..., 8]


@model(9)
def first_of_theta_alone(theta, x):
    """So much of it that a batch shares: mixing (3, 3), its product with itself, a norm."""
    mixing = np.tanh(matrix(theta, 3, 3))
    mixing = mixing @ np.swapaxes(mixing, -1, -2) / (1 + np.sum(mixing**2, axis=(-1, -2), keepdims=True))
    return np.sum(mixing @ np.stack([x, np.sin(x)], axis=-1), axis=(-1, -2)) + np.exp(mixing[..., 0, 1])


@model(6)
def summed_with_weights_of_theta(theta, x):
    """Cotangents that branch: each of three neurons is read at each datum and in a sum over data."""
    z = np.where(theta[..., :3] > 0, theta[..., :3], 0.1 * theta[..., :3]) * x
    return np.sum(theta[..., 3:] * z, -1) + np.cumsum(theta[..., 3:], axis=-1)[..., 1] * np.tanh(np.sum(z, -1))
