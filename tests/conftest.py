"""Hypothesis profiles: `ci` is derandomised, `fuzz` long (pytest --hypothesis-profile=fuzz)."""

from hypothesis import HealthCheck, settings

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=25, print_blob=True)
settings.register_profile(
    "fuzz", deadline=None, max_examples=1000, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("ci")
