"""A plugin of pytest for the runs of mutants: the package that is tested is the one of the copy, or nothing is."""

from pathlib import Path

import pytest

import ouanalysis


def pytest_sessionstart(session):
    if not Path(ouanalysis.__file__).is_relative_to(session.config.rootpath):
        pytest.exit(f"expected the package below {session.config.rootpath}, got {ouanalysis.__file__}", returncode=3)
