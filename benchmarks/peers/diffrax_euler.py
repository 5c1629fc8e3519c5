"""diffrax: Euler-Maruyama steps of the modes, one a step of SGD, with the Brownian path that its docs call very quick.

The paths are one system, or a vmap of one path: which is faster depends on the version.
"""

import diffrax
import equinox
import jax
import jax.numpy as jnp
import lineax
import numpy as np

from ..case import Process

ARRANGEMENTS = (("one system",), ("vmap",))
jax.config.update("jax_enable_x64", True)


def prepare(case: Process, arrangement: str):
    law = case.law
    rates, basis = jnp.asarray(law.eigenvalues), jnp.asarray(law.basis)
    spread = jnp.sqrt(2 * law.stationary_variance * rates)

    def modes(shape, key, steps):
        diffusion = lineax.DiagonalLinearOperator(jnp.broadcast_to(spread, shape))
        terms = diffrax.MultiTerm(
            diffrax.ODETerm(lambda _t, m, _args: -rates * m),
            diffrax.ControlTerm(lambda _t, _m, _args: diffusion, diffrax.UnsafeBrownianPath(shape, key)),
        )
        return diffrax.diffeqsolve(
            terms,
            diffrax.Euler(),
            t0=0.0,
            t1=steps * case.lr,
            dt0=case.lr,
            y0=jnp.zeros(shape),
            saveat=diffrax.SaveAt(steps=True),
            adjoint=diffrax.ForwardMode(),
            max_steps=steps,
        ).ys

    @equinox.filter_jit
    def paths(key, steps):
        if arrangement == "vmap":
            of_all = jax.vmap(lambda key: modes((law.rank,), key, steps))(jax.random.split(key, case.chains))
        else:
            of_all = jnp.swapaxes(modes((case.chains, law.rank), key, steps), 0, 1)
        return case.theta + of_all @ basis.T

    return lambda steps, seed: np.asarray(paths(jax.random.key(seed), steps))
