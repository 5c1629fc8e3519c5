"""Layers of a JAX function, found in the program that it traces: leaves that one product or convolution alone reads.

z = a W at some places t makes the gradient of an output by W Σ_t a_t b_tᵀ, b = ∂h/∂z; of a convolution a_t is what the
kernel sees at t. z is moved by a shift of 0, whose derivative is b. Arrays are of one datum, a (places, in), b (places,
out).

Source: Goodfellow 2015 (arXiv:1510.01799); over places, Li et al. 2022 (arXiv:2110.05679).
"""

from collections.abc import Callable
from itertools import product
from math import prod
from typing import Any, NamedTuple

from .jax_library import installed_jax

__all__ = ["Layer", "inputs_and_values", "layers_of"]

CALLS = {"jit", "pjit"}  # which run what stands in them once
MOVES = {"broadcast_in_dim", "copy", "reshape", "squeeze", "transpose"}  # of which some put numbers in other places


class Layer(NamedTuple):
    """How large a layer is."""

    places: int
    inputs: int
    outputs: int

    @property
    def is_formed(self) -> bool:
        """Whether the inner products between its places cost more than the gradient that they spare."""
        return self.places * (self.inputs + self.outputs) > self.inputs * self.outputs

    @property
    def floats(self) -> int:
        """In what a squared norm is computed by."""
        terms = self.places * (self.inputs + self.outputs)
        return terms + (self.inputs * self.outputs if self.is_formed else self.places**2)

    @property
    def kept(self) -> int:
        """Floats of what inner products with other data need: the factors at one place, the gradient at several."""
        return self.inputs + self.outputs if self.places == 1 else self.inputs * self.outputs

    @property
    def floats_of_kept(self) -> int:
        """In what that is computed by."""
        return self.kept + (self.places > 1) * self.places * (self.inputs + self.outputs)


def layers_of(program: Any, leaves: int) -> dict[int, Layer]:
    """Those of a jaxpr whose first arguments are its leaves, by the number of the leaf."""
    uses: dict[int, list[Layer | None]] = {}

    def noted(equation, read, given, made):
        for side, leaf in enumerate(read):
            if leaf is not None:
                uses.setdefault(leaf, []).append(_layer(equation, side, given))
        return made

    def run(*args):
        values, read = _run(program, args, [*range(leaves), *[None] * (len(args) - leaves)], noted)
        uses.update({leaf: [] for leaf in read if leaf is not None})
        return values

    installed_jax().eval_shape(run, *program.in_avals)
    return {leaf: found[0] for leaf, found in sorted(uses.items()) if len(found) == 1 and found[0]}


def inputs_and_values(program: Any, args: list[Any], shifts: dict[int, Any]) -> tuple[dict[int, Any], list[Any]]:
    """a of the layers whose z are moved by shifts (places, out), by leaf, and the values of the program."""
    inputs = {}

    def moved(equation, read, given, made):
        for side, leaf in enumerate(read):
            if leaf in shifts:
                inputs[leaf] = _inputs(equation, side, given)
                made = [made[0] + _as_outputs(shifts[leaf], equation, side, made[0])]
        return made

    leaves = [leaf if leaf in shifts else None for leaf in range(len(args))]
    return inputs, _run(program, args, leaves, moved)[0]


def _run(program, args, leaves, reads: Callable[..., list[Any]]):
    """(values, which leaf each of them is or None) of a closed jaxpr, of whose arguments some are leaves.

    What an equation makes that reads a leaf is what `reads` gives of it, of the leaves, of what is given and is made.
    """
    values = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    values |= dict(zip(program.jaxpr.invars, args, strict=True))
    known = dict(zip(program.jaxpr.invars, leaves, strict=True))

    def value(atom):
        return atom.val if hasattr(atom, "val") else values[atom]

    def leaf(atom):
        return None if hasattr(atom, "val") else known.get(atom)

    for equation in program.jaxpr.eqns:
        given, read = [value(atom) for atom in equation.invars], [leaf(atom) for atom in equation.invars]
        made_of: list[Any] = [None] * len(equation.outvars)
        if all(number is None for number in read):
            made = _made(equation, given)
        elif equation.primitive.name in CALLS:
            made, made_of = _run(equation.params["jaxpr"], given, read, reads)
        else:
            made = _made(equation, given)
            if equation.primitive.name in MOVES and made[0].size == given[0].size:
                made_of = read
            else:
                made = reads(equation, read, given, made)
        values |= dict(zip(equation.outvars, made, strict=True))
        known |= dict(zip(equation.outvars, made_of, strict=True))
    return [value(atom) for atom in program.jaxpr.outvars], [leaf(atom) for atom in program.jaxpr.outvars]


