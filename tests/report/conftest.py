"""One page for all of these tests: real derivations and two real figures, and a ledger that nothing was run for.

And one browser for those that open it.
"""

import os
import shutil

import pytest
from ouanalysis.derivations.__main__ import NAMES

from ouanalysis.claims import CLAIMS, Bounded, Certified, Measured, Proved, Row
from ouanalysis.claims.summary import ledger
from ouanalysis.experiments import noise_floor, ou_covariance
from ouanalysis.report.contents import Contents, groups
from ouanalysis.report.derivations import derived
from ouanalysis.report.pictures import picture

FAILED, PARTLY = "momentum", "noise-floor"


def row(claim):
    """What a check could have found; one claim has failed, with a traceback, and one is checked in part."""
    found = [
        *(Proved(name, 3, 1) for name in claim.derived),
        Certified("gap < all & sundry", 0.5, 1.0, 4),
        Measured("value_of x_i", 1.0, 1.1, 0.1, 0.0, 1.0, 7),
        Measured("outside", 1.0, 2.0, 0.1, 0.0, 10.0, contrast=True),
    ]
    unchecked = (Bounded("what takes long", 2.0, 1.0, full=True),) if claim.id == PARTLY else ()
    error = "Traceback: x < y in C:\\planted" if claim.id == FAILED else ""
    return Row(claim, tuple(found), unchecked, 4.0, 0.1, error)


@pytest.fixture(scope="session")
def contents():
    found = ledger([row(claim) for claim in CLAIMS.values()], seed=0, size="quick", limit=4.0)
    pictures = [
        picture(experiment.__name__.rpartition(".")[2], experiment.run(0, "quick"))
        for experiment in (noise_floor, ou_covariance)
    ]
    missing = {"momentum": "Traceback: a < b"}
    return Contents(found, groups(), pictures, missing, [derived(name) for name in NAMES], 1.0)


@pytest.fixture(scope="session")
def chromium():
    """A test that was asked for by its mark does not pass for want of a browser."""
    from playwright.sync_api import sync_playwright

    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    path = next(filter(None, map(shutil.which, filter(None, names))), None)
    assert path, "expected chromium on the path, or named by CHROMIUM, got none"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()
