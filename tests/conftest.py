"""Hypothesis profiles: `ci` is derandomised; `fuzz` (make fuzz) draws anew, each property for a share of time.

A property that costs a millisecond is drawn 3000 times, a slow one a few hundred times, without either saying so:
rounds of 100 draws go on until the property has had its FUZZ_SECONDS.
"""

import gc
import importlib.util
import os
import re
from time import monotonic

import pytest
from hypothesis import HealthCheck, is_hypothesis_test, settings

# Before NumPy is imported: threads of BLAS that wait for each other on a shared machine make small products crawl.
for library in ("OPENBLAS", "MKL", "OMP"):
    os.environ.setdefault(f"{library}_NUM_THREADS", "1")
# Before JAX is: what a test runs once is compiled in half the time without the optimiser.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")

OF_EXTRAS = {  # what of a module needs them: PyTorch the module itself, JAX its example
    "torch": re.compile(r"^(?:import|from) torch\b", re.MULTILINE),
    "jax": re.compile(r"^ *>>> (?:import|from) jax\b", re.MULTILINE),
}
FUZZ_SECONDS = 30  # of each property, the last round on top: 130 of them take half an hour on two cores
ROUND, ROUNDS = 100, 30

settings.register_profile("ci", derandomize=True, deadline=None, max_examples=25, print_blob=True)
settings.register_profile(
    "fuzz",
    deadline=None,
    max_examples=ROUND,
    print_blob=True,
    # What one round in many meets by chance; a strategy that is slow or rejects too much fails under `ci`.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)
settings.load_profile("ci")


class Uncollected:
    """No garbage is collected while a docstring runs.

    SymPy forgets the source of a function that `lambdify` made once that is collected, and doctest's debugger, which
    walks all sources that are known, falls over it: seen once.
    """

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        if not isinstance(item, pytest.DoctestItem):
            return (yield)
        gc.disable()
        try:
            return (yield)
        finally:
            gc.enable()


class OfExtras:
    """A module that imports PyTorch, or has an example in JAX, is not looked at for docstrings where there is none."""

    def pytest_ignore_collect(self, collection_path):
        is_code = collection_path.suffix == ".py" and not collection_path.name.startswith("test_")
        missing = [needs for name, needs in OF_EXTRAS.items() if is_code and importlib.util.find_spec(name) is None]
        text = collection_path.read_text(encoding="utf-8") if missing else ""
        return True if any(needs.search(text) for needs in missing) else None


def pytest_configure(config):
    config.pluginmanager.register(Uncollected())  # of docstrings outside this folder too
    config.pluginmanager.register(OfExtras())


def fuzzing(config):
    return config.getoption("--hypothesis-profile") == "fuzz"


def is_property(item):
    """Whether a test is under @given, or has one inside."""
    function = getattr(item, "obj", None)
    inside = getattr(getattr(function, "__code__", None), "co_names", ())
    return is_hypothesis_test(function) or "given" in inside


def pytest_collection_modifyitems(config, items):
    if fuzzing(config):
        config.hook.pytest_deselected(items=[item for item in items if not is_property(item)])
        items[:] = [item for item in items if is_property(item)]


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_call(item):
    begin = monotonic()
    yield
    if fuzzing(item.config):
        rounds = 1
        while monotonic() < begin + FUZZ_SECONDS and rounds < ROUNDS:
            item.runtest()
            rounds += 1
        item.user_properties.append(("fuzzed", f"{rounds * ROUND} draws in {monotonic() - begin:.0f} s"))


def pytest_report_teststatus(report):
    fuzzed = dict(getattr(report, "user_properties", ())).get("fuzzed")  # a file that fails to import has none
    if fuzzed and report.when == "call" and report.passed:
        return "passed", ".", f"PASSED {fuzzed}"
    return None
