"""What a run started from, so that it can be repeated: where its random streams spring from, and the versions."""

import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np

from .. import __version__
from ..numeric.fluctuations.sampling import Sampling
from ..settings import Setting

__all__ = [
    "OF_DIFFUSION",
    "OF_SGD",
    "Engine",
    "Seed",
    "bit_generator_state",
    "engine_of",
    "named",
    "processor",
    "sampling_arguments",
    "versions",
    "with_functions",
]


Engine = Literal["numba", "autograd"]
OF_SGD = tuple(field.name for field in fields(Sampling) if field.name != "outputs")  # which is the setting's
OF_DIFFUSION = ("lr", "noise_std", "batch_size", "gradient_noise_std")  # which does not know how a batch is drawn
OF_ONES_OWN = "function "  # how the name begins that stands for a function in a file
BIT_GENERATORS = {
    kind.__name__: kind
    for kind in (np.random.PCG64, np.random.PCG64DXSM, np.random.MT19937, np.random.Philox, np.random.SFC64)
}


@dataclass(frozen=True)
class Seed:
    """Where the streams of a run sprang from: the SeedSequence of a Generator, and how many it had spawned before.

    Chains spawn their streams, so that what a Generator had drawn before makes no difference.
    """

    bit_generator: str
    entropy: int | tuple[int, ...]
    spawn_key: tuple[int, ...]
    pool_size: int
    n_children_spawned: int

    @classmethod
    def of(cls, rng: np.random.Generator) -> Self:
        """That of a Generator now; a TypeError if it cannot spawn."""
        sequence, kind = rng.bit_generator.seed_seq, type(rng.bit_generator).__name__
        if not isinstance(sequence, np.random.SeedSequence):
            raise TypeError(f"rng: expected a Generator made from a seed, got one of {kind} that cannot spawn")
        return cls(
            kind,
            _integers(sequence.entropy),
            tuple(map(int, sequence.spawn_key)),
            sequence.pool_size,
            sequence.n_children_spawned,
        )

    @classmethod
    def from_facts(cls, facts: Mapping[str, Any]) -> Self:
        """The one whose `dataclasses.asdict` went through JSON."""
        return cls(**{name: _tuples(value) for name, value in facts.items()})

    def generator(self) -> np.random.Generator:
        """A new Generator that gives the same run, each time it is asked for."""
        if self.bit_generator not in BIT_GENERATORS:
            raise ValueError(f"bit_generator: expected {' or '.join(BIT_GENERATORS)}, got {self.bit_generator}")
        sequence = np.random.SeedSequence(
            self.entropy,
            spawn_key=self.spawn_key,
            pool_size=self.pool_size,
            n_children_spawned=self.n_children_spawned,
        )
        return np.random.Generator(BIT_GENERATORS[self.bit_generator](sequence))


def sampling_arguments(setting: Setting, sampling: Sampling, only: tuple[str, ...] = OF_SGD) -> dict[str, object]:
    """The arguments that `sampling_of` parses to this Sampling, or some of them."""
    parsed = {name: getattr(sampling, name) for name in only}
    full = sampling.batch_size == setting.n and not sampling.replacement
    return parsed | {"batch_size": "full"} if full else parsed


def engine_of(setting: Setting) -> Engine:
    """What takes its steps."""
    from .kernels import exists

    return "numba" if exists(setting) else "autograd"


def versions(engine: Engine) -> dict[str, str]:
    """What a run depends on to the last bit."""
    return {
        "ouanalysis": __version__,
        **{name: _version(name) for name in ("numpy", engine)},
        "processor": processor(),
    }


def bit_generator_state(rng: np.random.Generator) -> dict[str, Any]:
    """Where a stream is, in plain numbers, as its `bit_generator.state` takes them."""
    return _plain(rng.bit_generator.state)


def named(function: Callable[..., object]) -> str:
    """How a file names a function that it cannot hold."""
    known = function if hasattr(function, "__qualname__") else type(function)
    return f"{OF_ONES_OWN}{known.__module__}.{known.__qualname__}"


def with_functions(arguments: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments of a run with the functions in the place of the names that a file has for them."""
    kept, given = dict(arguments), {name: value for name, value in given.items() if value is not None}
    for name, value in kept.items():
        missing = next(filter(_is_name, value.values() if isinstance(value, Mapping) else [value]), None)
        if missing:
            if name not in given:
                raise TypeError(f"{name}: expected the {missing} that made the run, which is not in the file, got None")
            kept[name] = given.pop(name)
    if given:
        raise TypeError(f"{next(iter(given))}: expected None, since the run has its own, got another")
    if "observe" in kept:
        names = arguments["observe"]
        if set(kept["observe"]) != set(names):
            raise ValueError(f"observe: expected {', '.join(names)}, got {', '.join(kept['observe'])}")
        kept["observe"] = {name: kept["observe"][name] for name in names}  # in the order of the witness
    return kept


def _is_name(value):
    return isinstance(value, str) and value.startswith(OF_ONES_OWN)


_version = cache(version)  # which reads files


@cache
def processor() -> str:
    """The model of the processor, as far as it can be told."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def _plain(state):
    """The state of a bit generator with lists and integers that JSON has."""
    if isinstance(state, Mapping):
        return {name: _plain(value) for name, value in state.items()}
    return state.tolist() if isinstance(state, np.ndarray | np.generic) else state


def _integers(entropy):
    """The entropy of a SeedSequence as an int, or a tuple of ints however deep."""
    return int(entropy) if np.ndim(entropy) == 0 else tuple(_integers(word) for word in entropy)


def _tuples(value):
    return tuple(map(_tuples, value)) if isinstance(value, list) else value
