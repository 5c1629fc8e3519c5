"""Hypothesis profiles: `ci` is derandomised, `fuzz` long (pytest --hypothesis-profile=fuzz)."""

import os

from hypothesis import HealthCheck, settings

# Before NumPy is imported: threads of BLAS that wait for each other on a shared machine make small products crawl.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=25, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=1000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")
