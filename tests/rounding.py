"""What rounding leaves of an equality that is exact: each number with its reason, from the dtype and the conditioning.

Tolerances of integrators, solvers, differences and samples are not here: they have their reasons where they are used.
"""

import numpy as np

EPS = np.finfo(float).eps
FORMULA = 32 * EPS  # relative: 64 roundings of eps/2 each, of terms that do not cancel
SUMS = 4 * FORMULA  # of the largest term: a few products of matrices, each a sum of some ten terms, one after the other
ALGEBRA = 32 * SUMS  # of the largest entry: factorisations and solves of some ten rows, conditions up to some ten
