"""A plugin of pytest for the runs of mutants: what runs is the package of the copy, and one example finds enough."""

from pathlib import Path

import pytest
from hypothesis import Phase, settings

import ouanalysis


@pytest.hookimpl(trylast=True)
def pytest_configure():
    phases = [phase for phase in Phase if phase not in (Phase.shrink, Phase.explain)]
    settings.register_profile("mutants", settings.get_profile("ci"), phases=phases, report_multiple_bugs=False)
    settings.load_profile("mutants")


def pytest_sessionstart(session):
    if not Path(ouanalysis.__file__).is_relative_to(session.config.rootpath):
        pytest.exit(f"expected the package below {session.config.rootpath}, got {ouanalysis.__file__}", returncode=3)
