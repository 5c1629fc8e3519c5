"""What is raced: a model written in the ways that the peers need, and the process that is linearised from one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

import ouanalysis as ou

__all__ = ["CHAINS", "Case", "Process", "all_cases"]

Array = NDArray[np.float64]
CHAINS = 64


@dataclass(frozen=True)
class Case:
    """Label-noise SGD on a model.

    Attributes
    ----------
    setting : Setting
    built_in : bool
        Whether the setting has a kernel of its own; else it is compiled by `ou.compiled`.
    theta : (p,) array
        Where all chains start: near the zero-error set, where a long run stays.
    batch_size : 1 or "full"
    h : callable
        ``h(np, theta, x)`` with theta (p,), x (..., *feature) and any NumPy for np: as one would write it.
    gradient : callable
        ``gradient(theta, x, labels)`` with theta (chains, p), x (chains or 1, B, *feature) and labels (chains, B) is
        Σ_b (h_b − label_b) ∇h_b, (chains, p), by hand in NumPy.
    program : Path
        The C program; it is compiled with the `sizes` as macros.
    """

    name: str
    title: str
    setting: ou.Setting
    built_in: bool
    theta: Array
    lr: float
    noise_std: float
    batch_size: int | str
    h: Callable[[ModuleType, Array, Array], Array]
    gradient: Callable[[Array, Array, Array], Array]
    program: Path
    sizes: Mapping[str, int]

    peers = ("c_program", "jax_scan", "numpy_loop", "autograd_loop")
    chains = CHAINS


@dataclass(frozen=True)
class Process:
    """The Ornstein-Uhlenbeck process about theta: the state of every path after every step is wanted.

    Peers are given its modes, in which it is dm = −λ m dt + √(2λ) s dW, one by one; θ = θ* + V m.
    """

    name: str
    title: str
    setting: ou.Setting
    theta: Array
    lr: float
    noise_std: float
    chains: int
    steps: int
    program: Path
    sizes: Mapping[str, int]

    peers = ("c_program", "diffrax_euler", "torchsde_euler", "sdeint_euler", "numpy_exact")
    batch_size = 1

    @property
    def law(self) -> ou.LocalOU:
        """Its spectrum and basis; all of its modes relax, or what follows would be another process."""
        return ou.local_ou(self.setting, self.theta, lr=self.lr, noise_std=self.noise_std)


def all_cases() -> dict[str, Case | Process]:
    """Every case by its name."""
    from .cases import (
        matrix_sensing,
        ornstein_uhlenbeck,
        quadratic_parametrisation,
        relu_network,
        tanh_mlp,
        tanh_network,
    )

    made = [
        matrix_sensing.case(d=5, n=25),
        matrix_sensing.case(d=20, n=100),
        relu_network.case(),
        tanh_network.case(),
        quadratic_parametrisation.case(),
        tanh_mlp.case(),
        ornstein_uhlenbeck.case(),
    ]
    return {case.name: case for case in made}


def near(theta: Array, distance: float = 0.1) -> Array:
    """A start beside theta."""
    return theta + distance * np.random.default_rng(1).standard_normal(theta.shape)