def _made(equation, given):
    primitive, params = equation.primitive, equation.primitive.get_bind_params(equation.params)
    functions, params = params if isinstance(params, tuple) else ((), params)  # a dict since 0.10
    made = primitive.bind(*functions, *given, **params)
    return made if primitive.multiple_results else [made]


def _layer(equation, side, given):
    """How large the layer is, or None where the leaf on this side of the equation makes none that is known."""
    params, name = equation.params, equation.primitive.name
    is_product = name == "dot_general" and not any(params["dimension_numbers"][1])
    is_convolution = name == "conv_general_dilated" and side == 1
    if not is_product and not (is_convolution and params["feature_group_count"] == params["batch_group_count"] == 1):
        return None
    is_real = all(array.dtype.kind != "c" for array in (*given, equation.outvars[0].aval))
    if not is_real or not equation.outvars[0].aval.size or not given[side].size:
        return None
    places, inputs = _inputs(equation, side, given).shape
    return Layer(places, inputs, given[side].size // inputs)


def _inputs(equation, side, given):
    """a (places, in) of the leaf on this side, whose precision it takes, as integers would overflow."""
    other, params = given[1 - side].astype(given[side].dtype), equation.params
    if equation.primitive.name == "conv_general_dilated":
        return _patches(other, given[side].shape, params)
    axes = params["dimension_numbers"][0][1 - side]
    free = [axis for axis in range(other.ndim) if axis not in axes]
    return other.transpose(*free, *axes).reshape(-1, prod(other.shape[axis] for axis in axes))


def _patches(x, kernel, params):
    """What a kernel of this shape sees of x at each place."""
    lax = installed_jax().lax
    numbers = params["dimension_numbers"]
    x = x.transpose(numbers.lhs_spec)  # (batch, features, *space)
    gaps = [(*sides, dilation - 1) for sides, dilation in zip(params["padding"], params["lhs_dilation"], strict=True)]
    x = lax.pad(x, 0.0, [(0, 0, 0), (0, 0, 0), *gaps])
    lengths = [kernel[axis] for axis in numbers.rhs_spec[2:]]
    seen = []
    for at in product(*map(range, lengths)):
        starts = [i * dilation for i, dilation in zip(at, params["rhs_dilation"], strict=True)]
        ends = [  # of the places that are left where the kernel is at its last
            start + size - (length - 1) * dilation
            for start, size, length, dilation in zip(starts, x.shape[2:], lengths, params["rhs_dilation"], strict=True)
        ]
        seen.append(lax.slice(x, (0, 0, *starts), (*x.shape[:2], *ends), (1, 1, *params["window_strides"])))
    stacked = installed_jax().numpy.stack(seen, axis=1)  # (batch, of the kernel, features, *places)
    stacked = stacked.reshape(len(stacked), -1, *stacked.shape[3:])
    return installed_jax().numpy.moveaxis(stacked, 1, -1).reshape(-1, stacked.shape[1])


def _as_outputs(shift, equation, side, made):
    """A shift (places, out) of z as the equation makes it."""
    if equation.primitive.name == "conv_general_dilated":
        spec = equation.params["dimension_numbers"].out_spec
        shape = [made.shape[axis] for axis in spec]  # (batch, out, *places)
        shift = installed_jax().numpy.moveaxis(shift.reshape(shape[0], *shape[2:], shape[1]), -1, 1)
        return shift.transpose([spec.index(axis) for axis in range(made.ndim)])
    return (shift if side else shift.T).reshape(made.shape)  # the axes of the left factor stand first
