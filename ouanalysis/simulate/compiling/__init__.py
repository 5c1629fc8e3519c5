"""Any model compiled: what h and its gradient do to one datum is written down, and becomes a Numba function.

operations    the one table of what compiles; `contractions` has the products
totals        the sum over a batch, before what is linear and does not depend on the datum
lowering      which arrays are kept, which are computed where they are used (`values`)
loops         nests of loops, as text
program       the source, of one datum and of a batch, and a model of it for the loops of `simulate/kernels`
making        `ouanalysis.compiled`: a setting with a program that was checked against autograd
"""

from .making import compiled

__all__ = ["compiled"]
