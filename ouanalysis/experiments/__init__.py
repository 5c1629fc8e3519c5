"""What is tried: one file an experiment, each with ``run(rng, size)`` giving a frozen result.

``size`` is "full" (what the committed figures show) or "quick" (the same experiment, small enough for a test). A field
of a result may state in its metadata a ``resolution``, a power of ten: what its numbers say below is noise of a solver
or of rounding, another on every machine, and is neither written nor drawn. `stages` is no experiment but what those
share that lower step or noise on the way, and `power_law` what those share that fit an exponent.
"""

from typing import Literal

__all__ = ["Size"]

Size = Literal["full", "quick"]
